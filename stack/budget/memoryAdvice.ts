import type { BudgetSettings } from "./budgetTypes";
import { PodBudget } from "./pods";
import {
  byPart,
  codeShare,
  collectsGarbage,
  leastMemory,
  ResidentBudget,
  residentRows,
  ResidentSettings,
  totalResident,
} from "./resident";

/** Hosts are sold in such steps, in MiB. */
const stepMiB = 256;

/** A change of the configuration, by what it makes of the settings and the pods. */
interface MemoryChange {
  /** What to set, without a full stop. */
  what: string;
  settings?: Partial<ResidentSettings>;
  /** The pods that stay. */
  stays?: (pod: PodBudget) => boolean;
}

/** What holds how much, and how much is missing, in lines below a refusal's first. */
export function memoryRefusal(
  { title, rows, anonymous, code, leastMemoryMiB }: ResidentBudget,
  memoryMiB: number,
): string[] {
  return [
    `  resident memory ${title}: needs a host of ${leastMemoryMiB} MiB, ${leastMemoryMiB - memoryMiB} more than it has ` +
      `(docs/footprint.md): ${anonymous} MiB anonymous, ${Math.round(codeShare * 100)} % of ${code} MiB of program code, ` +
      `and 100 MiB that kubelet keeps free.`,
    ...byPart(rows).map(
      (row) => `    ${row.part}: ${row.anonymous} MiB anonymous, ${row.code} MiB of code`,
    ),
  ];
}

/** A larger host, rounded up to what can be bought, in MiB. */
export function largerHost({ leastMemoryMiB }: ResidentBudget): number {
  return Math.ceil(leastMemoryMiB / stepMiB) * stepMiB;
}

/**
 * What makes a stack smaller, the cheapest change first, each with what it saves; only changes that are not made yet.
 * @param pods What runs at the same time.
 */
export function memoryAdvice(settings: BudgetSettings, pods: PodBudget[]): string[] {
  const need = (changed: ResidentSettings, remaining: PodBudget[]): number =>
    leastMemory(totalResident(residentRows(changed, remaining)));
  const now = need(settings, pods);
  const changes = memoryChanges(settings, pods).flatMap(({ what, settings: changed, stays }) => {
    const saved = now - need({ ...settings, ...changed }, pods.filter(stays ?? (() => true)));
    return saved > 0 ? [`${what}: ${saved} MiB less.`] : [];
  });
  const awake = pods.filter(({ component }) => component === "service");
  const count = awake.reduce((total, { replicas }) => total + replicas, 0);
  const services =
    now -
    need(
      settings,
      pods.filter((pod) => !awake.includes(pod)),
    );
  return [
    ...changes,
    ...(count > 1
      ? [
          `Declare fewer services, or lower their memory requests and their minScale: ${count} pods of theirs take an ` +
            `estimated ${services} MiB.`,
        ]
      : []),
  ];
}

function memoryChanges(
  { k0s, knative, oneNode }: BudgetSettings,
  pods: PodBudget[],
): MemoryChange[] {
  const runs = (one: (pod: PodBudget) => boolean): boolean => pods.some(one);
  const isMetalLb = ({ component }: PodBudget): boolean => component === "MetalLB";
  const isMetricsServer = ({ name }: PodBudget): boolean => name === "kube-system/metrics-server";
  return [
    ...(runs(isMetalLb)
      ? [
          {
            what: "Set loadBalancer to nodeIp, without MetalLB's two pods",
            stays: (pod: PodBudget) => !isMetalLb(pod),
          },
        ]
      : []),
    ...(collectsGarbage(k0s.environment)
      ? []
      : [
          {
            what:
              "GOGC" in k0s.environment
                ? "Take GOGC out of k0sEnvironment and set lowMemory.collectGarbage to true"
                : "Set lowMemory.collectGarbage to true",
            settings: { k0s: { environment: { ...k0s.environment, GOGC: "30" } } },
          },
        ]),
    ...(runs(isMetricsServer)
      ? [
          {
            what: "Set lowMemory.removeMetricsServer to true",
            stays: (pod: PodBudget) => !isMetricsServer(pod),
          },
        ]
      : []),
    ...(knative.resources.policy === "edge"
      ? []
      : [
          {
            what: "Set resourcePolicy to edge",
            settings: { knative: { resources: { policy: "edge" as const } } },
          },
        ]),
    ...(oneNode.trimDefinitions
      ? []
      : [
          {
            what: "Set oneNode.trimDefinitions to true",
            settings: { oneNode: { trimDefinitions: true } },
          },
        ]),
  ];
}
