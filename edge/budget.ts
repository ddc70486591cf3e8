import {
  Amounts,
  difference,
  formatAmount,
  lacking,
  ResourceName,
  resourceNames,
  sum,
  times,
} from "./amounts";
import { k0sPods } from "./k0sPods";
import { ServiceSpec } from "./knativeService";
import { KubernetesObject } from "./manifests";
import { Limits, podBudget, PodBudget, workloadPods } from "./pods";
import { PolicyName } from "./policies";
import { parseQuantity } from "./quantity";
import { ResourceList } from "./resources";
import { OneNodeSafety } from "./safety";
import { StackObjects } from "./stack";

/** The size of a host, as declared. */
export interface HostSize {
  /** Number of CPUs, as a Kubernetes quantity: `1`, `2`, `500m`. */
  cpus: string;
  /** Memory in MiB, as `free -m` shows it: a machine sold with 1.5 GB has about 1450. */
  memoryMiB: number;
}

/** What a budget is made from, beside the objects. */
export interface BudgetSettings {
  hostSize: HostSize;
  k0s: { version: string; disabledComponents: string[] };
  /** Only for the advice on what to change. */
  policy: PolicyName;
  safety: OneNodeSafety;
}

/** What runs at the same time, and whether the node takes it. */
export interface BudgetCase {
  name: "steady" | "domainJob" | "services" | "rollout" | "k0sUpgrade";
  /** What it is, for people. */
  title: string;
  requests: Amounts;
  /** Below 0 where something is missing. */
  free: Amounts;
  fits: boolean;
  /** Pods that the scheduler leaves Pending, as `namespace/workload`, more than one with ` x<count>`. */
  pending: string[];
}

/** Whether a stack fits its host, by what the scheduler counts. */
export interface Budget {
  hostSize: HostSize;
  /** What the node offers pods. */
  allocatable: Amounts;
  /** In the order in which they start. */
  pods: PodBudget[];
  cases: BudgetCase[];
  /** Every case that a stack must survive does fit; a k0s upgrade is none of them. */
  fits: boolean;
  /** What to change where it does not fit, one sentence each. */
  advice: string[];
  /** What does not stand in the way of an installation, yet should be known. */
  warnings: string[];
}

/** A stack that its host has no room for. */
export class BudgetError extends Error {}

/** kubelet's default for `memory.available`, which k0s leaves alone; it is not offered to pods. */
const evictionThreshold = parseQuantity("100Mi");
/** kubelet's default for maxPods. */
const maxPods = 110n;
/** Below this a stack that is scheduled was measured to thrash: real runs of k0s 1.34 hold 1.9 GB resident. */
const calmMebibytes = 1900;

/** The budget of a stack, from the very objects that are applied. */
export function computeBudget(settings: BudgetSettings, objects: StackObjects): Budget {
  const { hostSize, k0s } = settings;
  const allocatable: Amounts = {
    cpu: parseQuantity(hostSize.cpus),
    memory: parseQuantity(`${hostSize.memoryMiB}Mi`) - evictionThreshold,
    pods: maxPods,
  };
  const own = k0sPods(k0s.version, k0s.disabledComponents);
  const core = [...own, ...stackPods(objects)];
  const job = workloads("domain Job", objects.defaultDomain, []);
  const services = Object.entries(objects.services).map(([name, spec]) =>
    servicePods(name, spec, objects.serving.core),
  );
  const running = [...core, ...services];

  const cases: BudgetCase[] = [budgetCase("steady", "Knative without services", core, allocatable)];
  if (job.length > 0) {
    cases.push(
      budgetCase("domainJob", "while the default-domain Job runs", [...core, ...job], allocatable),
    );
  }
  cases.push(
    budgetCase("services", `with ${count(services.length, "service")} awake`, running, allocatable),
    rolloutCase(
      "rollout",
      "largest rollout",
      running,
      running.filter(({ component }) => component !== "k0s"),
      allocatable,
    ),
    rolloutCase("k0sUpgrade", "rollout of k0s' own pods", running, own, allocatable),
  );
  const required = cases.filter(({ name }) => name !== "k0sUpgrade");
  return {
    hostSize,
    allocatable,
    pods: [...core, ...job, ...services],
    cases,
    fits: required.every(({ fits }) => fits),
    advice: advice(settings, allocatable, required),
    warnings: warnings(settings, objects, cases),
  };
}

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
export function refusal({ hostSize, allocatable, cases, advice: changes }: Budget): string {
  const rows = cases
    .filter(({ name, fits }) => name !== "k0sUpgrade" && !fits)
    .map(({ title, requests, pending }) => {
      const short = lacking(requests, allocatable).map(
        (name) =>
          `${formatAmount(name, requests[name], "up")} of ${labels[name]} where there are ` +
          formatAmount(name, allocatable[name], "down"),
      );
      return `  ${title}: needs ${short.join(" and ")}; Pending would be ${pending.join(", ")}.`;
    });
  return [
    `The stack does not fit the host (hostCpus ${hostSize.cpus}, hostMemoryMiB ${hostSize.memoryMiB}):`,
    ...rows,
    "What to change:",
    ...changes.map((change) => `  ${change}`),
  ].join("\n");
}

