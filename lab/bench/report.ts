/** Where the time of `pulumi up` goes, beside the same work by hand. */
import { textTable, type Column } from "../../lib/table";
import type { Installation, Phase } from "./byHand";
import type { Operation } from "./events";

/** One `pulumi up`, with the chain of resources that decided its wall time. */
export interface Up extends Installation {
  path: Operation[];
}

/** The script's phase for each phase of the program that has one. */
const byHandPhase: Record<string, string> = {
  "host-binary": "binary",
  "host-install": "install",
  "host-ready": "ready",
  "host-kubeconfig": "kubeconfig",
  metallb: "metallb",
  knative: "knative",
  kourier: "kourier",
  domain: "domain",
  hello: "hello",
  "hello-probe-request": "probe",
};

const number: Column["align"] = "right";

/** When each phase of the program began and ended, beside the script's, in seconds from the start. */
export function phaseTable(up: Installation, byHand: Installation): string {
  const columns: Column[] = [
    { title: "phase" },
    ...["up: from", "to", "seconds", "by hand: from", "to", "seconds"].map((title) => ({
      title,
      align: number,
    })),
  ];
  const times = (phase: Phase | undefined) =>
    phase === undefined
      ? ["", "", ""]
      : [phase.began, phase.ended, phase.ended - phase.began].map((each) => each.toFixed(1));
  const rows = up.phases.map((phase) => {
    const like = byHand.phases.find(({ name }) => name === byHandPhase[phase.name]);
    return [phase.name, ...times(phase), ...times(like)];
  });
  const whole = ({ seconds }: Installation) => times({ name: "", began: 0, ended: seconds });
  return textTable(columns, [...rows, ["whole", ...whole(up), ...whole(byHand)]]);
}

/** A share of the wall time of `up`. */
export interface Share {
  what: string;
  seconds: number;
}

/**
 * All of the wall time of `up`: the work on the chain of resources that decided it, and the time before, between and
 * after.
 */
export function shares({ seconds, path }: Up): Share[] {
  const sums = new Map<string, number>();
  const add = (what: string, time: number) => sums.set(what, (sums.get(what) ?? 0) + time);
  add("Pulumi and the program start", path[0]?.began ?? seconds);
  path.forEach((operation, index) => {
    const { began, ended } = operation;
    // Time in which two of them overlap counts once.
    const free = Math.max(began, path[index - 1]?.ended ?? began);
    add(kindOf(operation), Math.max(0, ended - free));
    if (index > 0)
      add(
        "engine and program, from one resource to the next",
        free - (path[index - 1]?.ended ?? free),
      );
  });
  const last = path.at(-1)?.ended;
  if (last !== undefined) add("Pulumi ends", seconds - last);
  return [...sums].map(([what, time]) => ({ what, seconds: time }));
}

function kindOf({ type, name, component }: Operation): string {
  if (type.startsWith("kubernetes:"))
    return `Kubernetes: ${type.split(":").at(-1)} applied and waited for`;
  if (type.startsWith("pulumi:providers:")) return "Kubernetes: provider";
  if (name.endsWith("-admission")) return "admission gates";
  return `${component}: ${name.slice(component.length + 1)}`;
}

/** {@link shares} as a table, the largest first. */
export function shareTable(up: Up): string {
  const rows = shares(up)
    .sort((a, b) => b.seconds - a.seconds)
    .map(({ what, seconds }) => [
      what,
      seconds.toFixed(1),
      `${Math.round((100 * seconds) / up.seconds)} %`,
    ]);
  return textTable(
    [
      { title: "where the time of up goes" },
      { title: "seconds", align: number },
      { title: "", align: number },
    ],
    rows,
  );
}

/** The chain of resources, one on each line. */
export function pathTable({ path }: Up): string {
  return textTable(
    [
      { title: "what up waited for, in its order" },
      { title: "from", align: number },
      { title: "seconds", align: number },
    ],
    path.map(({ type, name, began, ended }) => [
      `${name} (${type.split(":").at(-1)})`,
      began.toFixed(1),
      (ended - began).toFixed(1),
    ]),
  );
}
