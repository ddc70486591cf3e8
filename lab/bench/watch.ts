/** Asks a service once a second for as long as it is told, and counts what it hears. */
import { setTimeout as sleep } from "node:timers/promises";
import { percentile } from "./figures";
import { requestSeconds, type Target } from "./load";

/** What was heard. */
export interface Watch {
  requests: number;
  /** The failures' reasons, with how often each came. */
  failures: Record<string, number>;
  /** Seconds of the answers. */
  p50: number;
  p95: number;
  longest: number;
}

/**
 * One request each second, whether or not those before it were answered, until the time is over and all are.
 * @param ask makes a request and returns its seconds; by default to `target`
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
