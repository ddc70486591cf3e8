import { Amounts, times } from "../../lib/resourceAmounts";
import { HostSize } from "../../components/host/hostSize";
import type { BudgetSettings } from "./budgetTypes";
import { FilledNode, Placement } from "../scheduling/placement";
import { nodesFor } from "./nodes";
import { PodBudget } from "./pods";
import {
  edgeDifference,
  estimated,
  inParts,
  Measured,
  onRealK0s,
  podRow,
  programRows,
  programs,
  residentOf,
  ResidentBudget,
  ResidentRow,
  ResidentSettings,
  rest,
  row,
  savingRows,
  serviceRows,
  shimRow,
} from "./resident";

/** The pods of a workload on one node. */
export interface NodePods {
  /** `namespace/workload`. */
  name: string;
  count: number;
  /** Of all of them. */
  requests: Amounts;
  /** One on each node that its rules allow. */
  daemon: boolean;
  /** The nodes that they may be on, by their rules and by what they request. */
  mayBeOn: string[];
}

/** One of several nodes, with the pods that the scheduler puts there. */
export interface NodeBudget {
  name: string;
  size: HostSize;
  /** What it offers pods. */
  offers: Amounts;
  requests: Amounts;
  pods: NodePods[];
  resident: ResidentBudget;
}

/**
 * Each node of an outcome, the host first.
 * @param running Workloads with all of their pods.
 * @param title What runs.
 */
export function nodeBudgets(
  settings: BudgetSettings,
  { nodes }: Placement,
  running: PodBudget[],
  title: string,
): NodeBudget[] {
  const { hostSize, workers = [] } = settings;
  const sizes = new Map(workers.map(({ name, size }) => [name, size]));
  const isHost = ({ name }: FilledNode): boolean => !sizes.has(name);
  const place = ({ name }: FilledNode): number => workers.findIndex((one) => one.name === name);
  return [...nodes]
    .sort((a, b) => place(a) - place(b))
    .map((node) => {
      const size = sizes.get(node.name) ?? hostSize;
      const here = running.flatMap((pod) => {
        const replicas = node.pods.filter(({ workload }) => workload === pod.name).length;
        return replicas === 0 ? [] : [{ ...pod, replicas }];
      });
      return {
        name: node.name,
        size,
        offers: node.offers,
        requests: node.requests,
        pods: here.map((pod) => ({
          name: pod.name,
          count: pod.replicas,
          requests: times(pod.requests, pod.replicas),
          daemon: pod.rules.daemon,
          mayBeOn: nodesFor(pod, nodes),
        })),
        resident: nodeResident(
          settings,
          { isHost: isHost(node), memoryMiB: size.memoryMiB },
          here,
          running,
          `on ${node.name} ${title}`,
        ),
      };
    });
}

/** How much memory the nodes lack together, in MiB. */
export function missingMemory(nodes: NodeBudget[]): number {
  return nodes.reduce(
    (total, { size, resident }) => total + Math.max(0, resident.leastMemoryMiB - size.memoryMiB),
    0,
  );
}

/** A node of a budget by its name, or the host, which may have another name in the cluster; undefined for a single node. */
export function nodeNamed(
  name: string,
  budget: { nodes?: NodeBudget[] } | undefined,
): NodeBudget | undefined {
  return budget?.nodes?.find((node) => node.name === name) ?? budget?.nodes?.[0];
}

/**
 * Programs of a worker beside its pods. Nobody has measured a worker: these are the same programs' figures on the host, where
 * k0s does more, so its row is the most that it may be. Put measured figures here, and `onRealK0s` where they are read.
 */
const workerPrograms: Record<string, Record<string, Measured>> = {
  k0s: { "k0s worker": programs.k0s.k0s, kubelet: programs.k0s.kubelet },
  containerd: programs.containerd,
};

/**
 * Pods that were measured only as a sum with what the host's own programs hold ("the rest" of a single node). As an estimate
 * each holds what the activator was measured at, and the host's own programs the remainder.
 */
const unsplitPods: Record<string, Measured> = Object.fromEntries(
  ["kube-system/coredns", "knative-serving/autoscaler", "knative-serving/webhook"].map((name) => [
    name,
    { resident: 48, anonymous: 10 },
  ]),
);

/** What the programs of the operating system hold, on the host and on a worker. */
const own = {
  anonymous: Object.values(unsplitPods).reduce((left, pod) => left - pod.anonymous, rest.anonymous),
  code: Object.values(unsplitPods).reduce(
    (left, pod) => left - (pod.resident - pod.anonymous),
    rest.code,
  ),
};

/**
 * Resident memory of one of several nodes.
 * @param node Its memory, and whether it is the host, with k0s' control plane.
 * @param here Workloads with as many pods as are on that node.
 * @param all Workloads with all of their pods.
 */
function nodeResident(
  settings: ResidentSettings,
  node: { isHost: boolean; memoryMiB: number },
  here: PodBudget[],
  all: PodBudget[],
  title: string,
): ResidentBudget {
  const services = here.filter(({ component }) => component === "service");
  const rows = [
    ...(node.isHost ? programRows(programs, onRealK0s) : programRows(workerPrograms, estimated)),
    shimRow(here),
    ...here.flatMap(podRow),
    ...here.flatMap(unsplitRow),
    ...(services.length > 0 ? serviceRows(services) : []),
    { part: "the rest", name: "the node's own", how: estimated, ...own },
    ...(node.isHost ? savingRows(settings).filter(({ part }) => part === "k0s") : []),
    ...edgeRow(settings, here, all),
  ];
  return residentOf(title, inParts(rows), node.memoryMiB);
}

function unsplitRow({ component, name, replicas }: PodBudget): ResidentRow[] {
  const pod = unsplitPods[name];
  const title = replicas === 1 ? name : `${name} x${replicas}`;
  return pod === undefined ? [] : [row(component, title, estimated, pod, replicas)];
}

/** What the policy saves was measured for all pods of Knative and Kourier; a node has its share. */
function edgeRow(
  { knative }: ResidentSettings,
  here: PodBudget[],
  all: PodBudget[],
): ResidentRow[] {
  const count = (pods: PodBudget[]): number =>
    pods
      .filter(({ component }) => component === "Knative" || component === "Kourier")
      .reduce((total, { replicas }) => total + replicas, 0);
  const saved = Math.floor((edgeDifference * count(here)) / Math.max(1, count(all)));
  return knative.resources.policy === "edge" && saved > 0
    ? [
        {
          part: "the rest",
          name: "less with resourcePolicy edge",
          how: estimated,
          anonymous: -saved,
          code: 0,
        },
      ]
    : [];
}
