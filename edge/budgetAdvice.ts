import { Amounts, formatAmount, lacking, larger, ResourceName } from "./amounts";
import type { Budget, BudgetCase, BudgetSettings } from "./budgetTypes";
import { evictionThreshold } from "./hostSize";
import { calmMemory } from "./lowMemory";
import { StackObjects } from "./stack";

/** A stack that its host has no room for. */
export class BudgetError extends Error {}

/** What a resource is called in a sentence. */
const labels: Record<ResourceName, string> = { cpu: "CPU", memory: "memory", pods: "pods" };

/**
 * Refuses a stack that its host has no room for.
 * @throws BudgetError with what does not fit and what to change.
 */
export function requireFit(budget: Budget): void {
  if (!budget.fits) {
    throw new BudgetError(refusal(budget));
  }
}

/** What does not fit and what to change, in plain sentences. */
export function refusal({ hostSize, allocatable, cases, advice }: Budget): string {
  const told = new Set<string>();
  const rows = cases
    .filter(({ required, fits }) => required && !fits)
    .flatMap(({ title, requests, pending }) => {
      const news = pending.filter((pod) => !told.has(pod));
      news.forEach((pod) => told.add(pod));
      const short = lacking(requests, allocatable).map(
        (name) =>
          `${formatAmount(name, requests[name], "up")} of ${labels[name]} where there are ` +
          formatAmount(name, allocatable[name], "down"),
      );
      return news.length === 0
        ? []
        : [`  ${title}: needs ${short.join(" and ")}; Pending would be ${news.join(", ")}.`];
    });
  return [
    `The stack does not fit the host (hostCpus ${hostSize.cpus}, hostMemoryMiB ${hostSize.memoryMiB}):`,
    ...rows,
    "What to change:",
    ...advice.map((change) => `  ${change}`),
  ].join("\n");
}

/** What to change where required cases do not fit, one sentence each. */
export function fitAdvice(
  { hostSize, knative, oneNode }: BudgetSettings,
  allocatable: Amounts,
  cases: BudgetCase[],
): string[] {
  const failing = cases.filter(({ required, fits }) => required && !fits);
  if (failing.length === 0) {
    return [];
  }
  const failed = (name: BudgetCase["name"]): boolean => failing.some((one) => one.name === name);
  const onlyRollouts = failing.every(({ name }) => name === "rollout");
  const changes: string[] = [];
  if (failed("rollout") && !oneNode.recreateRollouts) {
    changes.push("Set oneNode.recreateRollouts to true, so that a rollout ends the old pod first.");
  }
  if (!onlyRollouts || oneNode.recreateRollouts) {
    changes.push(
      {
        upstream: "Set resourcePolicy to scale or edge.",
        scale: "Set resourcePolicy to edge, or lower resourceFactor.",
        guaranteed: "Set resourcePolicy to edge, or lower resourceFactor.",
        edge: "Lower single containers in resourceOverrides.",
      }[knative.resources.policy],
    );
    if (!failed("steady")) {
      changes.push("Declare fewer services, or lower their requests and their minScale.");
      if (failed("domainJob")) {
        changes.push("Set domain, with which no Job is needed.");
      }
    }
  }
  const need = failing.map(({ requests }) => requests).reduce(larger, allocatable);
  const cpus = Math.ceil(Number(need.cpu) / 1e9);
  const memory = formatAmount("memory", need.memory + evictionThreshold, "up");
  // A larger one takes no more pods.
  if (need.cpu > allocatable.cpu || need.memory > allocatable.memory) {
    changes.push(
      `Take a host with ${cpus === 1 ? "1 CPU" : `${cpus} CPUs`} and ${memory} of memory or more, and declare it by ` +
        `hostCpus and hostMemoryMiB (now ${hostSize.cpus} and ${hostSize.memoryMiB}).`,
    );
  }
  changes.push("Or set allowOvercommit to true: the pods named above then stay Pending.");
  return changes;
}

/** What does not stand in the way of an installation, yet should be known. */
export function budgetWarnings(
  { hostSize, k0s }: BudgetSettings,
  objects: StackObjects,
  cases: BudgetCase[],
): string[] {
  const notes: string[] = [];
  const upgrade = cases.find(({ name }) => name === "k0sUpgrade");
  if (cases.every(({ required, fits }) => !required || fits) && upgrade?.fits === false) {
    notes.push(
      `An upgrade of k0s pushes out pods for a moment, such as ${upgrade.pending.join(", ")}: its own new pod does ` +
        `not fit beside them and has a higher priority.`,
    );
  }
  const { calm, measuresOff } = calmMemory(k0s);
  if (hostSize.memoryMiB < calm) {
    notes.push(
      `Requests are not all: program code and k0s' own processes count too, and with less than ${calm} MiB pods were ` +
        `measured to restart for want of memory (docs/footprint.md). Take a larger host than ${hostSize.memoryMiB} MiB` +
        (measuresOff ? ", or switch the measures of lowMemory on." : "."),
    );
  }
  for (const { kind, metadata, spec } of [...objects.serving.core, ...objects.kourier]) {
    const most = Number(spec?.maxReplicas ?? 1);
    if (kind === "HorizontalPodAutoscaler" && most > 1) {
      notes.push(
        `The HorizontalPodAutoscaler ${metadata.name} may add up to ${most - 1} pods that are not counted here.`,
      );
    }
  }
  return notes;
}
