import { UserError } from "../../../lib/userError";
import { seconds } from "./duration";
import { type Marks, marksOf, type Phases, phasesOf } from "./phases";
import { timedRequest } from "./request";
import { nextChange, type Progress, untilPods } from "./zero";
import { now, type ServiceWatch } from "./serviceWatch";
import { type Target } from "./target";

/** One request to a service without a pod. */
export type ColdStart = AnsweredStart | { error: string; milliseconds?: undefined };

/** A cold start with its answer. Times are in milliseconds. */
export interface AnsweredStart {
  /** From the request to the answer's first byte. */
  milliseconds: number;
  marks: Marks;
  phases: Phases;
  error?: undefined;
}

/** How long after an answer the cluster's last proofs are waited for, in milliseconds. */
const lateProofs = 5000;

/**
 * Measures cold starts: waits each time until the service has no pod, then sends one request.
 * @param count How many.
 * @param zeroWithin How long each wait may last, in milliseconds.
 * @param starts Gets each cold start when it is over, so that an interrupted run has those before.
 * @throws UserError if the first one has no answer, or a pod stays.
 */
export async function coldStarts(
  watch: ServiceWatch,
  target: Target,
  { count, zeroWithin }: { count: number; zeroWithin: number },
  starts: ColdStart[],
  signal: AbortSignal,
  progress: Progress,
): Promise<void> {
  while (starts.length < count) {
    if (!(await untilPods(watch, 0, zeroWithin, signal, progress))) {
      const { pods } = watch.pods();
      throw new UserError(
        `Service ${target.service} still has ${pods === 1 ? "a pod" : `${pods} pods`} after ` +
          `${zeroWithin / 1000} s without a request from here: does someone else send requests to it?`,
      );
    }
    const start = await coldStart(watch, target, signal);
    const place = `cold start ${starts.length + 1} of ${count}`;
    if (start.error !== undefined && starts.length === 0) {
      throw notAnswering(target, start.error);
    }
    starts.push(start);
    progress(`${place}: ${start.error ?? seconds(start.milliseconds)}`);
  }
}

/** What to tell of a service that does not answer. */
export function notAnswering(
  { service, address, host, path, protocol }: Target,
  error: string,
): UserError {
  return new UserError(
    `Service ${service} does not answer at ${protocol}//${host}${path}, asked at ${address}: ${error}. ` +
      "Check that this machine reaches that address; name another path with --path.",
  );
}

async function coldStart(
  watch: ServiceWatch,
  target: Target,
  signal: AbortSignal,
): Promise<ColdStart> {
  watch.forget();
  const answer = await timedRequest(target, signal);
  if (answer.error !== undefined) {
    return { error: answer.error };
  }
  const until = now() + lateProofs;
  const complete = (): boolean =>
    ["containersStarted", "podReady", "knativeReady"].every((name) =>
      watch.evidence().some(({ milestone }) => milestone === name),
    );
  while (!complete() && now() < until) {
    await nextChange(watch, until - now(), signal);
  }
  const { times } = answer;
  const marks = marksOf(watch.evidence(), times);
  return { milliseconds: times.firstByte - times.sent, marks, phases: phasesOf(marks) };
}
