// Where kube-scheduler puts pods on several nodes. It takes one pod after the other, looks for the nodes that may take it,
// chooses the one with the best score, and never moves it. This follows its default profile in v1.34, pkg/scheduler.
import { Amounts, difference, lacking, sum } from "../../lib/resourceAmounts";
import { Taint } from "../../components/worker/workerConfig";
import { ApartRule, counts, Labels, matchesNode, PodRules, toleratesAll } from "./podRules";

/** A pod that is to be placed. */
export interface Pod {
  /** `namespace/workload`. */
  workload: string;
  priority: number;
  requests: Amounts;
  /** What counts for the score: what is requested, and a little for each container that requests nothing. */
  scored: Amounts;
  rules: PodRules;
  /** The node of a DaemonSet's pod. */
  node?: string;
}

/** A node with the pods that are on it. */
export interface FilledNode {
  name: string;
  labels: Labels;
  taints: Taint[];
  /** What it offers pods. */
  offers: Amounts;
  /** In the order in which they came, with the moment at which they did. */
  pods: (Pod & { since: number })[];
  /** What these request, and what counts for the score. */
  requests: Amounts;
  scored: Amounts;
}

/** Nodes with their pods, and the pods that found no place. */
export interface Placement {
  nodes: FilledNode[];
  pending: Pod[];
  /** Counts the pods that were ever placed: a clock for "since". */
  moment: number;
}

/** Chooses one of the nodes that may take a pod. */
export type Choice = (open: FilledNode[], pod: Pod, nodes: FilledNode[]) => FilledNode | undefined;

/**
 * Places pods one after the other beside those that are there. Where there is no room, pods of lower priority make way,
 * and look for another place at once. Where a pod finds none, it is tried again when all others are placed.
 */
export function place(before: Placement, pods: Pod[], choose: Choice): Placement {
  let now = { ...before, pending: [] as Pod[] };
  const queue = [...before.pending, ...pods];
  for (let pod = queue.shift(); pod !== undefined; pod = queue.shift()) {
    const chosen = choose(openNodes(now.nodes, pod), pod, now.nodes);
    const way =
      chosen === undefined ? leastEviction(now.nodes, pod) : { node: chosen, victims: [] };
    if (way === undefined) {
      now = { ...now, pending: [...now.pending, pod] };
    } else {
      now = taken(now, way, pod);
      queue.unshift(...way.victims);
    }
  }
  const found = now.pending.some((pod) => openNodes(now.nodes, pod).length > 0);
  return found ? place(now, [], choose) : now;
}

/** The nodes that may take a pod as they are. */
export function openNodes(nodes: FilledNode[], pod: Pod): FilledNode[] {
  return nodes.filter((node) => mayTake(node, pod, nodes));
}

/** Whether a node would take a pod if nothing were on it. */
export function suits({ name, labels, taints }: FilledNode, { node, rules }: Pod): boolean {
  const isPinned = node !== undefined && node !== name;
  return !isPinned && matchesNode(rules, labels) && toleratesAll(rules, taints);
}

/** Whether a node may take a pod beside those that are there. */
function mayTake(node: FilledNode, pod: Pod, nodes: FilledNode[]): boolean {
  const free = difference(node.offers, node.requests);
  return (
    suits(node, pod) &&
    lacking(pod.requests, free).length === 0 &&
    isSpread(node, pod, nodes) &&
    !isKeptApart(node, pod, nodes)
  );
}

/** PodTopologySpread's filter: the node's domain may have only so many more pods than the one with the fewest. */
function isSpread(node: FilledNode, pod: Pod, nodes: FilledNode[]): boolean {
  const { rules } = pod;
  const hard = rules.spread.filter((rule) => rule.hard);
  const complete = nodes.filter(({ labels }) =>
    hard.every(({ topologyKey }) => labels[topologyKey] !== undefined),
  );
  return hard.every(({ topologyKey, maxSkew, minDomains, counts: counted, pods }) => {
    const domains = new Map<string, number>();
    for (const { labels, taints, pods: present } of complete) {
      const isDomain =
        (counted.otherLabels || matchesNode(rules, labels)) &&
        (counted.taints || toleratesAll(rules, taints));
      const domain = labels[topologyKey];
      if (isDomain && domain !== undefined) {
        const alike = present.filter(
          (other) => sameNamespace(other, pod) && counts(pods, rules.labels, other.rules.labels),
        );
        domains.set(domain, (domains.get(domain) ?? 0) + alike.length);
      }
    }
    const fewest = domains.size < minDomains ? 0 : Math.min(...domains.values());
    const own = counts(pods, rules.labels, rules.labels) ? 1 : 0;
    const domain = node.labels[topologyKey];
    return domain !== undefined && (domains.get(domain) ?? 0) + own - fewest <= maxSkew;
  });
}

