import { ConfiguredService } from "./configuredService";
import { serviceDemand } from "./serviceDemand";
import { KubernetesObject } from "../../cluster/kubernetesObject";
import { Problem } from "../../../lib/problem";
import { resourceErrors, ResourceList, Resources } from "../../../lib/resources";

/**
 * Requests above limits that only Knative's ConfigMaps and the services together make: the API server then refuses the
 * pods, and the service is never Ready.
 */
export function serviceResourceProblems(
  services: Record<string, ConfiguredService>,
  core: KubernetesObject[],
): Problem[] {
  return [
    ...resourceErrors(queueProxyResources(core)).map((error) => ({
      key: "knativeConfig.config-deployment",
      message: `of queue-proxy (queue-sidecar-<resource>-request and -limit), ${error}`,
    })),
    ...Object.entries(services).flatMap(([name, { object }]) =>
      serviceDemand(object)
        .containers.filter(({ role }) => role === undefined)
        .flatMap((container) => resourceErrors(userResources(container.resources, core)))
        .map((error) => ({
          key: `services.${name}`,
          message: `with what knativeConfig.config-defaults adds, ${error}`,
        })),
    ),
  ];
}

/**
 * What a service's own container has: what it asks for and, of what it does not say, Knative's defaults. Init containers
 * get none (SetDefaults in knative.dev/serving's pkg/apis/serving/v1/revision_defaults.go).
 */
export function userResources(given: Resources, core: KubernetesObject[]): Resources {
  const defaults = configMapData(core, "config-defaults");
  return {
    requests: { ...listed("revision", "request", defaults), ...given.requests },
    limits: { ...listed("revision", "limit", defaults), ...given.limits },
  };
}

/**
 * What the queue-proxy has, as config-deployment says (createQueueResources in knative.dev/serving's
 * pkg/reconciler/revision/resources/queue.go).
 */
export function queueProxyResources(core: KubernetesObject[]): Resources {
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

/** The data of one of Knative's ConfigMaps; empty where the release has none of that name. */
export function configMapData(core: KubernetesObject[], name: string): Record<string, string> {
  return (
    core.find(({ kind, metadata }) => kind === "ConfigMap" && metadata.name === name)?.data ?? {}
  );
}
