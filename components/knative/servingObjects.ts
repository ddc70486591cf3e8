import { isCrd, KubernetesObject } from "../cluster/kubernetesObject";

/** Knative Serving's objects in the three steps in which they can be applied. */
export interface ServingObjects {
  /** The namespace and the CustomResourceDefinitions. */
  definitions: KubernetesObject[];
  /** What runs Knative, with its configuration and webhooks. */
  core: KubernetesObject[];
  /** Custom resources that Knative's own webhook must admit, so that its pods come first. */
  admitted: KubernetesObject[];
}

/** Sorts Knative Serving's objects into the steps. */
export function servingSteps(objects: KubernetesObject[]): ServingObjects {
  const steps: ServingObjects = { definitions: [], core: [], admitted: [] };
  for (const object of objects) {
    steps[stepOf(object)].push(object);
  }
  return steps;
}

function stepOf(object: KubernetesObject): keyof ServingObjects {
  if (object.kind === "Namespace" || isCrd(object)) {
    return "definitions";
  }
  // The webhook validates certificates.networking.internal.knative.dev with failurePolicy Fail, and the release holds
  // such an object: knative/operator#2179 is the deadlock that comes of applying both at once.
  return object.kind === "Certificate" ? "admitted" : "core";
}
