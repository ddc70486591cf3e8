import { ServiceDemand, serviceDemand } from "../../components/knative/service/serviceDemand";
import { NamespaceTraits, priorityClassName } from "../../components/knative/namespaceTraits";
import { JsonObject } from "../../lib/json";
import { KubernetesObject } from "../../components/cluster/kubernetesObject";
import { podBudget, PodBudget, priorities } from "./pods";
import { Labels, podRules, PodRules, templateHash } from "../scheduling/podRules";
import {
  userResources,
  queueProxyResources,
  configMapData,
} from "../../components/knative/service/serviceResources";

/** The container that Knative adds to each pod of a service. */
export const queueProxyName = "queue-proxy";

/**
 * The pods of a Knative Service that answers requests: at least one, with the queue-proxy that Knative adds. A new
 * revision starts all of its pods beside those of the old one. Revisions that share the traffic have pods of their own.
 * @param namespaces What is said of the services' namespaces. Defaults to nothing.
 */
export function servicePods(
  service: KubernetesObject,
  core: KubernetesObject[],
  namespaces: Record<string, NamespaceTraits> = {},
): PodBudget {
  const { name, namespace } = service.metadata;
  const demand = serviceDemand(service);
  const scaling = configMapData(core, "config-autoscaler");
  const least = demand.minScale ?? Number(scaling["min-scale"] ?? 0);
  const pods = Math.max(1, least);
  // A revision becomes Ready with so many, and may have fewer later (pkg/reconciler/autoscaling/kpa/scaler.go).
  const initial = demand.initialScale ?? Number(scaling["initial-scale"] ?? 1);
  const starting = Math.max(pods, initial);
  return podBudget({
    component: "service",
    name: `${namespace}/${name}`,
    replicas: pods * (awakeRevisions(demand, least > 0) - 1) + starting,
    surge: starting,
    priority: priorityOf(demand.priorityClassName, namespaces),
    containers: [
      ...demand.containers.map(({ name, role, resources }) => ({
        name,
        role,
        resources: role === "init" ? resources : userResources(resources, core),
      })),
      { name: queueProxyName, resources: queueProxyResources(core) },
    ],
    rules: serviceRules(service, core),
  });
}

/** The rules of the service's own file. Without some about other pods, Knative has pods of a revision prefer to be apart. */
function serviceRules(service: KubernetesObject, core: KubernetesObject[]): PodRules {
  const { metadata, spec } = service.spec?.template as unknown as {
    metadata?: { labels?: Labels };
    spec: JsonObject;
  };
  // Knative's own labels that are the same for each revision.
  const rules = podRules(spec, {
    ...metadata?.labels,
    "serving.knative.dev/service": service.metadata.name,
    "serving.knative.dev/configuration": service.metadata.name,
  });
  const type = configMapData(core, "config-deployment")["default-affinity-type"];
  if (spec.affinity !== undefined || type === "none") {
    return rules;
  }
  const pods = { matchLabelKeys: [templateHash] };
  return { ...rules, apart: [{ topologyKey: "kubernetes.io/hostname", pods, weight: 100 }] };
}

function priorityOf(name = "", namespaces: Record<string, NamespaceTraits>): number {
  const own = Object.entries(namespaces).find(([each]) => priorityClassName(each) === name);
  return own?.[1].priority ?? priorities[name] ?? 0;
}

/**
 * How many revisions have pods. A revision of an earlier version of the service counts as much as the present one. A
 * revision that only a tag leads to gets no request by the service's own URL, but keeps its least number of pods
 * (syncRoutingMeta in knative.dev/serving's pkg/reconciler/labeler/metasync.go).
 */
function awakeRevisions(
  { traffic, revisionName = "" }: ServiceDemand,
  neverSleep: boolean,
): number {
  const awake = traffic.filter(({ percent = 0 }) => percent > 0 || neverSleep);
  return Math.max(1, new Set(awake.map((target) => target.revisionName ?? revisionName)).size);
}
