import { Amounts, difference, nothing, sum } from "../../lib/resourceAmounts";
import { Budget } from "../../stack/budget/budget";
import { Chart } from "../../lib/chart";
import { nodeNamed } from "../../stack/budget/nodeBudget";
import {
  DiskHeadroom,
  diskHeadroom,
  diskLine,
  DiskStats,
  EvictionThresholds,
} from "./diskHeadroom";
import { containerSpecs, podRequests } from "../../stack/budget/pods";
import { parseQuantity } from "../../lib/quantity";
import { ResourceList } from "../../lib/resources";
import { Column } from "../../lib/table";
import { PodObject, workloadOf } from "../../stack/budget/podObject";

/** A node of the Kubernetes API, as far as a footprint reads it. */
export interface NodeObject {
  metadata?: { name?: string };
  status?: { allocatable?: ResourceList };
}

/** Usage in the form of the metrics API. */
export interface Metrics {
  pods: { metadata: { name: string; namespace: string }; containers: { usage: ResourceList }[] }[];
  nodes: {
    metadata: { name: string };
    usage: ResourceList;
    /** Anonymous memory in bytes, which the kubelet alone tells. */
    anonymousBytes?: number;
  }[];
}

/** A kubelet's `/stats/summary`, as far as a footprint reads it; the metrics API is made from the same figures. */
export interface StatsSummary {
  node: { nodeName: string } & Stats & DiskStats;
  pods?: {
    podRef: { name: string; namespace: string };
    containers?: ({ name: string } & Stats)[];
  }[];
}

/** What a kubelet counted; without CPU where it has looked but once. */
interface Stats {
  cpu?: { usageNanoCores?: number };
  memory?: { workingSetBytes?: number; rssBytes?: number };
}

/** What kubelets count, in the form of the metrics API. */
export function metricsOf(summaries: readonly StatsSummary[]): Metrics {
  const usageOf = ({ cpu, memory }: Stats): ResourceList => ({
    cpu: `${cpu?.usageNanoCores ?? 0}n`,
    memory: String(memory?.workingSetBytes ?? 0),
  });
  return {
    pods: summaries.flatMap(({ pods = [] }) =>
      pods.map(({ podRef: { name, namespace }, containers = [] }) => ({
        metadata: { name, namespace },
        containers: containers.map((container) => ({ usage: usageOf(container) })),
      })),
    ),
    nodes: summaries.map(({ node }) => ({
      metadata: { name: node.nodeName },
      usage: usageOf(node),
      anonymousBytes: node.memory?.rssBytes,
    })),
  };
}

/** Metrics with the nodes' anonymous memory from others. */
export function withAnonymous({ pods, nodes }: Metrics, others: Metrics): Metrics {
  return {
    pods,
    nodes: nodes.map((node) => ({
      ...node,
      anonymousBytes: others.nodes.find(({ metadata }) => metadata.name === node.metadata.name)
        ?.anonymousBytes,
    })),
  };
}

/** What a kubelet told of its node. */
export interface KubeletAnswer {
  summary: StatsSummary;
  /** By its `/configz`; undefined where it did not tell. */
  evictionHard?: EvictionThresholds;
}

/** CPU in m and memory in MiB. */
export interface Usage {
  cpu: number;
  memory: number;
}

/** What a pod asks for and what it takes. */
export interface PodFootprint {
  namespace: string;
  name: string;
  phase: string;
  requests: Usage;
  /** Sums of the limits there are; undefined without one. */
  limits: Partial<Usage>;
  /** Requests by the budget; undefined for a pod that is none of the stack's. */
  estimate?: Usage;
  /** By the metrics API or the kubelet; undefined where neither has looked yet. */
  measured?: Usage;
  restarts: number;
  /** Containers whose last end was by the kernel for want of memory. */
  oomKills: number;
}

/** What a node offers, what is asked of it and what it gives. */
export interface NodeFootprint {
  name: string;
  allocatable: Usage;
  requested: Usage;
  /** Allocatable without what is requested. */
  headroom: Usage;
  measured?: Usage;
  /** Requests that the budget expects with every declared service awake. */
  estimate?: Usage;
  /** Memory that the node holds, where something is known of it. */
  resident?: NodeResident;
  /** By the kubelet; undefined where it has not looked yet. */
  disk?: DiskHeadroom;
}

/** Memory of a node beside what the budget expects, in MiB. */
export interface NodeResident {
  /** By the budget: anonymous memory, program code, and the least host for both. */
  expected?: { anonymous: number; code: number; leastHost: number };
  /** Anonymous memory as the kubelet counts it (`rssBytes`, no pages of files). */
  anonymous?: number;
  /** What the kubelet holds against the memory there is: anonymous memory, the kernel's, and files in use. */
  workingSet?: number;
}

/** A running stack, measured. */
export interface Footprint {
  pods: PodFootprint[];
  nodes: NodeFootprint[];
}

