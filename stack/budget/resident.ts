import { evictionThreshold, HostSize } from "../../components/host/hostSize";
import { PodBudget } from "./pods";
import { PolicyName } from "../resources/policies";
import { parseQuantity } from "../../lib/quantity";
import { queueProxyName } from "./servicePods";

/**
 * Memory that programs hold resident, in MiB. Anonymous memory is their data: without swap the kernel cannot take it from
 * them. Code is pages of files: the kernel drops these when memory is short, and reads them again later.
 */
export interface Resident {
  anonymous: number;
  code: number;
}

/** A line of the table of resident memory. */
export interface ResidentRow extends Resident {
  /** Rows of one part stand together: `k0s`, `containerd`, `MetalLB`, `Knative`, `Kourier`, `services`, `the rest`. */
  part: string;
  name: string;
  /** Where the figure is from. */
  how: string;
}

/** What a stack holds resident, and the least host on which it is calm. */
export interface ResidentBudget extends Resident {
  /** What runs: `with 1 service awake`. */
  title: string;
  rows: ResidentRow[];
  /** Memory in MiB that the host must have. */
  leastMemoryMiB: number;
  fits: boolean;
}

/** The parts of the configuration that decide resident memory, besides the pods. */
export interface ResidentSettings {
  k0s: { environment: Record<string, string> };
  knative: { resources: { policy: PolicyName } };
  oneNode: { trimDefinitions: boolean };
}

/** What one process, or the processes of one pod without its shim, was measured at. */
export interface Measured {
  /** Resident memory, shared pages included. */
  resident: number;
  /** The part of it that is anonymous. */
  anonymous: number;
}

/** Where a figure is from: one of these. */
export const onRealK0s = "measured on a real k0s";
const inTheLab = "measured in the lab";
export const estimated = "an estimate";

/**
 * k0s v1.34.10 with Knative 1.23.0, Kourier, MetalLB v0.16.1 and the sample on a real host, idle, without measures and
 * with full definitions: "What is really there" in docs/footprint.md. Proportional memory counts shared pages once.
 */
const whole = { resident: 1956, proportional: 1765, anonymous: 792 };

/** Programs that run with every stack, by part. */
export const programs = {
  k0s: {
    "kube-apiserver": { resident: 420, anonymous: 336 },
    "kube-controller-manager": { resident: 131, anonymous: 60 },
    k0s: { resident: 112, anonymous: 34 },
    kubelet: { resident: 98, anonymous: 37 },
    "kube-scheduler": { resident: 67, anonymous: 16 },
    kine: { resident: 59, anonymous: 34 },
  },
  containerd: { containerd: { resident: 60, anonymous: 27 } },
} satisfies Record<string, Record<string, Measured>>;

/** One for each pod; they run the same file, so their code is in memory once. */
const shim: Measured = { resident: 16, anonymous: 5 };

/** Pods whose anonymous part was measured. */
const measuredPods: Record<string, Measured> = {
  "kube-system/kube-router": { resident: 57, anonymous: 14 },
  "kube-system/kube-proxy": { resident: 60, anonymous: 13 },
  "kube-system/metrics-server": { resident: 57, anonymous: 15 },
  "metallb-system/controller": { resident: 62, anonymous: 18 },
  "metallb-system/speaker": { resident: 61, anonymous: 16 },
  "knative-serving/activator": { resident: 48, anonymous: 10 },
  "knative-serving/controller": { resident: 64, anonymous: 18 },
  "knative-serving/net-kourier-controller": { resident: 62, anonymous: 17 },
  "kourier-system/3scale-kourier-gateway": { resident: 60, anonymous: 16 },
};

/** Pods of every stack that were measured only as a sum of anonymous memory and code; they are in {@link rest}. */
const unsplitPods = [
  "kube-system/coredns",
  "knative-serving/autoscaler",
  "knative-serving/webhook",
];

/** Knative adds one to each pod of a service; they run the same file. */
const queueProxy: Measured = { resident: 24, anonymous: 4 };

/** The sample. Its parts were not measured, so all of it counts as anonymous. A service that requests nothing counts as much. */
const sample = 6;

