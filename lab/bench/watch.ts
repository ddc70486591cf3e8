/** Sends a service a request each second for some time, and counts the answers. */
import { setTimeout as sleep } from "node:timers/promises";
import { percentile } from "./figures";
import { requestSeconds, type Target } from "./load";

/** The answers. */
export interface Watch {
  requests: number;
  /** How often each kind of failure came. */
  failures: Record<string, number>;
  /** How many seconds each answer took. */
  p50: number;
  p95: number;
  longest: number;
}

/**
 * Sends one request each second, also while earlier ones have no answer. Ends after so many seconds, with the last
 * answer.
 * @param ask sends a request and returns how many seconds it took; by default to `target`
 */
export async function watch(
  target: Target,
  seconds: number,
  signal: AbortSignal,
  ask: (target: Target) => Promise<number> = requestSeconds,
): Promise<Watch> {
  const answers: number[] = [];
  const failures: Record<string, number> = {};
  const requests: Promise<void>[] = [];
  for (let second = 0; second < seconds; second++) {
    requests.push(
      ask(target).then(
        (took) => void answers.push(took),
        ({ message }: Error) => void (failures[message] = (failures[message] ?? 0) + 1),
      ),
    );
    await sleep(1000, undefined, { signal });
  }
  await Promise.all(requests);
  return {
    requests: requests.length,
    failures,
    p50: percentile(answers, 50),
    p95: percentile(answers, 95),
    longest: Math.max(...answers),
  };
}
