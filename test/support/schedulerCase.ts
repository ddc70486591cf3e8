// The pods of a stack as their controllers would make them, for a real scheduler: from the manifests as rendered, not from
// what the budget read in them.
import { Budget } from "../../stack/budget/budget";
import { ContainerBudget, PodBudget } from "../../stack/budget/pods";
import { formatQuantity } from "../../lib/quantity";
import { KubernetesObject } from "../../components/cluster/kubernetesObject";
import { podSpec } from "../../components/cluster/workloads";
import { StackObjects } from "../../stack/render/renderStack";

/** One pod to schedule. */
export interface Wanted {
  /** What the budget calls it: `namespace/workload`. */
  workload: string;
  namespace: string;
  priority: number;
  labels: Record<string, string>;
  spec: Record<string, unknown>;
  /** A DaemonSet's pod, which wants this very node. */
  node?: string;
}

const hostname = "kubernetes.io/hostname";

/** The workload's pod that a ReplicaSet would make. */
function podOf(pod: PodBudget, objects: KubernetesObject[]): Omit<Wanted, "node"> {
  const [namespace = "", name = ""] = pod.name.split("/");
  const object = objects.find(
    ({ kind, metadata }) =>
      metadata.namespace === namespace && metadata.name === name && workloads.includes(kind),
  );
  const template = object?.spec?.template as
    { metadata?: { labels?: Record<string, string> } } | undefined;
  return {
    workload: pod.name,
    namespace,
    priority: pod.priority,
    labels: {
      ...template?.metadata?.labels,
      "pod-template-hash": name,
      ...(pod.component === "service" && { "serving.knative.dev/service": name }),
    },
    spec: {
      ...(object && podSpec(object)),
      ...(object === undefined && { ...containersOf(pod), ...otherSpec(pod, objects) }),
      priorityClassName: classes[pod.priority],
    },
  };
}

const workloads = ["Deployment", "DaemonSet"];

const classes: Record<number, string> = {
  2_000_001_000: "system-node-critical",
  2_000_000_000: "system-cluster-critical",
};

/** Where k0s' own pods and those of services may be: of these there are no workloads among the objects. */
function otherSpec(pod: PodBudget, objects: KubernetesObject[]): Record<string, unknown> {
  const [namespace, name = ""] = pod.name.split("/");
  if (namespace === "kube-system") {
    return k0sSpec(name, pod.replicas);
  }
  const service = objects.find(
    ({ kind, metadata }) =>
      kind === "Service" && metadata.namespace === namespace && metadata.name === name,
  );
  const { spec } = service?.spec?.template as unknown as { spec: Record<string, unknown> };
  const { affinity, nodeSelector, tolerations, topologySpreadConstraints } = spec;
  const apart = {
    podAntiAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        {
          weight: 100,
          podAffinityTerm: {
            topologyKey: hostname,
            // The label of the revision in a real cluster.
            labelSelector: { matchLabels: { "pod-template-hash": name } },
          },
        },
      ],
    },
  };
  return { affinity: affinity ?? apart, nodeSelector, tolerations, topologySpreadConstraints };
}

/** From pkg/component/controller/{coredns,metricserver,kuberouter,kubeproxy}.go of k0s. */
function k0sSpec(name: string, replicas: number): Record<string, unknown> {
  const apart = {
    requiredDuringSchedulingIgnoredDuringExecution: [
      {
        topologyKey: hostname,
        labelSelector: {
          matchExpressions: [{ key: "pod-template-hash", operator: "In", values: ["coredns"] }],
        },
      },
    ],
  };
  const isDaemon = name.startsWith("kube-");
  return {
    nodeSelector: { "kubernetes.io/os": "linux" },
    tolerations: isDaemon
      ? ["NoSchedule", "NoExecute"].map((effect) => ({ operator: "Exists", effect }))
      : [
          {
            key: "node-role.kubernetes.io/control-plane",
            operator: "Exists",
            effect: "NoSchedule",
          },
        ],
    ...(name === "coredns" && replicas > 1 && { affinity: { podAntiAffinity: apart } }),
    ...(name === "coredns" && {
      topologySpreadConstraints: [
        {
          topologyKey: "topology.kubernetes.io/zone",
          maxSkew: 1,
          whenUnsatisfiable: "ScheduleAnyway",
          labelSelector: { matchLabels: { "pod-template-hash": "coredns" } },
        },
      ],
    }),
  };
}

/** A container without a request is one that says nothing: the scheduler counts it otherwise than a request of 0. */
function containersOf({ containers }: PodBudget): Record<string, unknown> {
  const built = ({ name, requests: { cpu, memory } }: ContainerBudget): object => ({
    name,
    resources: {
      requests: {
        ...(cpu > 0n && { cpu: formatQuantity(cpu, "decimal") }),
        ...(memory > 0n && { memory: formatQuantity(memory, "binary") }),
      },
    },
  });
  return {
    initContainers: containers.filter(({ role }) => role === "init").map(built),
    containers: containers.filter(({ role }) => role === undefined).map(built),
  };
}

/** The pods with every service awake, in the order in which a stack creates them; of a DaemonSet one for each node. */
export function wantedPods(
  { running }: Budget,
  { metalLb, serving, kourier, services }: StackObjects,
  nodes: string[],
): Wanted[] {
  const rendered = [
    ...metalLb,
    ...serving.core,
    ...kourier,
    ...services.map(({ object }) => object),
  ];
  return running.flatMap((pod): Wanted[] => {
    const one = podOf(pod, rendered);
    const isDaemon =
      ["kube-system/kube-router", "kube-system/kube-proxy"].includes(pod.name) ||
      rendered.some(
        ({ kind, metadata }) =>
          kind === "DaemonSet" && `${metadata.namespace}/${metadata.name}` === pod.name,
      );
    return isDaemon
      ? nodes.map((node) => ({ ...one, node }))
      : Array.from({ length: pod.replicas }, () => one);
  });
}