/** InterPodAffinity's filter: required anti-affinity, the pod's own and that of pods that are there. */
function isKeptApart(node: FilledNode, pod: Pod, nodes: FilledNode[]): boolean {
  return nodes.some((other) =>
    other.pods.some((present) =>
      [...conflicts(pod, present, node, other), ...conflicts(present, pod, node, other)].some(
        ({ weight }) => weight === undefined,
      ),
    ),
  );
}

/** The rules by which a pod on one node is to be apart from another pod on another node, or on the same. */
export function conflicts(pod: Pod, other: Pod, a: FilledNode, b: FilledNode): ApartRule[] {
  return pod.rules.apart.filter(
    ({ topologyKey, pods }) =>
      a.labels[topologyKey] !== undefined &&
      a.labels[topologyKey] === b.labels[topologyKey] &&
      sameNamespace(pod, other) &&
      counts(pods, pod.rules.labels, other.rules.labels),
  );
}

/** Rules of pods count those of their own namespace alone. */
export function sameNamespace(one: Pod, other: Pod): boolean {
  const namespace = ({ workload }: Pod): string | undefined => workload.split("/")[0];
  return namespace(one) === namespace(other);
}

/** A node, and the pods that make way there. */
interface Eviction {
  node: FilledNode;
  victims: (Pod & { since: number })[];
}

/** Where the least is lost if pods of lower priority make way; undefined where that does not help. */
function leastEviction(nodes: FilledNode[], pod: Pod): Eviction | undefined {
  const evictions = nodes.flatMap((node): Eviction[] => {
    const victims = victimsOn(node, pod, nodes);
    return victims.length > 0 ? [{ node, victims }] : [];
  });
  const [first, ...others] = evictions;
  return (
    first && others.reduce((best, next) => (isLess(cost(next), cost(best)) ? next : best), first)
  );
}

/** The lower priorities on a node, without those that may stay: the more important, the sooner one may. */
function victimsOn(node: FilledNode, pod: Pod, nodes: FilledNode[]): Eviction["victims"] {
  const lower = node.pods
    .filter(({ priority }) => priority < pod.priority)
    .sort((a, b) => b.priority - a.priority || a.since - b.since);
  let victims = lower;
  const fitsWithout = (gone: Eviction["victims"]): boolean => {
    const changed = without(node, gone);
    return mayTake(
      changed,
      pod,
      nodes.map((one) => (one.name === node.name ? changed : one)),
    );
  };
  if (lower.length === 0 || !fitsWithout(lower)) {
    return [];
  }
  for (const one of lower) {
    const rest = victims.filter((victim) => victim !== one);
    victims = fitsWithout(rest) ? rest : victims;
  }
  return victims;
}

/** As pickOneNodeForPreemption compares: the highest priority, all priorities, and the youngest of the highest. */
function cost({ victims }: Eviction): number[] {
  const highest = Math.max(...victims.map(({ priority }) => priority));
  const earliest = victims.filter(({ priority }) => priority === highest).map(({ since }) => since);
  return [
    highest,
    victims.reduce((total, { priority }) => total + priority + 2 ** 31, 0),
    -Math.min(...earliest),
  ];
}

function isLess(one: number[], other: number[]): boolean {
  const index = one.findIndex((value, place) => value !== other[place]);
  return index >= 0 && (one[index] ?? 0) < (other[index] ?? 0);
}

function taken({ nodes, pending, moment }: Placement, way: Eviction, pod: Pod): Placement {
  const changed = without(way.node, way.victims);
  const filled = {
    ...changed,
    pods: [...changed.pods, { ...pod, since: moment }],
    requests: sum([changed.requests, pod.requests]),
    scored: sum([changed.scored, pod.scored]),
  };
  return {
    nodes: nodes.map((node) => (node.name === filled.name ? filled : node)),
    pending,
    moment: moment + 1,
  };
}

/** A node without some of its pods. */
export function without(node: FilledNode, gone: Pod[]): FilledNode {
  return {
    ...node,
    pods: node.pods.filter((pod) => !gone.includes(pod)),
    requests: difference(node.requests, sum(gone.map(({ requests }) => requests))),
    scored: difference(node.scored, sum(gone.map(({ scored }) => scored))),
  };
}
