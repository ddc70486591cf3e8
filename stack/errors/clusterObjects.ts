import { PodObject, workloadOf } from "../budget/podObject";
import { isRecord } from "../../lib/json";

/** Something of a cluster that keeps a stack from becoming ready. */
export interface ClusterTrouble {
  /** Stays the same while the trouble lasts, whatever figures Kubernetes puts into its words. */
  key: string;
  /** Where it is: a node, or a workload as `namespace/name`. */
  where: string;
  /** What is wrong, mostly in Kubernetes' own words, without a full stop. */
  what: string;
  /** What to do, as sentences. */
  remedy: string;
}

/** A condition of a node or pod. */
export interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
}

/** A node of the Kubernetes API, as far as its troubles show. */
export interface Node {
  metadata?: { name?: string };
  status?: { conditions?: Condition[] };
}

/** A pod of the Kubernetes API, as far as its troubles show. */
export interface Pod {
  metadata?: PodObject["metadata"] & { creationTimestamp?: string; deletionTimestamp?: string };
  status?: {
    phase?: string;
    reason?: string;
    message?: string;
    startTime?: string;
    conditions?: Condition[];
    initContainerStatuses?: ContainerStatus[];
    containerStatuses?: ContainerStatus[];
  };
}

/** What kubelet tells of a container. */
export interface ContainerStatus {
  name?: string;
  restartCount?: number;
  state?: { waiting?: { reason?: string; message?: string } };
  lastState?: { terminated?: { exitCode?: number; reason?: string } };
}

/** `namespace/workload`. */
export function nameOf({ metadata }: Pod): string {
  return `${metadata?.namespace ?? ""}/${workloadOf({ metadata })}`;
}

/** Whether kubelet says that it is ready. */
export function isReady(pod: Pod): boolean {
  return condition(pod, "Ready")?.status === "True";
}

/** Its condition of a type. */
export function condition({ status }: Pod, type: string): Condition | undefined {
  return status?.conditions?.find((each) => each.type === type);
}

/** Whether a pod is on its way out, and not longer than it was given. */
export function isEnding({ metadata }: Pod, now: Date): boolean {
  const end = metadata?.deletionTimestamp;
  return end !== undefined && seconds(end, now) < 10;
}

/** Seconds since a time of the API; without one, as if it were long ago. */
export function seconds(time: string | undefined, now: Date): number {
  return time === undefined ? Infinity : (now.getTime() - Date.parse(time)) / 1000;
}

/** Kubernetes' words without line breaks and the last full stop. */
export function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").replace(/\.$/, "");
}

/** Kubernetes' words up to their first full stop: what follows is figures, and what preemption would not do. */
export function firstSentence(text: string): string {
  return oneLine(text.split(/\.(?:\s|$)/)[0] ?? "");
}

/** The items of a list as the API server sends it. */
export function items<T extends object>(list: unknown): T[] {
  return isRecord(list) && Array.isArray(list.items)
    ? list.items.filter(isRecord).map((item) => item as T)
    : [];
}
