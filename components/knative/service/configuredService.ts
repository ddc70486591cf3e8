import { KubernetesObject } from "../../cluster/kubernetesObject";
import { visibilityLabel } from "./serviceSpec";

/** A Knative Service as a stack's configuration has it. */
export interface ConfiguredService {
  /** The serving.knative.dev/v1 Service, with its images as the user names them. Knative admits it. */
  object: KubernetesObject;
  /** How long it may take to become Ready, in seconds. Absent: 600. */
  readyTimeoutSeconds?: number;
  /** What the Secret with its secrets holds, in base64; absent: it has none. */
  secretData?: Record<string, string>;
  /** What the ConfigMap with its files holds; absent: it has none. */
  fileData?: Record<string, string>;
  /** Further domains at which it answers; absent: none. */
  domains?: string[];
  /** Path at which it is asked from outside; absent: it is not asked. */
  probe?: string;
}

/** Whether a Service answers in its cluster only, by its labels. */
export function isClusterLocal(labels: Record<string, string> | undefined): boolean {
  return labels?.[visibilityLabel] === "cluster-local";
}

/**
 * The URL of a service: `<scheme>://<service>.<namespace>.<domain>`. One that only the cluster reaches has the cluster's own
 * domain, where the gateway speaks HTTP alone.
 */
export function serviceUrl(
  { serviceName, namespace }: { serviceName: string; namespace: string },
  labels: Record<string, string> | undefined,
  domain: string,
  scheme: "http" | "https",
): string {
  return isClusterLocal(labels)
    ? `http://${serviceName}.${namespace}.svc.cluster.local`
    : `${scheme}://${serviceName}.${namespace}.${domain}`;
}

/** The path at which a service is asked; undefined where it is not. */
export function probePath(
  probe: string | false | undefined,
  labels: Record<string, string> | undefined,
): string | undefined {
  return probe === false || isClusterLocal(labels) ? undefined : (probe ?? "/");
}
