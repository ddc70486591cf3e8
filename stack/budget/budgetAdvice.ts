import { formatAmount, lacking, larger, ResourceName } from "../../lib/resourceAmounts";
import type { Assessment, Budget, BudgetCase, BudgetSettings } from "./budgetTypes";
import { evictionThreshold } from "../../components/host/hostSize";
import { largerHost, memoryAdvice, memoryRefusal } from "./memoryAdvice";
import { Changed, nodeAdvice, nodesText } from "./nodeAdvice";
import { parseQuantity } from "../../lib/quantity";
import { UserError } from "../../lib/userError";
import type { NodeBudget, NodePods } from "./nodeBudget";
import { PodBudget } from "./pods";
import { ResidentBudget } from "./resident";
import { StackObjects } from "../render/renderStack";

/** A stack that its host has no room for. */
export class BudgetError extends UserError {}

/** What a resource is called in a sentence. */
const labels: Record<ResourceName, string> = { cpu: "CPU", memory: "memory", pods: "pods" };

/**
 * Refuses a stack that its host has no room for, unless that is allowed: requests by `allowOvercommit`, resident memory by
 * `memoryShort` in `allow`. Neither is the consent for the other.
 * @throws BudgetError with what does not fit and what to change.
 */
export function requireFit(budget: Budget): void {
  if (isRefused(budget)) {
    throw new BudgetError(refusal(budget));
  }
}

/** Whether something does not fit that is not allowed. */
export function isRefused(budget: Budget): boolean {
  const { requestsFit, allowed } = budget;
  return !(requestsFit || allowed.overcommit) || !(memoryFits(budget) || allowed.memoryShort);
}

/** Whether each node has the memory for what it holds. */
export function memoryFits({ resident, nodes = [] }: Pick<Budget, "resident" | "nodes">): boolean {
  return resident.fits && nodes.every((node) => node.resident.fits);
}

/** The verdict on a stack, for the end of a budget: that it fits, or what does not and what to change. */
export function verdict(budget: Budget): string {
  return budget.fits ? "It fits." : refusal(budget);
}

/** The warning of a run that goes on although not everything fits. */
export function goingOn(budget: Budget): string {
  return budget.requestsFit ? memoryConsequence(budget) : refusal(budget);
}

/** What does not fit and what to change, in plain sentences. */
export function refusal(budget: Budget): string {
  const { hostSize, allocatable, cases, nodes, requestsFit, allowed, advice } = budget;
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
      const need = short.length > 0 ? `needs ${short.join(" and ")}` : "no single node has room";
      return news.length === 0 ? [] : [`  ${title}: ${need}; Pending would be ${news.join(", ")}.`];
    });
  const fits = memoryFits(budget);
  return [
    nodes === undefined
      ? `The stack does not fit the host (hostCpus ${hostSize.cpus}, hostMemoryMiB ${hostSize.memoryMiB}):`
      : `The stack does not fit its nodes (${nodesText(nodes)}):`,
    ...rows,
    ...(budget.roomOtherwise === true
      ? [
          "  Placed otherwise all pods would find room, but the scheduler takes one after the other and moves none.",
        ]
      : []),
    ...shortNodes(budget).flatMap(({ resident, memoryMiB }) => memoryRefusal(resident, memoryMiB)),
    "What to change:",
    ...advice.map((change) => `  ${change}`),
    ...(requestsFit || !allowed.overcommit
      ? []
      : ["allowOvercommit is true, so these pods may stay Pending."]),
    ...(fits || !allowed.memoryShort ? [] : [memoryConsequence(budget)]),
  ].join("\n");
}

/** The nodes that are short of memory, with what they have. */
function shortNodes({
  hostSize,
  resident,
  nodes = [{ name: "", size: hostSize, resident }],
}: Pick<Budget, "hostSize" | "resident"> & {
  nodes?: Pick<NodeBudget, "name" | "size" | "resident">[];
}): { name: string; resident: ResidentBudget; memoryMiB: number }[] {
  return nodes
    .filter((node) => !node.resident.fits)
    .map(({ name, size, resident: held }) => ({
      name,
      resident: held,
      memoryMiB: size.memoryMiB,
    }));
}

