import { KubernetesObject, isLoadBalancer } from "./kubernetesObject";

/**
 * Fields of an object that controllers fill once it is there, for `ignoreChanges`. A refresh would otherwise show
 * them as drift, and the next update take them back.
 */
export function ignoredFields(object: KubernetesObject): string[] {
  switch (object.kind) {
    case "ValidatingWebhookConfiguration":
    case "MutatingWebhookConfiguration":
      return isKnativeServing(object)
        ? ["webhooks[*].clientConfig.caBundle", "webhooks[*].rules"]
        : ["webhooks[*].clientConfig.caBundle"];
    case "Secret":
      return ["data"];
    case "ClusterRole":
      return "aggregationRule" in object ? ["rules"] : [];
    default:
      return [];
  }
}

/** On config-domain: the domain in it, where it is known before the cluster is there. */
export const domainAnnotation = "knative-edge/domain";

/** On what depends on the address that a load balancer gives: the first of its pool. */
export const poolAnnotation = "knative-edge/first-of-pool";

/**
 * Fields of an object whose change needs a new object. The default-domain Job adds its domain to config-domain as a
 * stranger, so that it outlives every update of ours; and of two domains Knative takes the one that sorts first. Knative's
 * programs hold on to their settings in the moment without the ConfigMap (knative.dev/pkg/configmap/informer).
 *
 * A Service whose address leaves MetalLB's pool is given another behind Pulumi's back, some time after the pool changed: a
 * new Service is given one that is known when it is created.
 */
export function replacingFields(object: KubernetesObject): string[] {
  const field = (annotation: string): string => `metadata.annotations["${annotation}"]`;
  if (isDomainConfig(object)) {
    return [field(domainAnnotation), field(poolAnnotation)];
  }
  return isGatewayService(object) ? [field(poolAnnotation)] : [];
}

/** True for the Service at whose address the gateway is reached from outside. */
export function isGatewayService(object: KubernetesObject): boolean {
  const hasOwnAddress = object.kind === "Service" && object.spec?.externalIPs !== undefined;
  return hasOwnAddress || isLoadBalancer(object);
}

/** True for Knative's ConfigMap of domains. */
export function isDomainConfig({ kind, metadata }: KubernetesObject): boolean {
  return (
    kind === "ConfigMap" &&
    metadata.namespace === "knative-serving" &&
    metadata.name === "config-domain"
  );
}

/** True for an object of Knative Serving's own release. */
export function isKnativeServing(object: KubernetesObject): boolean {
  return object.metadata.labels?.["app.kubernetes.io/name"] === "knative-serving";
}
