// How kube-scheduler compares the nodes that may take a pod: the plugins of its default profile in v1.34 with their weights
// (pkg/scheduler/apis/config/v1/default_plugins.go). ImageLocality is missing: it counts what a node has pulled already.
import { sum } from "../../lib/resourceAmounts";
import { conflicts, FilledNode, Pod, sameNamespace } from "./placement";
import { counts, matchesAll, SpreadRule, templateHash, tolerates } from "./podRules";

/** The best score of a plugin. */
const most = 100;

/** The node with the best score, the first of those with the same: kube-scheduler takes any of these. */
export function bestNode(
  open: FilledNode[],
  pod: Pod,
  nodes: FilledNode[],
): FilledNode | undefined {
  const parts = [
    weighted(3, taintScores(open, pod)),
    weighted(2, preferenceScores(open, pod)),
    weighted(
      1,
      open.map((node) => leastAllocated(node, pod)),
    ),
    weighted(2, spreadScores(open, pod, nodes)),
    weighted(2, apartScores(open, pod, nodes)),
    weighted(
      1,
      open.map((node) => balancedAllocation(node, pod)),
    ),
  ];
  const scores = open.map((_, index) =>
    parts.reduce((total, part) => total + (part[index] ?? 0), 0),
  );
  return open[scores.indexOf(Math.max(...scores))];
}

function weighted(weight: number, scores: number[]): number[] {
  return scores.map((score) => weight * score);
}

/** TaintToleration: the fewer taints that ask the pod to stay away. */
function taintScores(open: FilledNode[], { rules }: Pod): number[] {
  const unwelcome = open.map(
    ({ taints }) =>
      taints.filter(
        (taint) => taint.effect === "PreferNoSchedule" && !tolerates(rules.tolerations, taint),
      ).length,
  );
  const worst = Math.max(...unwelcome);
  return unwelcome.map((count) => (worst === 0 ? most : most - Math.trunc((most * count) / worst)));
}

/** NodeAffinity: the more of what the pod prefers. */
function preferenceScores(open: FilledNode[], { rules }: Pod): number[] {
  const wanted = open.map(({ labels }) =>
    rules.nodePreferences
      .filter(({ expressions }) => expressions.length > 0 && matchesAll(expressions, labels))
      .reduce((total, { weight }) => total + weight, 0),
  );
  const best = Math.max(...wanted);
  return wanted.map((weight) => (best === 0 ? 0 : Math.trunc((most * weight) / best)));
}

/** NodeResourcesFit with LeastAllocated: the mean of the free parts of CPU and memory. */
function leastAllocated({ offers, scored }: FilledNode, pod: Pod): number {
  const need = sum([scored, pod.scored]);
  const free = (["cpu", "memory"] as const).map((name) =>
    need[name] > offers[name] ? 0n : ((offers[name] - need[name]) * BigInt(most)) / offers[name],
  );
  return Number(free.reduce((total, part) => total + part, 0n) / 2n);
}

/** NodeResourcesBalancedAllocation: the closer the used parts of CPU and memory. Nothing where the pod requests nothing. */
function balancedAllocation({ offers, requests }: FilledNode, pod: Pod): number {
  if (pod.requests.cpu === 0n && pod.requests.memory === 0n) {
    return 0;
  }
  const need = sum([requests, pod.requests]);
  // In the units of the scheduler, so that fractions are rounded as there.
  const part = (name: "cpu" | "memory", unit: bigint): number =>
    Math.min(1, Number(need[name] / unit) / Number(offers[name] / unit));
  const deviation = Math.abs((part("cpu", 1_000_000n) - part("memory", 1_000_000_000n)) / 2);
  return Math.trunc((1 - deviation) * most);
}

/** What the scheduler adds to pods of a ReplicaSet that say nothing themselves (systemDefaultConstraints). */
const defaultSpread = [
  { topologyKey: "kubernetes.io/hostname", maxSkew: 3 },
  { topologyKey: "topology.kubernetes.io/zone", maxSkew: 5 },
].map((rule): SpreadRule => ({
  ...rule,
  minDomains: 1,
  hard: false,
  counts: { otherLabels: false, taints: true },
  pods: { matchLabelKeys: [templateHash] },
}));

/** PodTopologySpread: the fewer pods alike in the node's domains. */
function spreadScores(open: FilledNode[], pod: Pod, nodes: FilledNode[]): number[] {
  const { spread, labels: own } = pod.rules;
  const rules = spread.length === 0 ? defaultSpread : spread.filter(({ hard }) => !hard);
  const keys = rules.map(({ topologyKey }) => topologyKey);
  // A pod's own rules need all their labels, the default ones do not.
  const isCounted = ({ labels }: FilledNode): boolean =>
    spread.length === 0 || keys.every((key) => labels[key] !== undefined);
  const counted = open.filter(isCounted);
  const raw = counted.map((node) =>
    Math.round(
      rules.reduce((total, { topologyKey, maxSkew, pods }) => {
        const domain = node.labels[topologyKey];
        const alike = nodes
          .filter(({ labels }) => domain !== undefined && labels[topologyKey] === domain)
          .flatMap((one) => one.pods)
          .filter((one) => sameNamespace(one, pod) && counts(pods, own, one.rules.labels));
        const domains = new Set(counted.map(({ labels }) => labels[topologyKey])).size;
        return domain === undefined
          ? total
          : total + alike.length * Math.log(domains + 2) + maxSkew - 1;
      }, 0),
    ),
  );
  const [fewest, highest] = [Math.min(...raw), Math.max(...raw)];
  return open.map((node) => {
    const score = raw[counted.indexOf(node)];
    if (rules.length === 0 || score === undefined) {
      return 0;
    }
    return highest === 0 ? most : Math.trunc((most * (highest + fewest - score)) / highest);
  });
}

/** InterPodAffinity: the fewer pods that prefer to be apart from this one, or this one from them. */
function apartScores(open: FilledNode[], pod: Pod, nodes: FilledNode[]): number[] {
  const weights = open.map((node) =>
    nodes
      .flatMap((other) => other.pods.map((present) => ({ other, present })))
      .reduce(
        (total, { other, present }) =>
          total - dislike(pod, present, node, other) - dislike(present, pod, node, other),
        0,
      ),
  );
  const [worst, best] = [Math.min(...weights), Math.max(...weights)];
  return weights.map((weight) =>
    best === worst ? 0 : Math.trunc((most * (weight - worst)) / (best - worst)),
  );
}

function dislike(pod: Pod, other: Pod, a: FilledNode, b: FilledNode): number {
  return conflicts(pod, other, a, b).reduce((total, { weight = 0 }) => total + weight, 0);
}
