import { isLoadBalancer, KubernetesObject } from "./manifests";
import { annotated } from "./transforms";

/**
 * Says by annotation what the provider waits for where its own rule is wrong for us: its wait for a Service takes at
 * least 10 s, ready or not, and waits for pods that the graph waits for anyway; and custom resources and CRDs it does
 * not wait for at all.
 */
export function withAwait(object: KubernetesObject): KubernetesObject {
  if (isLoadBalancer(object)) {
    return annotated(object, "pulumi.com/waitFor", "jsonpath={.status.loadBalancer.ingress[0].ip}");
  }
  if (object.kind === "Service" && object.apiVersion === "v1") {
    return annotated(object, "pulumi.com/skipAwait", "true");
  }
  if (object.kind === "Service") {
    return annotated(object, "pulumi.com/waitFor", "condition=Ready");
  }
  return object;
}
