import { isCrd, isLoadBalancer, KubernetesObject, annotated } from "./kubernetesObject";

/**
 * How long the provider waits for an object, in seconds, where its ten minutes are wrong: an address is given at once
 * or not at all, since the Service is applied when the pool is there.
 */
export function awaitSeconds(object: KubernetesObject): number | undefined {
  return isLoadBalancer(object) ? 60 : undefined;
}

/**
 * Says by annotation what the provider waits for where its own rule is wrong for us: its wait for a Service takes at
 * least 10 s, ready or not, and waits for pods that the graph waits for anyway; and custom resources and CRDs it does
 * not wait for at all. And a Job that failed stays failed: only another one in its place can succeed.
 */
export function withAwait(object: KubernetesObject): KubernetesObject {
  if (isCrd(object)) {
    // It is not there when its creation returns: the provider waits for the API server to serve it.
    return annotated(object, "pulumi.com/waitFor", "condition=Established");
  }
  if (isLoadBalancer(object)) {
    return annotated(object, "pulumi.com/waitFor", "jsonpath={.status.loadBalancer.ingress[0].ip}");
  }
  if (object.kind === "Service" && object.apiVersion === "v1") {
    return annotated(object, "pulumi.com/skipAwait", "true");
  }
  if (object.kind === "Service") {
    return annotated(object, "pulumi.com/waitFor", "condition=Ready");
  }
  if (object.kind === "Job") {
    return annotated(object, "pulumi.com/replaceUnready", "true");
  }
  return object;
}
