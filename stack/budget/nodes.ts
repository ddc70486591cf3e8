import { Amounts, lacking, sum } from "../../lib/resourceAmounts";
import { allocatable, HostSize } from "../../components/host/hostSize";
import { FilledNode, place, Placement, Pod, suits, without } from "../scheduling/placement";
import { Taint } from "../../components/worker/workerConfig";
import { Labels, templateHash } from "../scheduling/podRules";
import { bestNode } from "../scheduling/scores";
import { PodBudget } from "./pods";

/** A node that joins the cluster beside the host. */
export interface BudgetNode {
  /** As the cluster knows it. */
  name: string;
  size: HostSize;
  /** Its own, beside those that every node has. */
  labels: Labels;
  taints: Taint[];
}

/** What the host is called where its node has no name. */
const defaultHostName = "host";

/** The nodes of a cluster without a pod, the host first. Every node of k0s runs Linux. */
export function emptyNodes(
  hostSize: HostSize,
  workers: BudgetNode[],
  hostName = defaultHostName,
): FilledNode[] {
  // k0s sets the first label, the second is made from it (pkg/component/controller/noderole.go). With --no-taints
  // the control plane takes pods as any node does.
  const hostLabels = {
    "node.k0sproject.io/role": "control-plane",
    "node-role.kubernetes.io/control-plane": "true",
  };
  const host: BudgetNode = { name: hostName, size: hostSize, labels: hostLabels, taints: [] };
  return [host, ...workers].map(({ name, size, labels, taints }) => ({
    name,
    labels: { "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", ...labels },
    taints,
    offers: allocatable(size),
    pods: [],
    requests: sum([]),
    scored: sum([]),
  }));
}

/** Workloads with as many pods as they have on these nodes: a DaemonSet has one on each that its rules allow. */
export function onNodes(pods: PodBudget[], nodes: FilledNode[]): PodBudget[] {
  return pods.map((pod) =>
    pod.rules.daemon
      ? { ...pod, replicas: nodes.filter((node) => suits(node, onePod(pod))).length }
      : pod,
  );
}

/** The nodes that a pod may be on, by its rules and its requests, if nothing else were there. */
export function nodesFor(pod: PodBudget, nodes: FilledNode[]): string[] {
  return nodes
    .filter((node) => suits(node, onePod(pod)) && lacking(pod.requests, node.offers).length === 0)
    .map(({ name }) => name);
}

function onePod({ name, priority, requests, scored, rules }: PodBudget): Pod {
  const labels = { ...rules.labels, [templateHash]: name };
  return { workload: name, priority, requests, scored, rules: { ...rules, labels } };
}

/** The single pods of workloads, in the order in which a stack creates them. */
function singlePods(pods: PodBudget[], nodes: FilledNode[]): Pod[] {
  return pods.flatMap((pod) => {
    const one = onePod(pod);
    return pod.rules.daemon
      ? nodes.filter((node) => suits(node, one)).map(({ name }) => ({ ...one, node: name }))
      : Array.from({ length: pod.replicas }, () => one);
  });
}

/**
 * Where the scheduler puts the pods of a stack, in the order in which they are created. Of nodes with the same score it takes
 * any, so there are as many outcomes as nodes, each with another node preferred.
 */
export function placements(nodes: FilledNode[], pods: PodBudget[]): Placement[] {
  const empty = nodes.map((_, first): Placement => ({
    nodes: [...nodes.slice(first), ...nodes.slice(0, first)],
    pending: [],
    moment: 0,
  }));
  return empty.map((before) => place(before, singlePods(pods, nodes), bestNode));
}

/** The outcomes with more pods. */
export function placedBeside(before: Placement[], pods: PodBudget[]): Placement[] {
  return before.map((one) => place(one, singlePods(pods, one.nodes), bestNode));
}

/**
 * The outcomes when a worker is lost: its node is there still, but unreachable, and its pods look for another place, those of
 * higher priorities first. Those of its DaemonSets stay.
 */
export function withoutNode(before: Placement[], name: string): Placement[] {
  return before.map((one) => {
    const moving = one.nodes
      .filter((node) => node.name === name)
      .flatMap(({ pods }) => pods.filter(({ rules }) => !rules.daemon))
      .sort((a, b) => b.priority - a.priority);
    const nodes = one.nodes.map((node) =>
      node.name === name
        ? { ...without(node, moving), taints: [...node.taints, ...unreachable] }
        : node,
    );
    return place({ ...one, nodes }, moving, bestNode);
  });
}

/** The taints of a node that does not answer (pkg/controller/nodelifecycle of Kubernetes). */
const unreachable = (["NoSchedule", "NoExecute"] as const).map((effect) => ({
  key: "node.kubernetes.io/unreachable",
  value: "",
  effect,
}));

/** The outcome that leaves most pods without a place. */
export function worstOf(outcomes: Placement[]): Placement | undefined {
  return outcomes.reduce<Placement | undefined>(
    (worst, next) => (next.pending.length > (worst?.pending.length ?? -1) ? next : worst),
    undefined,
  );
}

/** Names of workloads whose pods wait, more than one with ` x<count>`. */
export function pendingNames(pending: Pod[]): string[] {
  const names = pending.map(({ workload, node }) =>
    node === undefined ? workload : `${workload} on ${node}`,
  );
  return [...new Set(names)].map((name) => {
    const count = names.filter((one) => one === name).length;
    return count === 1 ? name : `${name} x${count}`;
  });
}

/** A tight arrangement, not the scheduler's: the pods with the least choice and the largest first, each where it is tightest. */
export function tightPlacement(nodes: FilledNode[], pods: PodBudget[]): Placement {
  const choices = (pod: Pod): number => nodes.filter((node) => suits(node, pod)).length;
  const total = sum(nodes.map(({ offers }) => offers));
  const size = ({ requests }: Pod): number => part(requests, total);
  const sorted = singlePods(pods, nodes).sort(
    (a, b) => choices(a) - choices(b) || size(b) - size(a),
  );
  const tightest = (open: FilledNode[]): FilledNode | undefined =>
    [...open].sort((a, b) => part(b.requests, b.offers) - part(a.requests, a.offers))[0];
  return place({ nodes, pending: [], moment: 0 }, sorted, tightest);
}

/** The larger part of CPU and memory. */
function part(requests: Amounts, offers: Amounts): number {
  return Math.max(
    Number(requests.cpu) / Number(offers.cpu),
    Number(requests.memory) / Number(offers.memory),
  );
}
