/** What a run of `npm run load` measured, for people and for programs. */
import { type Column } from "../../../lib/table";
import { type ColdStart } from "./coldStarts";
import { seconds } from "./duration";
import { type LoadRun, type Sample } from "./loadRun";
import { type LoadOptions } from "./options";
import { type Percentiles, percentiles } from "./percentile";
import { type Milestone, milestones, milestoneTitles } from "./phases";
import { type WarmLoad } from "./warmLoad";

/** All that was measured; the JSON of `--json`. */
export interface LoadReport {
  stack: string;
  service: string;
  /** Where the requests went. */
  url: string;
  /** When the run began, ISO 8601. */
  began: string;
  /** Whether a signal ended it before its time. */
  interrupted: boolean;
  /** What else ended it before its time, a sentence. */
  failure?: string;
  /** Undefined without cold starts. */
  cold?: ColdReport;
  /** Undefined without load, or if the run was interrupted before it. */
  warm?: WarmLoad;
  /** Pods and answers for each second of the load; empty without it. */
  timeline: Sample[];
}

/** The cold starts. Times are in milliseconds. */
export interface ColdReport {
  starts: ColdStart[];
  /** How many had no answer. */
  failed: number;
  /** Of the answered ones, from the request to the first byte; undefined if there is none. */
  milliseconds?: Percentiles;
  /** Of each phase, over the starts in which it was seen. */
  phases: Partial<Record<Milestone, Percentiles & { seen: number }>>;
}

/** Sums up cold starts. */
export function coldReport(starts: ColdStart[]): ColdReport {
  const answered = starts.flatMap((start) => (start.error === undefined ? [start] : []));
  return {
    starts,
    failed: starts.length - answered.length,
    milliseconds: percentiles(answered.map(({ milliseconds }) => milliseconds)),
    phases: Object.fromEntries(
      milestones.flatMap((name) => {
        const values = answered.flatMap(({ phases }) => phases[name] ?? []);
        const found = percentiles(values);
        return found === undefined ? [] : [[name, { ...found, seen: values.length }]];
      }),
    ),
  };
}

/** The report of a run. */
export function loadReport(
  head: Omit<LoadReport, "cold" | "warm" | "timeline">,
  starts: ColdStart[] | undefined,
  { warm, timeline }: LoadRun,
): LoadReport {
  return { ...head, cold: starts && coldReport(starts), warm, timeline };
}

/** What went wrong and what a run missed, a sentence each. A cold start without an answer is above every limit. */
export function shortcomings(report: LoadReport, { maxColdP95, minRps }: LoadOptions): string[] {
  const { cold, warm, failure } = report;
  const missed = failure === undefined ? [] : [failure];
  const p95 = cold?.milliseconds?.p95 ?? Infinity;
  if (maxColdP95 !== undefined && cold !== undefined && cold.failed > 0) {
    missed.push(`${withoutAnswer(cold)}, so --max-cold-p95 is missed.`);
  } else if (maxColdP95 !== undefined && p95 > maxColdP95) {
    missed.push(
      `p95 of the cold starts is ${seconds(p95)}, above --max-cold-p95 ${seconds(maxColdP95)}.`,
    );
  }
  const rps = warm?.requestsPerSecond ?? 0;
  if (minRps !== undefined && rps < minRps) {
    missed.push(`${Math.round(rps)} requests a second were answered, below --min-rps ${minRps}.`);
  }
  return missed;
}

type Format = (columns: Column[], rows: string[][]) => string;

const number = (title: string): Column => ({ title, align: "right" });

/** The tables of a run, made by the given table function. */
export function loadTables({ cold, warm, timeline }: LoadReport, format: Format): string {
  return [
    ...(cold === undefined ? [] : coldTables(cold, format)),
    ...(warm === undefined ? [] : [warmTable(warm, format)]),
    ...(timeline.length === 0 ? [] : [podTable(timeline, format)]),
  ].join("\n\n");
}

function coldTables(
  { starts, failed, milliseconds, phases }: ColdReport,
  format: Format,
): string[] {
  const answered = starts.length - failed;
  const columns = ["p50", "p95", "p99"].map(number);
  const row = (
    title: string,
    { p50, p95, p99 }: Percentiles,
    unit: (ms: number) => string,
    seen: number,
  ): string[] => [title, ...[p50, p95, p99].map(unit), `${seen} of ${answered}`];
  const short = (ms: number): string => `${Math.round(ms)} ms`;
  const failures = failed > 0 ? [withoutAnswer({ starts, failed })] : [];
  if (milliseconds === undefined) {
    return failures;
  }
  const rows = milestones.flatMap((name) => {
    const found = phases[name];
    return found === undefined
      ? []
      : [row(`  until ${milestoneTitles[name]}`, found, short, found.seen)];
  });
  return [
    format(
      [{ title: "cold start" }, ...columns, number("seen in")],
      [row("request to first byte", milliseconds, seconds, answered), ...rows],
    ),
    ...failures,
  ];
}

function withoutAnswer({ starts, failed }: Pick<ColdReport, "starts" | "failed">): string {
  return `${failed} of ${starts.length} cold starts had no answer`;
}

function warmTable(warm: WarmLoad, format: Format): string {
  const { connections, requestsPerSecond, latencyMs, errors } = warm;
  const failures = Object.entries(errors).map(([kind, count]) => `${kind}: ${count}`);
  const columns = ["connections", "requests/s", "p50", "p90", "p97.5", "p99", "max"].map(number);
  return format(
    [{ title: "under load" }, ...columns, { title: "errors" }],
    [
      [
        `${Math.round(warm.seconds)} s`,
        String(connections),
        String(Math.round(requestsPerSecond)),
        ...Object.values(latencyMs).map((value) => `${value} ms`),
        failures.join(", ") || "none",
      ],
    ],
  );
}

/** The moments at which the number of pods, or of connections, is another one. */
function podTable(timeline: readonly Sample[], format: Format): string {
  const changes = timeline.filter((each, index) => {
    const before = timeline[index - 1];
    return (
      before === undefined ||
      (["pods", "ready", "connections"] as const).some((name) => each[name] !== before[name])
    );
  });
  return format(
    ["seconds", "connections", "pods", "ready"].map(number),
    changes.map(({ seconds, connections, pods, ready }) =>
      [seconds, connections, pods, ready].map(String),
    ),
  );
}
