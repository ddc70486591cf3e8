/** Where the time of a cold start goes. */
import { type ClusterMilestone, type Evidence } from "./evidence";

/** What a cold start passes, in this order. */
export const milestones = [
  "gateway",
  "scaleAsked",
  "podMade",
  "scheduled",
  "sandbox",
  "containersStarted",
  "podReady",
  "knativeReady",
  "firstByte",
] as const;

/** One of {@link milestones}. */
export type Milestone = (typeof milestones)[number];

/** What each milestone says to people. */
export const milestoneTitles: Record<Milestone, string> = {
  gateway: "connected to the gateway",
  scaleAsked: "scale asked (activator, autoscaler)",
  podMade: "pod made",
  scheduled: "scheduled",
  sandbox: "sandbox",
  containersStarted: "containers started",
  podReady: "ready by queue-proxy",
  knativeReady: "ready by Knative",
  firstByte: "first byte",
};

/** Milliseconds from the request to each milestone that was seen. */
export type Marks = Partial<Record<Milestone, number>>;

/** Milliseconds of each phase, by the milestone that ends it. */
export type Phases = Partial<Record<Milestone, number>>;

/** When a request was where, by this machine's clock, in milliseconds. */
export interface RequestTimes {
  sent: number;
  /** TCP connection to the gateway. */
  connected: number;
  /** The answer's first byte. */
  firstByte: number;
}

/**
 * When a cold start passed each milestone.
 *
 * Kubernetes' own timestamps are whole seconds and are not used. A mark is when the proof arrived at this machine by a watch,
 * or when the event happened by the nanoseconds in its name, whichever is earlier. The host's clock is set against this
 * machine's by the event that arrived fastest after it happened. Both are the latest time at which the milestone can have
 * been passed, and so is a mark of a later milestone for all before it. A watch on a busy host is some 10 ms late.
 *
 * No object of the API tells when the activator gets the request: that is part of the phase to `scaleAsked`. The activator
 * asks pods itself, so `podReady` and `knativeReady` may come after the answer.
 * @param evidence What the watches saw from the moment when the request was sent.
 */
export function marksOf(evidence: readonly Evidence[], times: RequestTimes): Marks {
  const offset = Math.min(
    ...evidence.flatMap(({ at, hostTime }) => (hostTime === undefined ? [] : [at - hostTime])),
  );
  const time = ({ at, hostTime }: Evidence): number =>
    Math.max(times.sent, hostTime === undefined ? at : Math.min(at, hostTime + offset)) -
    times.sent;
  const pod = answeringPod(evidence);
  const own = evidence.filter((each) => each.pod === undefined || each.pod === pod);
  const seen = (milestone: ClusterMilestone): number | undefined => {
    const proofs = own.filter((each) => each.milestone === milestone);
    return milestone === "containersStarted"
      ? least([
          ...proofs.filter(({ container }) => container === undefined).map(time),
          ...lastStart(own, time),
        ])
      : least(proofs.map(time));
  };
  const marks: Marks = {
    gateway: times.connected - times.sent,
    firstByte: times.firstByte - times.sent,
    podReady: seen("podReady"),
    knativeReady: seen("knativeReady"),
  };
  let later = marks.firstByte;
  for (const milestone of [
    "containersStarted",
    "sandbox",
    "scheduled",
    "podMade",
    "scaleAsked",
  ] as const) {
    const mark = seen(milestone);
    later = mark === undefined ? later : Math.min(mark, later ?? mark);
    marks[milestone] = mark === undefined ? undefined : later;
  }
  return Object.fromEntries(
    milestones.flatMap((name) => (marks[name] === undefined ? [] : [[name, marks[name]]])),
  );
}

/**
 * The time between the marks, which adds up to the time of the first byte. A phase whose end was not seen counts to the next
 * one. So does what came only after the first byte, for the answer did not wait for it.
 */
export function phasesOf(marks: Marks): Phases {
  const phases: Phases = {};
  const end = marks.firstByte ?? 0;
  let before = 0;
  for (const milestone of milestones) {
    const mark = marks[milestone];
    if (mark !== undefined && mark >= before && mark <= end) {
      phases[milestone] = mark - before;
      before = mark;
    }
  }
  return phases;
}

/** The pod that was ready first; without a ready one, the pod that was seen first. Events may be about other services. */
function answeringPod(evidence: readonly Evidence[]): string | undefined {
  const ready = evidence.find(({ milestone }) => milestone === "podReady");
  return (ready ?? evidence.find(({ containers }) => containers !== undefined))?.pod;
}

/** When the last container started, if each of them is known to have. */
function lastStart(evidence: readonly Evidence[], time: (each: Evidence) => number): number[] {
  const count = evidence.find(({ containers }) => containers !== undefined)?.containers;
  const starts = new Map<string, number>();
  for (const each of evidence) {
    if (each.milestone === "containersStarted" && each.container !== undefined) {
      starts.set(each.container, time(each));
    }
  }
  return count !== undefined && starts.size >= count ? [Math.max(...starts.values())] : [];
}

function least(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : Math.min(...values);
}