/** Puts together what runs, what it takes and what the budget expected. */
export function footprint(
  pods: PodObject[],
  nodes: NodeObject[],
  metrics: Metrics,
  budget?: Budget,
  kubelets: readonly KubeletAnswer[] = [],
): Footprint {
  // A pod that has ended asks for nothing.
  const present = pods.filter(
    ({ status }) => !["Succeeded", "Failed"].includes(status?.phase ?? ""),
  );
  const expected = budget?.cases.find(({ name }) => name === "services") ?? budget?.cases[0];
  return {
    pods: present
      .map((pod) => podFootprint(pod, metrics, budget))
      .sort((a, b) => `${a.namespace}/${a.name}`.localeCompare(`${b.namespace}/${b.name}`)),
    nodes: nodes.map(({ metadata, status }) => {
      const name = metadata?.name ?? "";
      const onNode = present.filter(({ spec }) => spec?.nodeName === name);
      const offered = amounts(status?.allocatable);
      const requested = sum(onNode.map(requestsOf));
      const used = metrics.nodes.find((node) => node.metadata.name === name);
      const kubelet = kubelets.find(({ summary }) => summary.node.nodeName === name);
      return {
        name,
        allocatable: usage(offered),
        requested: usage(requested),
        headroom: usage(difference(offered, requested)),
        measured: used && usage(amounts(used.usage)),
        estimate: expected && usage(nodeNamed(name, budget)?.requests ?? expected.requests),
        ...nodeResident(used, nodeNamed(name, budget) ?? budget),
        disk: kubelet && diskHeadroom(kubelet.summary.node, kubelet.evictionHard),
      };
    }),
  };
}

function nodeResident(
  used: Metrics["nodes"][number] | undefined,
  budget: Pick<Budget, "resident"> | undefined,
): Pick<NodeFootprint, "resident"> {
  if (budget === undefined && used?.anonymousBytes === undefined) {
    return {};
  }
  const mebibytes = (bytes: number): number => Math.round((bytes / 2 ** 20) * 10) / 10;
  return {
    resident: {
      expected: budget && {
        anonymous: budget.resident.anonymous,
        code: budget.resident.code,
        leastHost: budget.resident.leastMemoryMiB,
      },
      anonymous: used?.anonymousBytes === undefined ? undefined : mebibytes(used.anonymousBytes),
      workingSet: used && usage(amounts(used.usage)).memory,
    },
  };
}

const podColumns: Column[] = [
  { title: "pod" },
  { title: "CPU request", align: "right" },
  { title: "budget", align: "right" },
  { title: "limit", align: "right" },
  { title: "measured", align: "right" },
  { title: "memory request", align: "right" },
  { title: "budget", align: "right" },
  { title: "limit", align: "right" },
  { title: "measured", align: "right" },
  { title: "restarts", align: "right" },
  { title: "OOM kills", align: "right" },
];

const nodeColumns: Column[] = [
  { title: "node" },
  ...["allocatable", "requested", "budget", "headroom", "measured"].flatMap((title): Column[] => [
    { title: `CPU ${title}`, align: "right" },
    { title: `memory ${title}`, align: "right" },
  ]),
];

const residentColumns: Column[] = [
  { title: "resident memory" },
  { title: "anonymous, budget", align: "right" },
  { title: "measured", align: "right" },
  { title: "with code, budget", align: "right" },
  { title: "working set, measured", align: "right" },
  { title: "least host", align: "right" },
];

/**
 * The tables of a footprint, made by the given table function, and a line about each node's disk. The table of resident
 * memory is there only if the node reports it.
 */
export function footprintTables(
  { pods, nodes }: Footprint,
  format: (columns: Column[], rows: string[][]) => string,
): string {
  const podRows = pods.map((pod) => [
    `${pod.namespace}/${pod.name}${pod.phase === "Running" ? "" : ` (${pod.phase})`}`,
    ...(["cpu", "memory"] as const).flatMap((name) => [
      cell(name, pod.requests),
      cell(name, pod.estimate),
      cell(name, pod.limits),
      cell(name, pod.measured),
    ]),
    String(pod.restarts),
    String(pod.oomKills),
  ]);
  const nodeRows = nodes.map((node) => [
    node.name,
    ...[node.allocatable, node.requested, node.estimate, node.headroom, node.measured].flatMap(
      (amount) => [cell("cpu", amount), cell("memory", amount)],
    ),
  ]);
  const mebibytes = (value: number | undefined): string => cell("memory", { memory: value });
  const residentRows = nodes.flatMap(({ name, resident }) =>
    resident === undefined
      ? []
      : [
          [
            name,
            mebibytes(resident.expected?.anonymous),
            mebibytes(resident.anonymous),
            mebibytes(resident.expected && resident.expected.anonymous + resident.expected.code),
            mebibytes(resident.workingSet),
            mebibytes(resident.expected?.leastHost),
          ],
        ],
  );
  const disks = nodes.flatMap(({ name, disk }) =>
    disk === undefined ? [] : [diskLine(name, disk)],
  );
  return [
    format(podColumns, podRows),
    format(nodeColumns, nodeRows),
    ...(residentRows.length > 0 ? [format(residentColumns, residentRows)] : []),
    ...(disks.length > 0 ? [disks.join("\n")] : []),
  ].join("\n\n");
}

