import { Amounts, larger, nothing, sum } from "../../lib/resourceAmounts";
import { isRecord, JsonObject } from "../../lib/json";
import { KubernetesObject } from "../../components/cluster/kubernetesObject";
import { parseQuantity } from "../../lib/quantity";
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
  /** Value of the priority class; 0 without one. */
  priority: number;
  qos: QosClass;
  containers: ContainerBudget[];
  /** Of one pod. */
  requests: Amounts;
  /** Of one pod; undefined where a container has none. */
  limits: Limits;
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

/**
 * The pods of a workload on one node; undefined for any other kind.
 * @param replicas How many of them; a DaemonSet and a Job have one.
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
    priority: priorities[String(spec.priorityClassName)] ?? 0,
    containers: containerSpecs(spec as unknown as PodContainers),
  });
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

/** Adds up the containers of a pod as Kubernetes does. */
export function podBudget(
  pod: Omit<PodBudget, "containers" | "qos" | "requests" | "limits"> & {
    containers: ContainerSpec[];
  },
): PodBudget {
  const containers = pod.containers.map(containerBudget);
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
    limits: { cpu: limit("cpu"), memory: limit("memory") },
  };
}

/**
 * What the scheduler counts for one pod, by k8s.io/component-helpers/resource: what runs together, or the largest init
 * container with the sidecars before it.
 */
export function podRequests(specs: ContainerSpec[]): Amounts {
  const containers = specs.map(containerBudget);
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

function containerBudget({ name, resources, role }: ContainerSpec): ContainerBudget {
  const amount = (list: ResourceList | undefined, resource: keyof Limits): bigint | undefined =>
    list?.[resource] === undefined ? undefined : counted(resource, String(list[resource]));
  const limits = {
    cpu: amount(resources.limits, "cpu"),
    memory: amount(resources.limits, "memory"),
  };
  // The API server sets a request that is not given to the limit.
  const request = (resource: keyof Limits): bigint =>
    amount(resources.requests, resource) ?? limits[resource] ?? 0n;
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
function surge({ kind, spec }: KubernetesObject, replicas: number): number {
  const strategy = (spec?.strategy ?? {}) as JsonObject;
  if (kind !== "Deployment" || strategy.type === "Recreate") {
    return 0;
  }
  const rolling = isRecord(strategy.rollingUpdate) ? strategy.rollingUpdate : {};
  const maxSurge = rolling.maxSurge ?? "25%";
  const percent = /^(\d+)%$/.exec(String(maxSurge))?.[1];
  return percent === undefined ? Number(maxSurge) : Math.ceil((replicas * Number(percent)) / 100);
}
