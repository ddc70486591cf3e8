import { NamespaceQuota, NamespaceTraits } from "../../components/knative/namespaceTraits";
import { Problem } from "../../lib/problem";
import { parseQuantity } from "../../lib/quantity";
import { formatAmount, ResourceName, resourceNames, sum, times } from "../../lib/resourceAmounts";
import { StackObjects } from "../render/renderStack";
import { PodBudget } from "./pods";
import { queueProxyName, servicePods } from "./servicePods";

/**
 * Why Kubernetes would refuse pods of services for the quotas of their namespaces: containers without a request for what is
 * counted, and no room for a new revision of the largest service.
 */
export function quotaProblems(
  namespaces: Record<string, NamespaceTraits>,
  { services, serving }: Pick<StackObjects, "services" | "serving">,
): Problem[] {
  return Object.entries(namespaces).flatMap(([namespace, { quota = {} }]) => {
    const pods = services
      .filter(({ object }) => object.metadata.namespace === namespace)
      .map(({ object }) => servicePods(object, serving.core));
    return resourceNames
      .filter((resource) => quota[resource] !== undefined)
      .flatMap((resource) =>
        [...uncounted(resource, pods), ...shortage(resource, quota, pods)].map((message) => ({
          key: `namespaces.${namespace}.quota.${resource}`,
          message,
        })),
      );
  });
}

/** Containers without a request for what the quota counts. */
function uncounted(resource: ResourceName, pods: PodBudget[]): string[] {
  return resource === "pods"
    ? []
    : pods.flatMap(({ name: service, containers }) =>
        containers
          .filter(({ requests }) => requests[resource] === 0n)
          .map(({ name }) => {
            const remedy =
              name === queueProxyName
                ? `set queue-sidecar-${resource}-request in knativeConfig.config-deployment`
                : `set requests.${resource}`;
            return `counts requests, and ${name} of the service ${service} has none, so that Kubernetes would refuse its pods; ${remedy}.`;
          }),
      );
}

/** Where the quota is less than what the services need while the largest of them rolls out. */
function shortage(resource: ResourceName, quota: NamespaceQuota, pods: PodBudget[]): string[] {
  const most = String(quota[resource]);
  const steady = sum(pods.map(({ requests, replicas }) => times(requests, replicas)))[resource];
  const surge = pods
    .map((pod) => times(pod.requests, pod.surge)[resource])
    .reduce((largest, next) => (next > largest ? next : largest), 0n);
  const need = steady + surge;
  const isShort = need > (resource === "pods" ? BigInt(most) : parseQuantity(most));
  return isShort
    ? [
        `is ${most}, and its services request ${formatAmount(resource, need, "up")} while the largest of them rolls out; raise it, or request less.`,
      ]
    : [];
}
