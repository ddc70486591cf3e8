import { JsonObject } from "../../lib/json";

/** A Kubernetes object, of whatever kind. */
export interface KubernetesObject {
  /** `group/version`, or `v1` for the core group. */
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    /** Absent on cluster-scoped objects. */
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  spec?: JsonObject;
  /** What a ConfigMap or Secret holds. */
  data?: Record<string, string>;
  /** The other fields of the kind. */
  [field: string]: unknown;
}

/** What names an object in messages: `apps/v1 Deployment knative-serving/activator`. */
export function describe({ apiVersion, kind, metadata }: KubernetesObject): string {
  const name =
    metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
  return `${apiVersion} ${kind} ${name}`;
}

/** True for a CustomResourceDefinition. */
export function isCrd(object: KubernetesObject): boolean {
  return object.kind === "CustomResourceDefinition";
}

/** True for the Service that a load balancer gives an address. */
export function isLoadBalancer(object: KubernetesObject): boolean {
  return object.kind === "Service" && object.spec?.type === "LoadBalancer";
}

/** The object with one more annotation. */
export function annotated(object: KubernetesObject, name: string, value: string): KubernetesObject {
  const { metadata } = object;
  return {
    ...object,
    metadata: { ...metadata, annotations: { ...metadata.annotations, [name]: value } },
  };
}
