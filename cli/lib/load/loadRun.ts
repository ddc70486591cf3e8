import { notAnswering } from "./coldStarts";
import { timedRequest } from "./request";
import { now, type ServiceWatch } from "./serviceWatch";
import { type Target } from "./target";
import { type WarmLoad, warmLoad } from "./warmLoad";
import { type Progress, untilPods } from "./zero";

/** A service at a moment of the load. */
export interface Sample {
  /** Since the load began. */
  seconds: number;
  /** Connections that send requests. */
  connections: number;
  /** Answers of any status in the last second. */
  requestsPerSecond: number;
  pods: number;
  /** Pods that Kubernetes calls Ready. */
  ready: number;
}

/** A load and what became of the pods. */
export interface LoadRun {
  /** The full load; undefined if the run was interrupted before it. */
  warm?: WarmLoad;
  /** One a second from the first connection on, and one when the idle pods are gone. */
  timeline: Sample[];
}

/** What {@link loadRun} is to do. */
export interface LoadPlan {
  /** Of the full load. */
  connections: number;
  seconds: number;
  /** Pods that Knative keeps. */
  minScale: number;
  /** How long the idle pods may take to go, in milliseconds. */
  zeroWithin: number;
}

/** What part of the full load comes before it, each for {@link riseSeconds}. */
const rise = [0.25, 0.5];

/**
 * Loads a service in steps (a quarter and half of the connections, then all), and watches its pods until they are idle and
 * gone. Only the full load is measured: the steps before it also wake the service and warm it up.
 * @param run Gets what was measured, so that an interrupted run has what came before.
 * @throws UserError if the service does not answer the first request.
 */
export async function loadRun(
  watch: ServiceWatch,
  target: Target,
  { connections, seconds, minScale, zeroWithin }: LoadPlan,
  run: LoadRun,
  signal: AbortSignal,
  progress: Progress,
): Promise<void> {
  const first = await timedRequest(target, signal);
  if (first.error !== undefined) {
    throw notAnswering(target, first.error);
  }
  let answers = 0;
  let busy = 0;
  const began = now();
  const sample = (): void => {
    const [requestsPerSecond, since] = [answers, Math.round((now() - began) / 1000)];
    answers = 0;
    run.timeline.push({ seconds: since, connections: busy, requestsPerSecond, ...watch.pods() });
  };
  const sampling = setInterval(sample, 1000);
  const step = (count: number, duration: number): Promise<WarmLoad> => {
    busy = count;
    progress(`${count} ${count === 1 ? "connection" : "connections"} for ${duration} s`);
    return warmLoad(target, { connections: count, seconds: duration }, signal, () => answers++);
  };
  try {
    for (const part of rise) {
      await step(Math.max(1, Math.round(connections * part)), riseSeconds(seconds));
      signal.throwIfAborted();
    }
    run.warm = await step(connections, seconds);
    busy = 0;
    signal.throwIfAborted();
    if (!(await untilPods(watch, minScale, zeroWithin, signal, progress))) {
      progress(`after ${zeroWithin / 1000} s there are still ${watch.pods().pods} pods`);
    }
  } finally {
    clearInterval(sampling);
    sample();
  }
}

/** How long each step of the rise lasts, for a full load of so many seconds. */
export function riseSeconds(seconds: number): number {
  return Math.min(5, Math.max(1, Math.round(seconds / 6)));
}
