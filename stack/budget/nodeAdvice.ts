import { HostSize, wholeCpus } from "../../components/host/hostSize";
import type { Assessment, BudgetSettings } from "./budgetTypes";
import type { NodeBudget } from "./nodeBudget";
import { BudgetNode } from "./nodes";

/** What becomes of a stack with other workers, or with another size of the host. */
export type Changed = (
  workers: BudgetNode[],
  hostSize: HostSize,
) => Pick<Assessment, "fits" | "cases">;

/** Numbers of CPUs in which machines are sold. */
const cpuSteps = [1, 2, 4, 8, 16];

/** Machines are sold in steps of so much memory, in MiB, and nothing is advised that has more than so many steps. */
const memoryStepMiB = 256;
const memorySteps = 128;

/** Sizes of nodes in words: `host: 1 CPU and 1536 MiB; edge2: 2 CPUs and 2048 MiB`. */
export function nodesText(nodes: Pick<NodeBudget, "name" | "size">[]): string {
  return nodes.map(({ name, size }) => `${name}: ${sizeText(size)}`).join("; ");
}

function sizeText({ cpus, memoryMiB }: HostSize): string {
  return `${cpus} ${cpus === "1" ? "CPU" : "CPUs"} and ${memoryMiB} MiB`;
}

/**
 * Nodes with which the stack fits: one worker more, or one node of another size. Each is the smallest with so few CPUs as
 * possible, by what the scheduler would do with it.
 */
export function nodeAdvice(
  { hostSize, workers = [] }: BudgetSettings,
  nodes: Pick<NodeBudget, "name">[],
  fits: boolean,
  changed: Changed,
): string[] {
  if (fits) {
    return [];
  }
  const more = anotherWorker(workers, hostSize, changed, (after) => after.fits);
  const host = smallest(hostSize, (size) => changed(workers, size).fits);
  const larger = workers.flatMap((worker) => {
    const size = smallest(worker.size, (next) => {
      const others = workers.map((one) => (one === worker ? { ...worker, size: next } : one));
      return changed(others, hostSize).fits;
    });
    return size === undefined
      ? []
      : [
          `Give the worker ${worker.name} ${sizeText(size)} or more (now ${worker.size.cpus} and ${worker.size.memoryMiB}).`,
        ];
  });
  return [
    ...(more === undefined ? [] : [`Add a worker with ${sizeText(more)} or more.`]),
    ...larger,
    ...(host === undefined
      ? []
      : [
          `Give the host ${nodes[0]?.name === "host" ? "" : `${nodes[0]?.name} `}${sizeText(host)} or more, and declare it by ` +
            `hostCpus and hostMemoryMiB (now ${hostSize.cpus} and ${hostSize.memoryMiB}).`,
        ]),
  ];
}

/** What to know of the loss of a worker, and the worker with which no pod would have to wait. */
export function lostWarnings(
  { hostSize, workers = [] }: BudgetSettings,
  { fits, cases }: Pick<Assessment, "fits" | "cases">,
  changed: Changed,
): string[] {
  const lost = cases.find(({ name }) => name === "workerLost");
  if (!fits || lost === undefined || lost.fits) {
    return [];
  }
  const survives = (after: ReturnType<Changed>): boolean =>
    after.fits && after.cases.every(({ name, fits: holds }) => name !== "workerLost" || holds);
  const more = anotherWorker(workers, hostSize, changed, survives);
  return [
    `With the ${lost.title}, these pods find no place: ${lost.pending.join(", ")}.` +
      (more === undefined
        ? ""
        : ` One more worker with ${sizeText(more)} would have room for them.`),
  ];
}

/** The smallest worker with which all is well. */
function anotherWorker(
  workers: BudgetNode[],
  hostSize: HostSize,
  changed: Changed,
  isWell: (after: ReturnType<Changed>) => boolean,
): HostSize | undefined {
  return smallest({ cpus: "1", memoryMiB: 2 * memoryStepMiB }, (size) => {
    const added: BudgetNode = { name: "one more worker", size, labels: {}, taints: [] };
    return isWell(changed([...workers, added], hostSize));
  });
}

/** The smallest size from a given one on that does: the fewest CPUs, then the least memory. */
function smallest(from: HostSize, isEnough: (size: HostSize) => boolean): HostSize | undefined {
  const least = Math.ceil(from.memoryMiB / memoryStepMiB);
  const sized = (cpus: number, steps: number): HostSize => ({
    cpus: String(cpus),
    memoryMiB: steps * memoryStepMiB,
  });
  const most = Math.max(least, memorySteps);
  const cpus = [wholeCpus(from), ...cpuSteps.filter((step) => step > wholeCpus(from))].find(
    (count) => isEnough(sized(count, most)),
  );
  if (cpus === undefined) {
    return undefined;
  }
  let [low, high] = [least, most];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    [low, high] = isEnough(sized(cpus, middle)) ? [low, middle] : [middle + 1, high];
  }
  return sized(cpus, high);
}