/** A budget as plain data, quantities as texts: for the stack output and for programs. */
export function budgetOutput({
  hostSize,
  allocatable,
  pods,
  cases,
  fits,
  warnings: notes,
}: Budget): object {
  return {
    fits,
    host: {
      cpus: hostSize.cpus,
      memoryMiB: hostSize.memoryMiB,
      allocatable: texts(allocatable, "down"),
    },
    cases: Object.fromEntries(
      cases.map(({ name, title, requests, free, fits: caseFits, pending }) => [
        name,
        {
          title,
          fits: caseFits,
          requests: texts(requests, "up"),
          free: texts(free, "down"),
          pending,
        },
      ]),
    ),
    pods: pods.map(({ component, name, replicas, qos, requests, limits, containers }) => ({
      component,
      name,
      replicas,
      qos,
      requests: texts(requests, "up"),
      limits: limitTexts(limits),
      containers: Object.fromEntries(
        containers.map((container) => [
          container.name,
          { requests: texts(container.requests, "up"), limits: limitTexts(container.limits) },
        ]),
      ),
    })),
    warnings: notes,
  };
}

/** What a resource is called in a sentence. */
const labels: Record<ResourceName, string> = { cpu: "CPU", memory: "memory", pods: "pods" };

/** The pods of MetalLB, Knative and Kourier, in the order in which they start. */
function stackPods({ metalLb, serving, kourier }: StackObjects): PodBudget[] {
  const all = [...metalLb, ...serving.core, ...kourier];
  return [
    ...workloads("MetalLB", metalLb, all),
    ...workloads("Knative", serving.core, all),
    ...workloads("Kourier", kourier, all),
  ];
}

/** @param all Where HorizontalPodAutoscalers are looked for, which raise the number of pods. */
function workloads(
  component: string,
  objects: KubernetesObject[],
  all: KubernetesObject[],
): PodBudget[] {
  return objects.flatMap((object) => {
    const scaler = all.find((candidate) => scales(candidate, object));
    const least = Number(scaler?.spec?.minReplicas ?? 0);
    const pods = workloadPods(component, object);
    return pods === undefined
      ? []
      : [least > pods.replicas ? (workloadPods(component, object, least) ?? pods) : pods];
  });
}

function scales(scaler: KubernetesObject, { kind, metadata }: KubernetesObject): boolean {
  const target = scaler.spec?.scaleTargetRef as { kind?: string; name?: string } | undefined;
  return (
    scaler.kind === "HorizontalPodAutoscaler" &&
    scaler.metadata.namespace === metadata.namespace &&
    target?.kind === kind &&
    target.name === metadata.name
  );
}