/** What remains of the whole: three pods that were not measured by part, and the host's own programs. */
export const rest: Resident = remainder();

/**
 * What the measures save of anonymous memory: the smaller saving of the lab's two runs (`npm run bench -- --only levers`).
 * Without metrics-server or MetalLB the rows of their pods are missing, so these need no entry here.
 */
const savings = { collectGarbage: 100, trimDefinitions: 41 };

/**
 * With the policy edge and all measures, a whole stack on a real k0s held 568 to 609 MiB of anonymous memory, and the rows
 * add up to 631. Nobody measured by itself what the policy's GOMEMLIMIT and GOGC save, so the budget takes the difference to
 * the highest figure.
 */
export const edgeDifference = 22;

/** GOGC of `lowMemory.collectGarbage`. A higher value collects less often, and nobody measured what it saves. */
const measuredGogc = 30;

/** What kubelet keeps free, in MiB: it evicts pods when less is available. */
const evictionMiB = Number(evictionThreshold / parseQuantity("1Mi"));

/**
 * The share of program code that must stay in memory for a host to be calm. In the runs of stack/budget/residentRuns.ts, calm
 * hosts had room for 85 % of the code or more, beside anonymous memory and kubelet's 100 MiB. On hosts with room for 82 % or
 * less, pods restarted or code was read again all the time. The kernel's own memory is in that share.
 */
export const codeShare = 0.84;

/** The least memory in MiB of a host that is calm with so much resident memory. */
export function leastMemory({ anonymous, code }: Resident): number {
  return Math.ceil(evictionMiB + anonymous + codeShare * code);
}

/** The share of a stack's code that a host has room for, beside anonymous memory and what kubelet keeps free. */
export function roomForCode({ anonymous, code }: Resident, memoryMiB: number): number {
  return (memoryMiB - evictionMiB - anonymous) / code;
}

/**
 * Resident memory of a stack whose services are all awake. What runs for seconds, such as the default-domain Job and the new
 * pod of a rollout, is not counted: the measured runs had it too.
 */
export function residentBudget(
  settings: ResidentSettings,
  { memoryMiB }: HostSize,
  pods: PodBudget[],
  title: string,
): ResidentBudget {
  return residentOf(title, residentRows(settings, pods), memoryMiB);
}

/** The budget of a host with so much memory that rows of a table add up to. */
export function residentOf(title: string, rows: ResidentRow[], memoryMiB: number): ResidentBudget {
  const total = totalResident(rows);
  const leastMemoryMiB = leastMemory(total);
  return { title, rows, ...total, leastMemoryMiB, fits: leastMemoryMiB <= memoryMiB };
}

/** The sum of rows. */
export function totalResident(rows: Resident[]): Resident {
  return rows.reduce<Resident>(
    (total, { anonymous, code }) => ({
      anonymous: total.anonymous + anonymous,
      code: total.code + code,
    }),
    { anonymous: 0, code: 0 },
  );
}

/** Every process and pod of a stack and what its settings save, part by part. */
export function residentRows(settings: ResidentSettings, pods: PodBudget[]): ResidentRow[] {
  const services = pods.filter(({ component }) => component === "service");
  const rows = [
    ...programRows(programs, onRealK0s),
    shimRow(pods),
    ...pods.flatMap(podRow),
    ...(services.length > 0 ? serviceRows(services) : []),
    {
      part: "the rest",
      name: "Knative's webhook and autoscaler, CoreDNS, and the host's own",
      how: onRealK0s,
      ...rest,
    },
    ...savingRows(settings),
  ];
  return inParts(rows);
}

/** Rows with those of one part together. */
export function inParts(rows: ResidentRow[]): ResidentRow[] {
  return partsOf(rows).flatMap((part) => rows.filter((one) => one.part === part));
}

/** A row for each program, by part. */
export function programRows(
  parts: Record<string, Record<string, Measured>>,
  how: string,
): ResidentRow[] {
  return Object.entries(parts).flatMap(([part, processes]) =>
    Object.entries(processes).map(([name, process]) => row(part, name, how, process)),
  );
}

/** The shims of pods. */
export function shimRow(pods: PodBudget[]): ResidentRow {
  const shims = pods.reduce((count, { replicas }) => count + replicas, 0);
  return row("containerd", `${shims} shims`, onRealK0s, shim, shims);
}

