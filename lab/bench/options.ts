/** What `npm run bench` is asked to measure. */
import { parseArgs } from "node:util";
import type { StackConfig } from "../engine";
import { referenceSize } from "../size";
import { host } from "./benchHost";

/** What can be measured, in this order. All after `up` need it: if nobody asks for `up`, it runs unmeasured. */
export const groups = [
  "preview",
  "up",
  "connections",
  "unchanged",
  "warm",
  "cold",
  "destroy",
] as const;
export type Group = (typeof groups)[number];

/** What is measured only on request, because it takes long. Each makes a host for itself. */
export const longGroups = ["fit", "levers", "fleet", "services", "nodes"] as const;
export type LongGroup = (typeof longGroups)[number];

export const help = `npm run bench                    measures everything, on a lab host of its own (${host})
npm run bench -- --only a,b      only these: ${groups.join(", ")}
npm run bench -- --runs n        so many pairs of by-hand and up (default 1)
npm run bench -- --json FILE     writes the figures there too
npm run bench -- --only fit      the whole stack, with nothing configured, on a host held to 1 CPU and its memory,
                                 beside what a real host did
                 --memory MiB    that memory (default ${referenceSize.memoryMiB})
                 --minutes n     how long it must answer, before and after a restart of k0s (default 10)
                 --swap MiB      compressed swap (zram) of that size; what it may hold, a third, is of that memory
                 --config JSON   more keys of the stack's configuration, such as '{"loadBalancer":"nodeIp"}'
npm run bench -- --only levers   what each measure that saves memory saves; --config as above
npm run bench -- --only fleet    time and memory of \`npm run fleet -- up\` over one to four hosts at once
npm run bench -- --only services unchanged preview, and an \`up\` that changes one, of ten services with secrets, HTTPS and
                                 domains of their own
npm run bench -- --only nodes    a cluster that grows to five nodes: joining, previews, failed requests, lost nodes, memory`;

/** What to measure, and how often. */
export interface Options {
  only: readonly (Group | LongGroup)[];
  /** Pairs of an installation by hand and an `up`. */
  runs: number;
  /** Memory of the host of `fit`, in MiB. */
  memoryMiB: number;
  /** How long that host must answer, before and after a restart of k0s. */
  minutes: number;
  /** Compressed swap of that host in MiB; 0 for none. */
  swapMiB: number;
  /** More keys for the stacks of `fit` and `levers`. */
  config: StackConfig;
}

/** Reads the command line. Throws one sentence for an argument that it does not understand. */
export function readOptions(args: string[]): Options & { json?: string; help: boolean } {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: "string" },
      runs: { type: "string", default: "1" },
      json: { type: "string" },
      memory: { type: "string", default: String(referenceSize.memoryMiB) },
      minutes: { type: "string", default: "10" },
      swap: { type: "string", default: "0" },
      config: { type: "string", default: "{}" },
      help: { type: "boolean", default: false },
    },
  });
  const only = values.only?.split(",") ?? groups;
  const known: readonly string[] = [...groups, ...longGroups];
  const unknown = only.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new Error(`--only: the bench measures ${known.join(", ")}, not ${unknown.join(", ")}.`);
  }
  const whole = (name: "runs" | "memory" | "minutes" | "swap"): number => {
    const number = Number(values[name]);
    if (!(Number.isInteger(number) && number >= (name === "swap" ? 0 : 1))) {
      throw new Error(`--${name}: ${values[name]} is no whole number; say 1 or more.`);
    }
    return number;
  };
  let config: StackConfig;
  try {
    config = JSON.parse(values.config) as StackConfig;
  } catch (error) {
    throw new Error(`--config: ${values.config} is not JSON (${(error as Error).message}).`);
  }
  return {
    only: only as Group[],
    runs: whole("runs"),
    memoryMiB: whole("memory"),
    minutes: whole("minutes"),
    swapMiB: whole("swap"),
    config,
    json: values.json,
    help: values.help,
  };
}
