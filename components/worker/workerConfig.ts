import { HostConfig } from "../host/hostConfig";
import { HostSize } from "../host/hostSize";

/** A taint as `kubectl taint` writes it. */
export interface Taint {
  key: string;
  /** "" for none. */
  value: string;
  effect: TaintEffect;
}

/** What a taint does to pods that do not tolerate it. */
export const taintEffects = ["NoSchedule", "PreferNoSchedule", "NoExecute"] as const;
export type TaintEffect = (typeof taintEffects)[number];

/** A node beside the host. */
export interface WorkerConfig extends HostConfig {
  /** Of the node. */
  name: string;
  size: HostSize;
  labels: Record<string, string>;
  taints: Taint[];
  /** Raised for each rebuild of the machine. */
  generation: number;
  /** The machine is gone: nothing is asked of it any more. */
  abandoned: boolean;
}

/**
 * Least memory of a worker, in MiB: k0s, containerd, kubelet, kube-router and kube-proxy hold about 400 of it
 * (docs/scaling.md).
 */
export const leastWorkerMiB = 768;

/** A taint as `kubectl taint` writes it: `key=value:effect`. */
export function taintText({ key, value, effect }: Taint): string {
  return `${key}${value && `=${value}`}:${effect}`;
}
