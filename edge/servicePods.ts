import { ServiceSpec } from "./knativeService";
import { KubernetesObject } from "./manifests";
import { podBudget, PodBudget } from "./pods";
import { Problem } from "./problem";
import { resourceErrors, ResourceList, Resources } from "./resources";

/**
 * The pods of a Knative Service that answers requests: at least one, with the queue-proxy that Knative adds. A new
 * revision starts all of its pods beside the old one's, and of those that share the traffic each has its own.
 */
export function servicePods(name: string, spec: ServiceSpec, core: KubernetesObject[]): PodBudget {
  const scaling = configMapData(core, "config-autoscaler");
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
      { name: "user-container", resources: userResources(spec, core) },
      { name: "queue-proxy", resources: queueProxyResources(core) },
    ],
  });
}

/**
 * Requests above limits that only Knative's ConfigMaps and the services together make: the API server then refuses the
 * pods, and the service is never Ready.
 */
export function serviceResourceProblems(
  services: Record<string, ServiceSpec>,
  core: KubernetesObject[],
): Problem[] {
  return [
    ...resourceErrors(queueProxyResources(core)).map((error) => ({
      key: "knativeConfig.config-deployment",
      message: `of queue-proxy (queue-sidecar-<resource>-request and -limit), ${error}`,
    })),
    ...Object.entries(services).flatMap(([name, spec]) =>
      resourceErrors(userResources(spec, core)).map((error) => ({
        key: `services.${name}`,
        message: `with what knativeConfig.config-defaults adds, ${error}`,
      })),
    ),
  ];
}

/** What a service's own container has: what it asks for and, of what it does not say, Knative's defaults. */
function userResources(spec: ServiceSpec, core: KubernetesObject[]): Resources {
  const defaults = configMapData(core, "config-defaults");
  return {
    requests: { ...listed("revision", "request", defaults), ...spec.requests },
    limits: { ...listed("revision", "limit", defaults), ...spec.limits },
  };
}

/**
 * What the queue-proxy has, as config-deployment says (createQueueResources in knative.dev/serving's
 * pkg/reconciler/revision/resources/queue.go).
 */
function queueProxyResources(core: KubernetesObject[]): Resources {
  const deployment = configMapData(core, "config-deployment");
  const features = configMapData(core, "config-features");
  const all = features["queueproxy.resource-defaults"]?.toLowerCase() === "enabled";
  return {
    requests: {
      cpu: "25m",
      ...(all && { memory: "400Mi" }),
      ...listed("queue-sidecar", "request", deployment),
    },
    limits: {
      ...(all && { cpu: "1000m", memory: "800Mi" }),
      ...listed("queue-sidecar", "limit", deployment),
    },
  };
}

/** The quantities in a ConfigMap, by resource: those of the keys `<prefix>-<resource>-<suffix>`. */
function listed(prefix: string, suffix: string, data: Record<string, string>): ResourceList {
  return Object.fromEntries(
    (["cpu", "memory"] as const)
      .map((resource) => [resource, data[`${prefix}-${resource}-${suffix}`]] as const)
      .filter((entry): entry is ["cpu" | "memory", string] => entry[1] !== undefined),
  );
}

function configMapData(core: KubernetesObject[], name: string): Record<string, string> {
  return (
    core.find(({ kind, metadata }) => kind === "ConfigMap" && metadata.name === name)?.data ?? {}
  );
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