/**
 * The pods of a Knative Service that answers requests: at least one, with the queue-proxy that Knative adds as
 * config-deployment says (createQueueResources in knative.dev/serving's pkg/reconciler/revision/resources/queue.go).
 * A new revision starts all of its pods beside the old one's.
 */
function servicePods(name: string, spec: ServiceSpec, core: KubernetesObject[]): PodBudget {
  const data = (configMap: string): Record<string, string> =>
    core.find(({ kind, metadata }) => kind === "ConfigMap" && metadata.name === configMap)?.data ??
    {};
  const [deployment, defaults, features] = [
    data("config-deployment"),
    data("config-defaults"),
    data("config-features"),
  ];
  const listed = (prefix: string, suffix: string, source: Record<string, string>): ResourceList =>
    Object.fromEntries(
      (["cpu", "memory"] as const)
        .map((resource) => [resource, source[`${prefix}-${resource}-${suffix}`]] as const)
        .filter((entry): entry is ["cpu" | "memory", string] => entry[1] !== undefined),
    );
  const all = features["queueproxy.resource-defaults"]?.toLowerCase() === "enabled";
  const least = data("config-autoscaler")["min-scale"];
  const replicas = Math.max(1, spec.autoscaling?.minScale ?? Number(least ?? 0));
  return podBudget({
    component: "service",
    name: `default/${name}`,
    replicas,
    surge: replicas,
    priority: 0,
    containers: [
      {
        name: "user-container",
        resources: {
          requests: { ...listed("revision", "request", defaults), ...spec.requests },
          limits: { ...listed("revision", "limit", defaults), ...spec.limits },
        },
      },
      {
        name: "queue-proxy",
        resources: {
          requests: {
            cpu: "25m",
            ...(all && { memory: "400Mi" }),
            ...listed("queue-sidecar", "request", deployment),
          },
          limits: {
            ...(all && { cpu: "1000m", memory: "800Mi" }),
            ...listed("queue-sidecar", "limit", deployment),
          },
        },
      },
    ],
  });
}

function budgetCase(
  name: BudgetCase["name"],
  title: string,
  pods: PodBudget[],
  allocatable: Amounts,
): BudgetCase {
  const requests = total(pods);
  const pending = unschedulable(pods, allocatable);
  const free = difference(allocatable, requests);
  return { name, title, requests, free, fits: pending.length === 0, pending };
}

/**
 * The rollout that needs most, each alone: those that do not fit at once do so one after the other, but one that does
 * not fit alone hangs for ever.
 */
function rolloutCase(
  name: BudgetCase["name"],
  title: string,
  running: PodBudget[],
  candidates: PodBudget[],
  allocatable: Amounts,
): BudgetCase {
  const rollouts = candidates
    .filter(({ surge }) => surge > 0)
    .map((pod) => {
      const added = { ...pod, name: `${pod.name} (rollout)`, replicas: pod.surge };
      return { pod, ...budgetCase(name, "", [...running, added], allocatable) };
    });
  const worst = rollouts.reduce<(typeof rollouts)[number] | undefined>(
    (most, next) =>
      most === undefined || share(next, allocatable) > share(most, allocatable) ? next : most,
    undefined,
  );
  const steady = budgetCase(name, `${title}: none adds a pod`, running, allocatable);
  if (worst === undefined) {
    return steady;
  }
  return {
    name,
    title: `${title}: ${worst.pod.name}`,
    requests: worst.requests,
    free: worst.free,
    fits: rollouts.every(({ fits }) => fits),
    pending: [...new Set(rollouts.flatMap(({ pending }) => pending))],
  };
}

/** The scarcest resource's part of what the node has, in millionths. */
function share({ requests }: BudgetCase, allocatable: Amounts): bigint {
  return resourceNames
    .map((name) => (requests[name] * 1_000_000n) / allocatable[name])
    .reduce((most, next) => (next > most ? next : most));
}