/** How much of each part, in the order of its first row. */
export function byPart(rows: ResidentRow[]): (Resident & { part: string })[] {
  return partsOf(rows).map((part) => ({
    part,
    ...totalResident(rows.filter((one) => one.part === part)),
  }));
}

function partsOf(rows: ResidentRow[]): string[] {
  return [...new Set(rows.map(({ part }) => part))];
}

/** A program that runs `count` times: its code is in memory once. */
export function row(
  part: string,
  name: string,
  how: string,
  { resident, anonymous }: Measured,
  count = 1,
): ResidentRow {
  return {
    part,
    name,
    how,
    anonymous: anonymous * count,
    code: count === 0 ? 0 : resident - anonymous,
  };
}

/** A pod without its shim. One that nobody measured counts what it requests, or as much as the sample. */
export function podRow({ component, name, replicas, requests }: PodBudget): ResidentRow[] {
  if (component === "service" || unsplitPods.includes(name)) {
    return [];
  }
  const measured = measuredPods[name];
  const title = replicas === 1 ? name : `${name} x${replicas}`;
  const asked = requestedMiB(requests.memory);
  return measured === undefined
    ? [{ part: component, name: title, how: estimated, anonymous: asked * replicas, code: 0 }]
    : [row(component, title, onRealK0s, measured, replicas)];
}

/** The services' own containers, and the queue-proxies beside them. */
export function serviceRows(services: PodBudget[]): ResidentRow[] {
  const count = services.reduce((total, { replicas }) => total + replicas, 0);
  return [
    ...services.map(({ name, replicas, containers }) => {
      const own = containers.filter(
        ({ name: container, role }) => container !== queueProxyName && role !== "init",
      );
      const asked = own.reduce((total, { requests }) => total + requestedMiB(requests.memory), 0);
      return {
        part: "services",
        name: replicas === 1 ? name : `${name} x${replicas}`,
        how: estimated,
        anonymous: asked * replicas,
        code: 0,
      };
    }),
    row(
      "services",
      count === 1 ? "queue-proxy" : `queue-proxy x${count}`,
      onRealK0s,
      queueProxy,
      count,
    ),
  ];
}

/** What measures and policy save. */
export function savingRows({ k0s, knative, oneNode }: ResidentSettings): ResidentRow[] {
  const saving = (part: string, name: string, how: string, saved: number): ResidentRow => ({
    part,
    name,
    how,
    anonymous: -saved,
    code: 0,
  });
  return [
    ...(collectsGarbage(k0s.environment)
      ? [saving("k0s", "less by lowMemory.collectGarbage", inTheLab, savings.collectGarbage)]
      : []),
    ...(oneNode.trimDefinitions
      ? [saving("k0s", "less by oneNode.trimDefinitions", inTheLab, savings.trimDefinitions)]
      : []),
    ...(knative.resources.policy === "edge"
      ? [saving("the rest", "less with resourcePolicy edge", onRealK0s, edgeDifference)]
      : []),
  ];
}

/** Whether k0s' programs collect their garbage as often as in the measured runs. */
export function collectsGarbage({ GOGC }: Record<string, string>): boolean {
  return Number(GOGC) <= measuredGogc;
}

/** A memory request in whole MiB, or what the sample was measured at where nothing is requested. */
function requestedMiB(memory: bigint): number {
  const mebibyte = parseQuantity("1Mi");
  return memory === 0n ? sample : Number((memory + mebibyte - 1n) / mebibyte);
}

function remainder(): Resident {
  const known = Object.values(programs).flatMap((part) => Object.values(part));
  const counted = totalResident(
    [...known, ...Object.values(measuredPods), queueProxy].map((one) => row("", "", "", one)),
  );
  // Of the pods that were there, three are not in `measuredPods`, and the sample is.
  const shims = row("", "", "", shim, Object.keys(measuredPods).length + unsplitPods.length + 1);
  return {
    anonymous: whole.anonymous - counted.anonymous - shims.anonymous - sample,
    code: whole.proportional - whole.anonymous - counted.code - shims.code,
  };
}
