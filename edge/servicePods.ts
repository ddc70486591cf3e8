import { ServiceSpec } from "./knativeService";
import { KubernetesObject } from "./manifests";
import { podBudget, PodBudget } from "./pods";
import { ResourceList } from "./resources";

/**
 * The pods of a Knative Service that answers requests: at least one, with the queue-proxy that Knative adds as
 * config-deployment says (createQueueResources in knative.dev/serving's pkg/reconciler/revision/resources/queue.go).
 * A new revision starts all of its pods beside the old one's, and of those that share the traffic each has its own.
 */
export function servicePods(name: string, spec: ServiceSpec, core: KubernetesObject[]): PodBudget {
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
  const scaling = data("config-autoscaler");
  const least = spec.autoscaling?.minScale ?? Number(scaling["min-scale"] ?? 0);
  const pods = Math.max(1, least);
  // A revision is Ready with so many, and may have fewer after that (pkg/reconciler/autoscaling/kpa/scaler.go).
  const starting = Math.max(pods, Number(scaling["initial-scale"] ?? 1));
  return podBudget({
    component: "service",
    name: `default/${name}`,
    replicas: pods * (awakeRevisions(spec, least > 0) - 1) + starting,
    surge: starting,
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

/**
 * How many revisions have pods; of those that other versions of the service made, what these ask is taken on. One with a
 * tag alone gets no request by the service's own URL, but keeps its least number of pods (syncRoutingMeta in
 * knative.dev/serving's pkg/reconciler/labeler/metasync.go).
 */
function awakeRevisions(
  { traffic = [], revisionName = "" }: ServiceSpec,
  neverSleep: boolean,
): number {
  const awake = traffic.filter(({ percent = 0 }) => percent > 0 || neverSleep);
  return Math.max(1, new Set(awake.map((target) => target.revisionName ?? revisionName)).size);
}
