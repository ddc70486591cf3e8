import { setTimeout as sleep } from "node:timers/promises";
import { now, type ServiceWatch } from "./serviceWatch";

/** What tells people how a run goes, a sentence each. */
export type Progress = (sentence: string) => void;

/** How often a wait is told, in milliseconds. */
const tellEvery = 30_000;

/**
 * Waits until a service has at most so many pods: it sends nothing, and Knative takes the pods away. It asks nothing either,
 * because the watch tells each change, and polling would keep a small host busy.
 * @param within How long, in milliseconds.
 * @returns Whether it came to that in time.
 * @throws The signal's reason when it is aborted.
 */
export async function untilPods(
  watch: ServiceWatch,
  most: number,
  within: number,
  signal: AbortSignal,
  progress: Progress,
): Promise<boolean> {
  const began = now();
  let told = -Infinity;
  for (;;) {
    signal.throwIfAborted();
    const { pods } = watch.pods();
    const left = began + within - now();
    if (pods <= most || left <= 0) {
      return pods <= most;
    }
    if (now() - told >= tellEvery) {
      told = now();
      progress(
        `waiting until Knative takes away ${pods - most} idle ${pods - most === 1 ? "pod" : "pods"}, ` +
          `for at most ${Math.ceil(left / 1000)} s`,
      );
    }
    await nextChange(watch, Math.min(left, told + tellEvery - now()), signal);
  }
}

/** Waits for the watch's next change, but no longer than so many milliseconds. */
export async function nextChange(
  watch: ServiceWatch,
  most: number,
  signal: AbortSignal,
): Promise<void> {
  const woken = new AbortController();
  const stop = watch.onChange(() => woken.abort());
  try {
    await sleep(Math.max(0, most), undefined, { signal: AbortSignal.any([signal, woken.signal]) });
  } catch {
    signal.throwIfAborted();
  } finally {
    stop();
  }
}
