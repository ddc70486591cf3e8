import { Amounts, larger, nothing, sum } from "../../lib/resourceAmounts";
import { isRecord, JsonObject } from "../../lib/json";
import { KubernetesObject } from "../../components/cluster/kubernetesObject";
import { parseQuantity } from "../../lib/quantity";
import { Labels, noRules, podRules, PodRules } from "../scheduling/podRules";
import { ResourceList, Resources } from "../../lib/resources";
import { podSpec } from "../../components/cluster/workloads";

/** Quality of service, by which the kernel and the kubelet choose whom to end first: BestEffort, then Burstable. */
export type QosClass = "BestEffort" | "Burstable" | "Guaranteed";

/** CPU and memory in nano-units; undefined where there is no limit. */
export interface Limits {
  cpu?: bigint;
  memory?: bigint;
}

/** A container as the scheduler and the kubelet see it. */
export interface ContainerBudget {
  name: string;
  /** As in {@link ContainerSpec}. */
  role?: "init" | "sidecar";
  /** Counts no pods. */
  requests: Amounts;
  limits: Limits;
}

/** The pods of one workload. */
export interface PodBudget {
  /** What the pod belongs to: `k0s`, `MetalLB`, `Knative`, `Kourier`, `domain Job` or `service`. */
  component: string;
  /** `namespace/workload`. */
  name: string;
  replicas: number;
  /** Pods that a rollout adds before it takes old ones away. */
  surge: number;
  /** A rollout may also end an old pod first, so on several nodes it does not hang where the new one has no room. */
  endsFirst?: boolean;
  /** Value of the priority class; 0 without one. */
  priority: number;
  qos: QosClass;
  containers: ContainerBudget[];
  /** Of one pod. */
  requests: Amounts;
  /** Of one pod, as the scheduler compares nodes: a container that requests nothing counts {@link unrequested}. */
  scored: Amounts;
  /** Of one pod; undefined where a container has none. */
  limits: Limits;
  /** Which nodes it may be on. */
  rules: PodRules;
}

/** A container's part of a pod that a {@link podBudget} is made of. */
export interface ContainerSpec {
  name: string;
  resources: Resources;
  /** `init` runs before the others; `sidecar` is an init container that stays. */
  role?: "init" | "sidecar";
}

/** The values of the priority classes that every cluster has. */
export const priorities: Record<string, number> = {
  "system-node-critical": 2_000_001_000,
  "system-cluster-critical": 2_000_000_000,
};

/** DefaultMilliCPURequest and DefaultMemoryRequest in pkg/scheduler/util/pod_resources.go of Kubernetes. */
const unrequested = { cpu: parseQuantity("100m"), memory: parseQuantity("200Mi") };

/**
 * The pods of a workload; undefined for any other kind.
 * @param replicas How many of them; a Job has one, and a DaemonSet one on each node.
 */
export function workloadPods(
  component: string,
  object: KubernetesObject,
  replicas: number,
): PodBudget | undefined {
  const spec = podSpec(object);
  if (spec === undefined) {
    return undefined;
  }
  const { name, namespace = "default" } = object.metadata;
  return podBudget({
    component,
    name: `${namespace}/${name}`,
    replicas,
    surge: surge(object, replicas),
    endsFirst: unavailable(object, replicas) >= 1,
    priority: priorities[String(spec.priorityClassName)] ?? 0,
    containers: containerSpecs(spec as unknown as PodContainers),
    rules: podRules(spec, templateLabels(object), object.kind === "DaemonSet"),
  });
}

function templateLabels({ spec }: KubernetesObject): Labels {
  const { metadata } = (spec?.template ?? {}) as { metadata?: { labels?: Labels } };
  return metadata?.labels ?? {};
}

/** The containers of a pod's `spec`, as far as a budget reads them. */
export interface PodContainers {
  initContainers?: { name: string; restartPolicy?: string; resources?: Resources }[];
  containers: { name: string; resources?: Resources }[];
}

/** The parts of a pod with a `spec` of the Kubernetes API. */
export function containerSpecs({
  initContainers = [],
  containers,
}: PodContainers): ContainerSpec[] {
  return [
    ...initContainers.map(({ name, restartPolicy, resources = {} }): ContainerSpec => ({
      name,
      resources,
      role: restartPolicy === "Always" ? "sidecar" : "init",
    })),
    ...containers.map(({ name, resources = {} }): ContainerSpec => ({ name, resources })),
  ];
}

/** What a {@link podBudget} is made of. Without rules a pod may be on any node. */
export type PodParts = Pick<
  PodBudget,
  "component" | "name" | "replicas" | "surge" | "endsFirst" | "priority"
> & {
  containers: ContainerSpec[];
  rules?: PodRules;
};