const colors = { offered: "#d0d7de", budget: "#a5d6a7", request: "#8ab4f8", measured: "#e8710a" };

/** What people look for in a footprint: the node's room, then every pod's part of it, the largest first. */
export function footprintCharts({ pods, nodes }: Footprint): Chart[] {
  const resources = [
    { name: "memory", title: "Memory", unit: " MiB" },
    { name: "cpu", title: "CPU", unit: "m" },
  ] as const;
  return [
    ...resources.map(({ name, title, unit }) => ({
      title: `${title} of the node`,
      unit,
      series: [
        { name: "allocatable", color: colors.offered },
        { name: "budget", color: colors.budget },
        { name: "requested", color: colors.request },
        { name: "measured", color: colors.measured },
      ],
      rows: nodes.map((node) => ({
        label: node.name,
        values: [
          node.allocatable[name],
          node.estimate?.[name],
          node.requested[name],
          node.measured?.[name],
        ],
      })),
    })),
    ...resources.map(({ name, title, unit }) => ({
      title: `${title} by pod`,
      unit,
      series: [
        { name: "requested", color: colors.request },
        { name: "measured", color: colors.measured },
      ],
      rows: [...pods]
        .sort((a, b) => taken(b, name) - taken(a, name))
        .map((pod) => ({
          label: `${pod.namespace}/${pod.name}`,
          note: podNote(pod, pod.limits[name], unit),
          values: [pod.requests[name], pod.measured?.[name]],
        })),
    })),
  ];
}

/** The larger of what a pod asks for and what it takes. */
function taken({ requests, measured }: PodFootprint, name: keyof Usage): number {
  return Math.max(requests[name], measured?.[name] ?? 0);
}

/** Limits get no bar: they are many times larger than anything else. */
function podNote(
  { phase, restarts, oomKills }: PodFootprint,
  limit: number | undefined,
  unit: string,
): string {
  return [
    limit === undefined ? "no limit" : `limit ${limit}${unit}`,
    ...(phase === "Running" ? [] : [phase]),
    ...(restarts > 0 ? [`restarts: ${restarts}`] : []),
    ...(oomKills > 0 ? [`killed for want of memory: ${oomKills}`] : []),
  ].join(", ");
}

function podFootprint(pod: PodObject, metrics: Metrics, budget: Budget | undefined): PodFootprint {
  const { name = "", namespace = "" } = pod.metadata ?? {};
  const statuses = pod.status?.containerStatuses ?? [];
  const used = metrics.pods.find(
    ({ metadata }) => metadata.namespace === namespace && metadata.name === name,
  );
  const workload = workloadOf(pod);
  const expected = budget?.pods.find((candidate) => candidate.name === `${namespace}/${workload}`);
  return {
    namespace,
    name,
    phase: pod.status?.phase ?? "Unknown",
    requests: usage(requestsOf(pod)),
    limits: limitsOf(pod),
    estimate: expected && usage(expected.requests),
    measured: used && usage(sum(used.containers.map((container) => amounts(container.usage)))),
    restarts: statuses.reduce((total, { restartCount }) => total + restartCount, 0),
    oomKills: statuses.filter(({ state, lastState }) =>
      [state, lastState].some((one) => one?.terminated?.reason === "OOMKilled"),
    ).length,
  };
}

/** What the scheduler counts for a pod: its CPU and memory, and one pod. */
function requestsOf({ spec }: PodObject): Amounts {
  return podRequests(spec === undefined ? [] : containerSpecs(spec));
}

function limitsOf({ spec }: PodObject): Partial<Usage> {
  const all = spec?.containers ?? [];
  const total = usage(sum(all.map(({ resources }) => amounts(resources?.limits))));
  const has = (name: string): boolean =>
    all.some(({ resources }) => resources?.limits?.[name] !== undefined);
  return { ...(has("cpu") && { cpu: total.cpu }), ...(has("memory") && { memory: total.memory }) };
}

function amounts(list: ResourceList | undefined): Amounts {
  const amount = (name: string): bigint => parseQuantity(list?.[name] ?? "0");
  return { ...nothing, cpu: amount("cpu"), memory: amount("memory") };
}

/** Numbers that a chart and JSON can take, with one digit after the point. */
function usage({ cpu, memory }: Amounts): Usage {
  const rounded = (amount: bigint, unit: string): number =>
    Math.round((Number(amount) / Number(parseQuantity(unit))) * 10) / 10;
  return { cpu: rounded(cpu, "1m"), memory: rounded(memory, "1Mi") };
}

function cell(name: "cpu" | "memory", amount: Partial<Usage> | undefined): string {
  const value = amount?.[name];
  return value === undefined ? "-" : `${Math.round(value)}${name === "cpu" ? "m" : "Mi"}`;
}
