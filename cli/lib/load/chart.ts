/** The picture of a run of `npm run load`. */
import {
  barChart,
  type Drawing,
  polyline,
  rect,
  svgDocument,
  text,
  width,
} from "../../../lib/chart";
import { seconds } from "./duration";
import { type Sample } from "./loadRun";
import { type Milestone, milestones, milestoneTitles } from "./phases";
import { type ColdReport, type LoadReport } from "./report";
import { type WarmLoad } from "./warmLoad";

const colors: Record<Milestone, string> = {
  gateway: "#57606a",
  scaleAsked: "#8250df",
  podMade: "#0969da",
  scheduled: "#54aeff",
  sandbox: "#e8710a",
  containersStarted: "#fb8f44",
  podReady: "#2da44e",
  knativeReady: "#7ee787",
  firstByte: "#d4a72c",
};
const grey = "#d0d7de";
const left = 130;
const plot = width - left - 110;
const title = 'font-size="15" font-weight="bold"';
const small = 'font-size="10"';

/** The phases of each cold start, the latencies under load, and the pods while the load rises and falls, as an SVG document. */
export function loadChart({ service, cold, warm, timeline }: LoadReport): string {
  return svgDocument([
    ...(cold?.milliseconds === undefined ? [] : [coldChart(service, cold)]),
    ...(warm === undefined ? [] : [latencyChart(service, warm)]),
    ...(timeline.length === 0 ? [] : [podChart(service, timeline)]),
  ]);
}

/** A bar for each cold start, made of its phases. */
function coldChart(service: string, { starts, milliseconds }: ColdReport): Drawing {
  const most = Math.max(1, ...starts.map((start) => start.milliseconds ?? 0));
  const [head, row] = [88, 16];
  const legend = milestones.flatMap((name, index) => {
    const [x, y] = [10 + (index % 4) * 230, 33 + Math.floor(index / 4) * 16];
    return [rect(x, y, 10, 10, colors[name]), text(x + 15, y + 9, milestoneTitles[name])];
  });
  const bars = starts.flatMap((start, index) => {
    const y = head + index * row;
    const label = text(left - 10, y + 11, `start ${index + 1}`, 'text-anchor="end"');
    if (start.error !== undefined) {
      return [label, text(left, y + 11, start.error, small)];
    }
    let x = left;
    const phases = milestones.flatMap((name) => {
      const length = ((start.phases[name] ?? 0) / most) * plot;
      x += length;
      return length > 0 ? [rect(x - length, y + 1, length, row - 3, colors[name])] : [];
    });
    return [label, ...phases, text(x + 5, y + 11, seconds(start.milliseconds), small)];
  });
  const sum = Object.entries(milliseconds ?? {}).map(([name, ms]) => `${name} ${seconds(ms)}`);
  return {
    lines: [
      text(10, 22, `Cold starts of ${service}: ${sum.join(", ")}`, title),
      ...legend,
      ...bars,
    ],
    height: head + starts.length * row,
  };
}

function latencyChart(service: string, warm: WarmLoad): Drawing {
  const { connections, requestsPerSecond, latencyMs } = warm;
  const rate = `${Math.round(requestsPerSecond)} requests a second`;
  return barChart({
    title: `${service} under load: ${rate} over ${connections} connections`,
    unit: " ms",
    series: [{ name: "latency", color: "#0969da" }],
    rows: Object.entries(latencyMs).map(([name, value]) => ({
      label: name.replace("_", "."),
      values: [value],
    })),
  });
}

/** Pods as steps, and answers a second as a line, each with its own scale. */
function podChart(service: string, timeline: readonly Sample[]): Drawing {
  const [top, depth] = [66, 160];
  const bottom = top + depth;
  const end = Math.max(1, timeline.at(-1)?.seconds ?? 1);
  const mostPods = Math.max(1, ...timeline.map(({ pods }) => pods));
  const mostAnswers = Math.max(1, ...timeline.map((each) => each.requestsPerSecond));
  const x = (second: number): number => left + (second / end) * plot;
  const podsAt = (count: number): number => bottom - (count / mostPods) * depth;
  const steps = (count: (each: Sample) => number): [number, number][] =>
    timeline.flatMap((each, index) => [
      [x(timeline[index - 1]?.seconds ?? 0), podsAt(count(each))],
      [x(each.seconds), podsAt(count(each))],
    ]);
  const answers = timeline.map((each): [number, number] => [
    x(each.seconds),
    bottom - (each.requestsPerSecond / mostAnswers) * depth,
  ]);
  const series: [string, string][] = [
    ["pods", "#8250df"],
    ["pods that are ready", "#2da44e"],
    ["answers a second", "#e8710a"],
  ];
  const middle = 'text-anchor="middle"';
  return {
    lines: [
      text(10, 22, `Pods of ${service} while the load rises and falls`, title),
      ...series.flatMap(([name, color], index) => [
        rect(left + index * 170, 33, 10, 10, color),
        text(left + index * 170 + 15, 42, name),
      ]),
      rect(left, bottom, plot, 1, grey),
      text(
        left - 10,
        top + 5,
        `${mostPods} ${mostPods === 1 ? "pod" : "pods"}`,
        'text-anchor="end"',
      ),
      text(left - 10, bottom + 4, "0", 'text-anchor="end"'),
      text(left + plot + 8, top + 5, `${mostAnswers}/s`),
      ...[0, 0.25, 0.5, 0.75, 1].map((part) =>
        text(x(part * end), bottom + 16, `${Math.round(part * end)} s`, middle),
      ),
      polyline(answers, "#e8710a"),
      polyline(
        steps(({ pods }) => pods),
        "#8250df",
      ),
      polyline(
        steps(({ ready }) => ready),
        "#2da44e",
      ),
    ],
    height: bottom + 24,
  };
}
