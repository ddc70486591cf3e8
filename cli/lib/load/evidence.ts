/** What objects of the Kubernetes API prove about a cold start, and when. */

/** What a cold start passes inside the cluster, in this order. */
export type ClusterMilestone =
  | "scaleAsked"
  | "podMade"
  | "scheduled"
  | "sandbox"
  | "containersStarted"
  | "podReady"
  | "knativeReady";

/** Proof that a cold start has passed a milestone. */
export interface Evidence {
  milestone: ClusterMilestone;
  /** Name of the pod; undefined for what belongs to the revision. */
  pod?: string;
  /** The container that started, if the proof is for this one alone. */
  container?: string;
  /** How many containers the pod has, where the proof knows it. */
  containers?: number;
  /** When it arrived, by this machine's clock, in milliseconds. */
  at: number;
  /** When it happened, by the host's clock, in milliseconds; undefined where only whole seconds are told. */
  hostTime?: number;
}

/** A Deployment, as far as it is read. */
export interface DeploymentObject {
  spec?: { replicas?: number };
}

/** A Knative PodAutoscaler, as far as it is read. */
export interface PodAutoscalerObject {
  status?: { conditions?: { type: string; status: string }[] };
}

/** A pod, as far as it is read. */
export interface WatchedPod {
  metadata?: { name?: string; deletionTimestamp?: unknown };
  spec?: { nodeName?: string; containers?: unknown[] };
  status?: {
    phase?: string;
    conditions?: { type: string; status: string }[];
    containerStatuses?: { state?: { running?: unknown } }[];
  };
}

/** A core/v1 Event, as far as it is read. */
export interface EventObject {
  metadata?: { name?: string };
  reason?: string;
  message?: string;
  involvedObject?: { kind?: string; name?: string; fieldPath?: string };
}

/** What a Deployment proves: with replicas, Knative's autoscaler has asked for a pod. */
export function deploymentEvidence({ spec }: DeploymentObject, at: number): Evidence[] {
  return (spec?.replicas ?? 0) > 0 ? [{ milestone: "scaleAsked", at }] : [];
}

/** What a PodAutoscaler proves: Active, Knative counts the pod as ready. */
export function autoscalerEvidence({ status }: PodAutoscalerObject, at: number): Evidence[] {
  return isTrue(status?.conditions, "Active") ? [{ milestone: "knativeReady", at }] : [];
}

/** What a pod proves. One that ends proves nothing. */
export function podEvidence({ metadata, spec, status }: WatchedPod, at: number): Evidence[] {
  if (metadata?.deletionTimestamp !== undefined) {
    return [];
  }
  const containers = spec?.containers?.length;
  const running = (status?.containerStatuses ?? []).filter(({ state }) => state?.running);
  const proven: [ClusterMilestone, boolean][] = [
    ["podMade", true],
    ["scheduled", spec?.nodeName !== undefined],
    ["sandbox", isTrue(status?.conditions, "PodReadyToStartContainers")],
    ["containersStarted", running.length > 0 && running.length === containers],
    ["podReady", isTrue(status?.conditions, "Ready")],
  ];
  return proven.flatMap(([milestone, is]) =>
    is ? [{ milestone, pod: metadata?.name, containers, at }] : [],
  );
}

/**
 * What an event proves. Kubelet says Pulling or Pulled about a container's image only when the sandbox stands
 * (kuberuntime_manager.go, SyncPod).
 */
export function eventEvidence(event: EventObject, at: number): Evidence[] {
  const { reason, message, involvedObject } = event;
  const hostTime = eventTime(event.metadata?.name);
  if (involvedObject?.kind === "ReplicaSet" && reason === "SuccessfulCreate") {
    const pod = /^Created pod: (\S+)$/.exec(message ?? "")?.[1];
    return pod === undefined ? [] : [{ milestone: "podMade", pod, at, hostTime }];
  }
  if (involvedObject?.kind !== "Pod") {
    return [];
  }
  const milestones: Record<string, ClusterMilestone> = {
    Scheduled: "scheduled",
    Pulling: "sandbox",
    Pulled: "sandbox",
    Created: "sandbox",
    Started: "containersStarted",
  };
  const milestone = milestones[reason ?? ""];
  const pod = involvedObject.name;
  const container = /^spec\.containers\{(.+)\}$/.exec(involvedObject.fieldPath ?? "")?.[1];
  if (milestone === undefined || (milestone === "containersStarted" && container === undefined)) {
    return [];
  }
  return [{ milestone, pod, container, at, hostTime }];
}

/**
 * When an event happened, by the host's clock, in milliseconds. Its fields have whole seconds, but its name ends with the
 * nanoseconds (GenerateEventName in client-go's tools/record/util), for the scheduler's, the kubelet's and the controllers'
 * events alike.
 * @returns undefined for a name that was made otherwise.
 */
export function eventTime(name: string | undefined): number | undefined {
  const digits = /\.([0-9a-f]{16})$/.exec(name ?? "")?.[1];
  return digits === undefined ? undefined : Number(BigInt(`0x${digits}`)) / 1e6;
}

function isTrue(conditions: { type: string; status: string }[] | undefined, type: string): boolean {
  return (conditions ?? []).some((each) => each.type === type && each.status === "True");
}
