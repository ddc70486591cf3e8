import { KubernetesObject } from "../cluster/kubernetesObject";

/** What the rest of the program must know of an ingress that it can put into a cluster, all of it known beforehand. */
export interface IngressKind {
  /** Value of `ingress-class` in Knative's ConfigMap config-network. */
  ingressClass: string;
  /** Namespace of its own. */
  namespace: string;
  /** Name of its ConfigMap in Knative's namespace. */
  settings: string;
  /** What is set there for a certificate to serve HTTPS with. */
  certificateSettings(secret: { name: string; namespace: string }): Record<string, string>;
  /** Names of its workloads in Knative's namespace. */
  workloadsAtKnative: string[];
  /** The gateway's container: a proxy, and no Go program. */
  gatewayContainer: string;
  /**
   * Idle memory in MiB by `workload/container`, at 0, 100, 500 and 1000 services.
   * Source: openshift-docs modules/serverless-minimal-requirements-serving.adoc.
   */
  idleMebibytes: Record<string, number[]>;
}

/** Whether an object is a part of an ingress that runs: a workload of it, or anything in its own namespace. */
export function isPartOf(
  { namespace, workloadsAtKnative }: IngressKind,
  { metadata }: KubernetesObject,
): boolean {
  return metadata.namespace === namespace || workloadsAtKnative.includes(metadata.name);
}