/** What happens on a host that is short of memory, where the user allowed that. */
function memoryConsequence(budget: Budget): string {
  const { hostSize, resident, nodes } = budget;
  const consequence = "Expect pods to be evicted and restarted, and services to fail meanwhile.";
  if (nodes !== undefined) {
    const short = shortNodes(budget).map(
      ({ name, resident: { leastMemoryMiB }, memoryMiB }) =>
        `${name} needs ${leastMemoryMiB} MiB and has ${memoryMiB}`,
    );
    return `Memory is short, and memoryShort is in allow: ${short.join(", ")}. ${consequence}`;
  }
  return (
    `The host is short of memory, and memoryShort is in allow: the stack needs ${resident.leastMemoryMiB} MiB and ` +
    `hostMemoryMiB is ${hostSize.memoryMiB}. ${consequence}`
  );
}

/**
 * What to change where requests or resident memory do not fit, one sentence each.
 * @param changed What becomes of the stack with other nodes.
 */
export function fitAdvice(
  settings: BudgetSettings,
  assessment: Assessment,
  changed: Changed,
): string[] {
  const { cases, resident, running, nodes } = assessment;
  const { allowOvercommit, allow } = settings;
  const failing = cases.filter(({ required, fits }) => required && !fits);
  const fits = memoryFits(assessment);
  const onHost = nodes?.[0]?.pods;
  return [
    ...(failing.length === 0 ? [] : requestAdvice(settings, failing)),
    ...(resident.fits ? [] : memoryAdvice(settings, onHost ? podsOf(running, onHost) : running)),
    ...(nodes === undefined
      ? hostAdvice(settings, assessment, failing)
      : nodeAdvice(settings, nodes, assessment.fits, changed)),
    ...(failing.length === 0 || allowOvercommit
      ? []
      : ["Or set allowOvercommit to true: the pods named above then stay Pending."]),
    ...(fits || allow.includes("memoryShort")
      ? []
      : [
          "Or add memoryShort to the list allow: expect pods to be evicted and restarted then, and services to fail meanwhile.",
        ]),
  ];
}

/** Workloads with as many pods as a node has. */
function podsOf(running: PodBudget[], here: NodePods[]): PodBudget[] {
  return here.flatMap(({ name, count }) =>
    running.filter((pod) => pod.name === name).map((pod) => ({ ...pod, replicas: count })),
  );
}

/** The host that the stack needs. */
function hostAdvice(
  { hostSize }: BudgetSettings,
  { allocatable, resident }: Assessment,
  failing: BudgetCase[],
): string[] {
  const need = failing.map(({ requests }) => requests).reduce(larger, allocatable);
  const requested = need.memory + evictionThreshold;
  const held = resident.fits ? 0n : parseQuantity(`${largerHost(resident)}Mi`);
  // A larger host takes no more pods.
  const largerHelps =
    need.cpu > allocatable.cpu || need.memory > allocatable.memory || !resident.fits;
  const cpus = Math.ceil(Number(need.cpu) / 1e9);
  const memory = formatAmount("memory", requested > held ? requested : held, "up");
  return largerHelps
    ? [
        `Take a host with ${cpus === 1 ? "1 CPU" : `${cpus} CPUs`} and ${memory} of memory or more, and declare it by ` +
          `hostCpus and hostMemoryMiB (now ${hostSize.cpus} and ${hostSize.memoryMiB}).`,
      ]
    : [];
}

/** What to change for requests. */
function requestAdvice({ knative, oneNode }: BudgetSettings, failing: BudgetCase[]): string[] {
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
  return changes;
}

/** Notes on a stack: they do not stop an installation. */
export function budgetWarnings(objects: StackObjects, cases: BudgetCase[]): string[] {
  const notes: string[] = [];
  const upgrade = cases.find(({ name }) => name === "k0sUpgrade");
  if (cases.every(({ required, fits }) => !required || fits) && upgrade?.fits === false) {
    notes.push(
      `An upgrade of k0s pushes out pods for a moment, such as ${upgrade.pending.join(", ")}: its own new pod does ` +
        `not fit beside them and has a higher priority.`,
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
