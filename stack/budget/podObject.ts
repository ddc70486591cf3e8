import { PodContainers } from "./pods";

/** A pod of the Kubernetes API, as far as a footprint reads it. */
export interface PodObject {
  metadata?: {
    name?: string;
    namespace?: string;
    labels?: Record<string, string>;
    ownerReferences?: { kind: string; name: string }[];
  };
  spec?: PodContainers & { nodeName?: string };
  status?: {
    phase?: string;
    containerStatuses?: {
      restartCount: number;
      state?: { terminated?: { reason?: string } };
      lastState?: { terminated?: { reason?: string } };
    }[];
  };
}

/** The name of a pod's Deployment, DaemonSet or Job, or of its Knative Service. */
export function workloadOf({ metadata }: PodObject): string {
  const service = metadata?.labels?.["serving.knative.dev/service"];
  const owner = metadata?.ownerReferences?.[0];
  if (service !== undefined || owner === undefined) {
    return service ?? metadata?.name ?? "";
  }
  // A Deployment's ReplicaSets have a hash behind its name.
  return owner.kind === "ReplicaSet" ? owner.name.replace(/-[^-]+$/, "") : owner.name;
}
