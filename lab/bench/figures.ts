/** What the bench measures: figures with their runs, targets and verdicts. */
import { textTable, type Column } from "../../lib/table";

/** A measured quantity. */
export interface Figure {
  name: string;
  /** Unit of every number: `s`, `ms`, `/s`, or `x` for a ratio; empty for a count. */
  unit: string;
  /** The result of each run; empty if it was not measured. */
  runs: number[];
  /** The target: the most that the median may be. Undefined if there is none. */
  atMost?: number;
  /** Why it was not measured, or what to know about it. */
  note?: string;
}

/** Whether a figure missed its target. One with a target but without runs did. */
export function missed({ runs, atMost }: Figure): boolean {
  return atMost !== undefined && !(median(runs) <= atMost);
}

/** The middle of the runs, or the mean of the middle two; NaN without runs. */
export function median(runs: readonly number[]): number {
  const sorted = [...runs].sort((a, b) => a - b);
  const [low, high] = [Math.ceil(sorted.length / 2) - 1, Math.floor(sorted.length / 2)];
  return ((sorted[low] ?? NaN) + (sorted[high] ?? NaN)) / 2;
}

/** The smallest run that at least `percent` of the runs do not exceed (nearest rank); NaN without runs. */
export function percentile(runs: readonly number[], percent: number): number {
  const sorted = [...runs].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? NaN;
}

const columns: Column[] = [
  { title: "figure" },
  { title: "runs", align: "right" },
  { title: "min", align: "right" },
  { title: "median", align: "right" },
  { title: "max", align: "right" },
  { title: "target", align: "right" },
  { title: "" },
];

/** The figures as a table for a terminal, with the notes below. The target is for the median. */
export function figureTable(figures: readonly Figure[]): string {
  const notes = figures.flatMap(({ name, note }) => (note === undefined ? [] : `${name}: ${note}`));
  return [textTable(columns, figures.map(row)), ...notes].join("\n");
}

function row(figure: Figure): string[] {
  const { name, unit, runs, atMost } = figure;
  const number = (value: number) => `${round(value)}${unit && ` ${unit}`}`;
  const target = atMost === undefined ? "" : `<= ${number(atMost)}`;
  if (runs.length === 0) return [name, "0", "", "", "", target, "NOT MEASURED"];
  const verdict = missed(figure) ? "MISSED" : "ok";
  const numbers = spread(runs).map(number);
  return [name, String(runs.length), ...numbers, target, atMost === undefined ? "" : verdict];
}

/** Smallest, middle and largest run. */
function spread(runs: readonly number[]): [number, number, number] {
  return [Math.min(...runs), median(runs), Math.max(...runs)];
}

/** Two digits after the point below ten, one below a hundred, none above. */
function round(value: number): string {
  return String(Number(value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)));
}