/** The pods that find no place: higher priorities go first, and a pod is no obstacle to a smaller one after it. */
function unschedulable(pods: PodBudget[], allocatable: Amounts): string[] {
  let free = allocatable;
  const pending: string[] = [];
  for (const { name, replicas, requests } of [...pods].sort((a, b) => b.priority - a.priority)) {
    let left = 0;
    for (let pod = 0; pod < replicas; pod++) {
      if (lacking(requests, free).length === 0) {
        free = difference(free, requests);
      } else {
        left += 1;
      }
    }
    if (left > 0) {
      pending.push(left === 1 ? name : `${name} x${left}`);
    }
  }
  return pending;
}

function total(pods: PodBudget[]): Amounts {
  return sum(pods.map(({ requests, replicas }) => times(requests, replicas)));
}

function advice(
  { hostSize, policy, safety }: BudgetSettings,
  allocatable: Amounts,
  cases: BudgetCase[],
): string[] {
  const failing = cases.filter(({ fits }) => !fits);
  if (failing.length === 0) {
    return [];
  }
  const changes: string[] = [];
  const failed = (name: BudgetCase["name"]): boolean =>
    failing.some((failure) => failure.name === name);
  const onlyRollouts = failing.every(({ name }) => name === "rollout");
  if (failed("rollout") && !safety.recreateRollouts) {
    changes.push("Set oneNode.recreateRollouts to true, so that a rollout ends the old pod first.");
  }
  if (!onlyRollouts || safety.recreateRollouts) {
    if (policy === "edge") {
      changes.push("Lower single containers in resourceOverrides.");
    } else {
      const lower = policy === "upstream" ? "" : ", or lower resourceFactor";
      changes.push(
        `Set resourcePolicy to ${policy === "upstream" ? "scale or edge" : "edge"}${lower}.`,
      );
    }
    if (!failed("steady") && (failed("services") || failed("rollout"))) {
      changes.push("Declare fewer services, or lower their requests and their minScale.");
    }
  }
  const need = failing.reduce<Amounts>(
    (most, { requests }) => ({
      cpu: requests.cpu > most.cpu ? requests.cpu : most.cpu,
      memory: requests.memory > most.memory ? requests.memory : most.memory,
      pods: 0n,
    }),
    allocatable,
  );
  const cpus = Math.max(
    Number(hostSize.cpus.endsWith("m") ? 0 : hostSize.cpus),
    Math.ceil(Number(need.cpu) / 1e9),
  );
  const memory = formatAmount("memory", need.memory + evictionThreshold, "up");
  changes.push(
    `Take a host with ${cpus === 1 ? "1 CPU" : `${cpus} CPUs`} and ${memory} of memory or more, and declare it by ` +
      "hostCpus and hostMemoryMiB.",
    "Or set allowOvercommit to true: the pods named above then stay Pending.",
  );
  return changes;
}

function warnings(
  { hostSize }: BudgetSettings,
  objects: StackObjects,
  cases: BudgetCase[],
): string[] {
  const notes: string[] = [];
  const upgrade = cases.find(({ name }) => name === "k0sUpgrade");
  if (upgrade !== undefined && !upgrade.fits) {
    notes.push(
      `An upgrade of k0s that changes ${upgrade.pending.join(", ")} waits until services sleep: ` +
        `its new pod does not fit beside them.`,
    );
  }
  if (hostSize.memoryMiB < calmMebibytes) {
    notes.push(
      `Requests are not all: the stack was measured to hold about 1.9 GB of memory, program code included, so ` +
        `${hostSize.memoryMiB} MiB start slowly (docs/footprint.md).`,
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

function texts(amounts: Amounts, round: "up" | "down"): Record<string, string> {
  return {
    cpu: formatAmount("cpu", amounts.cpu, round),
    memory: formatAmount("memory", amounts.memory, round),
  };
}

function limitTexts({ cpu, memory }: Limits): Record<string, string> {
  return {
    ...(cpu !== undefined && { cpu: formatAmount("cpu", cpu, "up") }),
    ...(memory !== undefined && { memory: formatAmount("memory", memory, "up") }),
  };
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