/** Adds up the containers of a pod as Kubernetes does. */
export function podBudget(pod: PodParts): PodBudget {
  const containers = pod.containers.map((container) => containerBudget(container));
  const staying = containers.filter(({ role }) => role !== "init");
  const limit = (name: keyof Limits): bigint | undefined =>
    staying.every(({ limits }) => limits[name] !== undefined)
      ? staying.reduce((total, { limits }) => total + (limits[name] ?? 0n), 0n)
      : undefined;
  return {
    ...pod,
    containers,
    qos: qosClass(containers),
    requests: podRequests(pod.containers),
    scored: podRequests(pod.containers, unrequested),
    limits: { cpu: limit("cpu"), memory: limit("memory") },
    rules: pod.rules ?? noRules,
  };
}

/**
 * What the scheduler counts for one pod, by k8s.io/component-helpers/resource: what runs together, or the largest init
 * container with the sidecars before it.
 * @param missing What a container counts that does not say what it requests. Defaults to nothing.
 */
export function podRequests(specs: ContainerSpec[], missing?: Limits): Amounts {
  const containers = specs.map((container) => containerBudget(container, missing));
  let sidecars = nothing;
  let starting = nothing;
  for (const { role, requests } of containers) {
    if (role === "sidecar") {
      sidecars = sum([sidecars, requests]);
    }
    if (role !== undefined) {
      starting = larger(starting, role === "init" ? sum([sidecars, requests]) : sidecars);
    }
  }
  const running = containers.filter(({ role }) => role !== "init");
  return { ...larger(starting, sum(running.map(({ requests }) => requests))), pods: 1n };
}

/** k8s.io/kubernetes/pkg/apis/core/v1/helper/qos: only CPU and memory count. */
function qosClass(containers: ContainerBudget[]): QosClass {
  const names = ["cpu", "memory"] as const;
  const some = containers.some(({ requests, limits }) =>
    names.some((name) => requests[name] > 0n || (limits[name] ?? 0n) > 0n),
  );
  if (!some) {
    return "BestEffort";
  }
  const all = containers.every(({ requests, limits }) =>
    names.every((name) => (limits[name] ?? 0n) > 0n && requests[name] === limits[name]),
  );
  return all ? "Guaranteed" : "Burstable";
}

function containerBudget(
  { name, resources, role }: ContainerSpec,
  missing: Limits = {},
): ContainerBudget {
  const amount = (list: ResourceList | undefined, resource: keyof Limits): bigint | undefined =>
    list?.[resource] === undefined ? undefined : counted(resource, String(list[resource]));
  const limits = {
    cpu: amount(resources.limits, "cpu"),
    memory: amount(resources.limits, "memory"),
  };
  // The API server sets a request that is not given to the limit.
  const request = (resource: keyof Limits): bigint =>
    amount(resources.requests, resource) ?? limits[resource] ?? missing[resource] ?? 0n;
  return {
    name,
    requests: { cpu: request("cpu"), memory: request("memory"), pods: 0n },
    limits,
    ...(role && { role }),
  };
}

/**
 * A quantity as the API server keeps it (SetDefaults_ResourceList) and the scheduler counts it: CPU in whole m and
 * memory in whole bytes, each container's rounded up.
 */
function counted(resource: keyof Limits, text: string): bigint {
  const step = parseQuantity(resource === "cpu" ? "1m" : "1");
  return ((parseQuantity(text) + step - 1n) / step) * step;
}

/** Pods beyond the replicas while a Deployment rolls out; other kinds end a pod before they start its successor. */
function surge(object: KubernetesObject, replicas: number): number {
  return isRolling(object) ? rollingPods(object, "maxSurge", replicas, Math.ceil) : 0;
}

/** Pods that may be missing while a Deployment rolls out. */
function unavailable(object: KubernetesObject, replicas: number): number {
  return isRolling(object) ? rollingPods(object, "maxUnavailable", replicas, Math.floor) : 0;
}

function isRolling({ kind, spec }: KubernetesObject): boolean {
  const strategy = (spec?.strategy ?? {}) as JsonObject;
  return kind === "Deployment" && strategy.type !== "Recreate";
}

/** A number of a rolling update, which may be a part of the replicas; a quarter by default. */
function rollingPods(
  { spec }: KubernetesObject,
  name: "maxSurge" | "maxUnavailable",
  replicas: number,
  round: (part: number) => number,
): number {
  const { rollingUpdate } = (spec?.strategy ?? {}) as JsonObject;
  const value = (isRecord(rollingUpdate) ? rollingUpdate[name] : undefined) ?? "25%";
  const percent = /^(\d+)%$/.exec(String(value))?.[1];
  return percent === undefined ? Number(value) : round((replicas * Number(percent)) / 100);
}
