/** `npm run bench`: measures the program on a lab host of its own, edge3, and removes that host at the end. */
import { createReadStream, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { Writable } from "node:stream";
import { parseArgs } from "node:util";
import { allMemoryMeasures, memoryMeasures } from "../components/host/lowMemory";
import type { LowMemory, MemoryMeasureName } from "../components/host/lowMemory";
import { installByHand, type Installation } from "./bench/byHand";
import { timed, type TimedRun } from "./bench/command";
import { criticalPath, operations, phases, type StateResource } from "./bench/events";
import { fleetFigures } from "./bench/fleet";
import { figureTable, missed, percentile, type Figure } from "./bench/figures";
import {
  atRest,
  faults,
  leverTable,
  processTable,
  restartK0s,
  stagesAfterUp,
  stageTable,
} from "./bench/fit";
import type { Rest, Stage } from "./bench/fit";
import { besideRealRun, processesBesideReal } from "./bench/realRun";
import { coldStarts, load, type Target } from "./bench/load";
import { processMemory } from "./bench/memory";
import { compressedSwap } from "./bench/swap";
import { pathTable, phaseTable, shareTable, shares, type Up } from "./bench/report";
import {
  engineParts,
  forgetStack,
  pulumi,
  pulumiEnv,
  stackConfig,
  stackOutputs,
  type StackConfig,
} from "./engine";
import { bundleFile, k0sFile } from "./files";
import { bootHost, hostNames, isUp, removeHost, sshExec } from "./host";
import { alone } from "./lock";
import { dirs, stackOf } from "./paths";
import { startAround } from "./prepare";
import { exitWith } from "./process";
import { say } from "./say";
import { referenceSize, type HostSize } from "./size";

const host = "edge3";
const stack = stackOf(host);

/** What can be measured, in the order in which it is. All after `up` need it, and make it run unmeasured. */
const groups = ["preview", "up", "connections", "unchanged", "warm", "cold", "destroy"] as const;
type Group = (typeof groups)[number];

/** What is measured only when it is asked for by itself, since it takes long: each on a host made for it. */
const longGroups = ["fit", "levers", "fleet"] as const;
type LongGroup = (typeof longGroups)[number];

const help = `npm run bench                    measures everything, on a lab host of its own (${host})
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
npm run bench -- --only fleet    time and memory of \`npm run fleet -- up\` over one to four hosts at once`;

/** Configuration with which the sample's image goes to zero soon after its last request; it changes nothing of how it wakes. */
const sleepy = {
  knativeConfig: {
    "config-autoscaler": { "scale-to-zero-grace-period": "6s", "stable-window": "6s" },
  },
  services: {
    sleeper: {
      image: "ghcr.io/knative/helloworld-go:latest",
      autoscaling: { minScale: 0, window: "6s" },
    },
  },
};

interface Options {
  only: readonly (Group | LongGroup)[];
  runs: number;
  /** Of the host that `fit` runs on. */
  memoryMiB: number;
  minutes: number;
  /** Compressed swap of that host in MiB; 0 for none. */
  swapMiB: number;
  config: StackConfig;
}

/** The measuring itself; what it found so far stays in `figures` when it ends early. */
class Bench {
  public readonly figures: Figure[] = [];
  public readonly comparisons: { up: Up; byHand: Installation }[] = [];
  /** What `fit` and `levers` found, as tables. */
  public readonly tables: string[] = [];

  constructor(
    private readonly options: Options,
    private readonly signal: AbortSignal,
  ) {}

  public async run(): Promise<void> {
    const { only, runs } = this.options;
    this.signal.throwIfAborted();
    if (only.includes("fit")) await this.fit();
    if (only.includes("levers")) await this.levers();
    if (only.includes("fleet")) {
      (await fleetFigures(this.signal, say)).forEach((figure) => this.add(figure));
    }
    if (!only.some((group) => (groups as readonly string[]).includes(group))) return;
    await newHost();
    await stackConfig(host);
    await this.measure("preview", [{ name: "preview from nothing", unit: "s", atMost: 5 }], () =>
      this.previews(["preview"]),
    );
    const others: readonly string[] = groups.slice(1);
    if (!only.some((group) => others.includes(group))) return;
    for (let run = 1; run <= runs; run++) await this.installations(run);
    await this.measure(
      "unchanged",
      [{ name: "preview, nothing changed", unit: "s", atMost: 8 }],
      () => this.previews(["preview", "--expect-no-changes"]),
    );
    await this.measure(
      "warm",
      [
        { name: "requests per second, warm", unit: "/s" },
        { name: "latency, warm, p50", unit: "ms" },
        { name: "latency, warm, p97.5", unit: "ms" },
        { name: "latency, warm, p99", unit: "ms" },
      ],
      async () => {
        const { requestsPerSecond, latency } = await load(await target("hello"));
        return [[requestsPerSecond], [latency.p50], [latency.p97_5], [latency.p99]];
      },
    );
    await this.measure(
      "cold",
      [
        { name: "cold start from zero", unit: "s" },
        { name: "cold start from zero, p50", unit: "s" },
        { name: "cold start from zero, p95", unit: "s" },
      ],
      async () => {
        const times = await this.coldStarts();
        return [times, [percentile(times, 50)], [percentile(times, 95)]];
      },
    );
    await this.measure("destroy", [{ name: "destroy", unit: "s", atMost: 20 }], async () => [
      [(await this.pulumi("destroy", "--yes", "--skip-preview")).seconds],
    ]);
  }

  /** The whole stack on a host held to its memory. */
  private async fit(): Promise<void> {
    const { memoryMiB, swapMiB } = this.options;
    say(`a host held to 1 CPU and ${memoryMiB} MiB`);
    await newHost({ cpus: 1, memoryMiB, hardCap: true });
    if (swapMiB === 0) return this.fitStages();
    const swap = await compressedSwap(host, memoryMiB, swapMiB);
    try {
      await this.fitStages();
    } finally {
      this.tables.push(swap.report());
      await removeHost(host).finally(() => swap.remove());
    }
  }

  private async fitStages(): Promise<void> {
    const { memoryMiB, minutes, config } = this.options;
    const stages: Stage[] = [];
    const show = () => {
      const processes = processMemory(host, stages.at(-1)?.pods.names);
      this.tables.push(
        stageTable(stages),
        besideRealRun(stages),
        processTable(processes),
        processesBesideReal(processes),
      );
    };
    try {
      // As who reads no further than the README: nothing but what the lab needs, and the size where it is another one.
      // Whether that one is too small is what this finds out.
      const other = { hostMemoryMiB: memoryMiB, allow: ["memoryShort"] };
      const size = memoryMiB === referenceSize.memoryMiB ? {} : other;
      await stackConfig(host, { ...size, ...config });
      const { seconds } = await this.pulumi("up", "--yes", "--skip-preview");
      const facts = {
        target: await target("hello"),
        kubeconfig: await kubeconfigFile(),
        upSeconds: seconds,
      };
      await stagesAfterUp(host, facts, minutes, this.signal, (stage) => {
        stages.push(stage);
        say(stage.name);
        console.log(stageTable(stages));
      });
    } finally {
      show();
      this.add({
        name: `faults at ${memoryMiB} MiB`,
        unit: "",
        // Three stages, or it ended early.
        runs: stages.length < 3 ? [] : [stages.flatMap(faults).length],
        atMost: 0,
      });
    }
  }

  /** What each measure that saves memory saves, alone and together, on a host that is held to none. */
  private async levers(): Promise<void> {
    await newHost({ cpus: 1, hardCap: false });
    const names = Object.keys(memoryMeasures) as MemoryMeasureName[];
    const none = {
      lowMemory: allMemoryMeasures(false) as Partial<LowMemory>,
      oneNode: { trimDefinitions: false },
      loadBalancer: "metallb",
    };
    const nodeIp = { loadBalancer: "nodeIp" };
    const single = (name: MemoryMeasureName) => ({
      ...none,
      lowMemory: { ...none.lowMemory, [name]: true },
    });
    const cases: [string, StackConfig][] = [
      ["none", none],
      ...names.map((name): [string, StackConfig] => [`lowMemory.${name}`, single(name)]),
      ["oneNode.trimDefinitions", { ...none, oneNode: {} }],
      ["loadBalancer: nodeIp", { ...none, ...nodeIp }],
      ["all but nodeIp", { ...none, lowMemory: {}, oneNode: {} }],
      ["all", { lowMemory: {}, oneNode: {}, ...nodeIp }],
    ];
    const rests: { name: string; rest: Rest }[] = [];
    for (const [name, changed] of cases) {
      const allow = ["memoryShort"];
      await stackConfig(host, {
        resourcePolicy: "edge",
        allow,
        ...this.options.config,
        ...changed,
      });
      await this.pulumi("up", "--yes", "--skip-preview");
      // Each starts anew, so that none profits from a longer rest.
      await restartK0s(host);
      const rest = await atRest(host, await kubeconfigFile(), this.signal);
      rests.push({ name, rest });
      say(name);
      console.log(leverTable(rests));
    }
    this.tables.push(leverTable(rests), ...rests.map(({ rest }) => processTable(rest.processes)));
  }

  /** Runs a group if it is asked for; what fails is a figure without runs, and the reason. */
  private async measure(
    group: Group,
    figures: Omit<Figure, "runs">[],
    action: () => Promise<number[][]>,
  ): Promise<void> {
    if (!this.options.only.includes(group)) return;
    say(`measuring ${group}`);
    try {
      const runs = await action();
      figures.forEach((figure, index) => this.add({ ...figure, runs: runs[index] ?? [] }));
    } catch (error) {
      this.signal.throwIfAborted();
      const note = (error as Error).message;
      figures.forEach((figure) => this.add({ ...figure, runs: [], note }));
    }
  }

  private add(figure: Figure): void {
    const known = this.figures.find(({ name }) => name === figure.name);
    if (known) known.runs.push(...figure.runs);
    else this.figures.push(figure);
  }

  private async pulumi(...args: string[]): Promise<TimedRun> {
    return timed("pulumi", [...args, "--non-interactive"], {
      cwd: dirs.project,
      env: { ...(await pulumiEnv(stack)), PULUMI_STACK: stack },
      signal: this.signal,
    });
  }

  private async previews(args: string[]): Promise<number[][]> {
    const runs: number[] = [];
    for (let run = 0; run < 3; run++) runs.push((await this.pulumi(...args)).seconds);
    return [runs];
  }

  /** The script, and the program on the same host made anew. */
  private async installations(run: number): Promise<void> {
    const compares = this.options.only.includes("up");
    if (run > 1) await this.replaceHost();
    let byHand: Installation | undefined;
    if (compares) {
      // Both then find the files in memory, not only the second.
      await Promise.all(
        [k0sFile, bundleFile].map((file) => readWhole(path.join(dirs.downloads, file))),
      );
      say(`run ${run}: installing by hand (lab/bench/by-hand.sh)`);
      byHand = await installByHand(host, stack, this.signal);
      say(`run ${run}: by hand took ${byHand.seconds.toFixed(1)} s`);
      await this.replaceHost();
    }
    say(`run ${run}: pulumi up`);
    const before = await connections();
    const { seconds, lines } = await this.pulumi("up", "--yes", "--skip-preview", "--json");
    say(`run ${run}: pulumi up took ${seconds.toFixed(1)} s`);
    // The count before, by SSH itself, is among those it counts; the one after counts itself too.
    const opened = (await connections()) - before - 1;
    if (byHand) {
      const all = operations(lines);
      const up = { seconds, phases: phases(all), path: criticalPath(all, await stateResources()) };
      this.comparisons.push({ up, byHand });
      this.add({ name: "up on a fresh host", unit: "s", runs: [seconds] });
      this.add({ name: "by hand on a fresh host", unit: "s", runs: [byHand.seconds] });
      this.add({ name: "up / by hand", unit: "x", runs: [seconds / byHand.seconds], atMost: 1.5 });
    }
    if (this.options.only.includes("connections")) {
      this.add({ name: "SSH connections of up", unit: "", runs: [opened], atMost: 8 });
    }
  }

  private async replaceHost(): Promise<void> {
    say(`a new empty machine for ${host}`);
    await newHost();
    await stackConfig(host);
  }

  private async coldStarts(): Promise<number[]> {
    await stackConfig(host, sleepy);
    await this.pulumi("up", "--yes", "--skip-preview");
    say("waiting for zero pods, and then for an answer, ten times");
    return coldStarts(host, "sleeper", await target("sleeper"), 10, this.signal, (seconds) =>
      say(`  first answer from zero after ${seconds.toFixed(2)} s`),
    );
  }
}

/** Boots an empty machine, whatever was measured on one before. */
async function newHost(size: Partial<HostSize> = {}): Promise<void> {
  await forgetStack(host);
  await removeHost(host);
  await bootHost(host, size, say);
}

/** SSH connections that the host has accepted since it booted, this one too. */
async function connections(): Promise<number> {
  const { stdout } = await sshExec(
    host,
    "journalctl --sync; journalctl -b -t sshd --no-pager | grep -c 'Accepted publickey'",
  );
  return Number(stdout);
}

async function stateResources(): Promise<StateResource[]> {
  const { stdout } = await pulumi(["stack", "export"], { stack });
  return (JSON.parse(stdout) as { deployment: { resources: StateResource[] } }).deployment
    .resources;
}

/** Writes the stack's kubeconfig where only this user can read it. */
async function kubeconfigFile(): Promise<string> {
  const { stdout } = await pulumi(["stack", "output", "kubeconfig", "--show-secrets"], { stack });
  const file = path.join(dirs.keys, `kubeconfig-${host}`);
  writeFileSync(file, stdout, { mode: 0o600 });
  return file;
}

async function target(service: string): Promise<Target> {
  const outputs = (await stackOutputs(host)) as {
    loadBalancerIp: string;
    services: Record<string, string>;
  };
  return {
    address: outputs.loadBalancerIp,
    hostname: new URL(outputs.services[service] ?? "").hostname,
  };
}

async function readWhole(file: string): Promise<void> {
  await pipeline(createReadStream(file), new Writable({ write: (_, __, done) => done() }));
}

/** What makes figures of two runs comparable or not. */
async function circumstances() {
  return {
    cpus: os.cpus().length,
    cpu: os.cpus()[0]?.model,
    memoryMiB: Math.round(os.totalmem() / 2 ** 20),
    // Of the last minute, before the bench began.
    loadAverage: os.loadavg()[0] ?? 0,
    node: process.version,
    otherLabHosts: hostNames().filter((name) => name !== host && isUp(name)),
    standIns: (await engineParts()).filter(({ official }) => !official).map(({ name }) => name),
  };
}

/** Makes ready what a host needs. Returns what removes the host, and what was not there before it. */
async function makeReady(): Promise<() => Promise<void>> {
  const stopAround = await startAround(say);
  return async () => {
    await forgetStack(host);
    await removeHost(host);
    rmSync(path.join(dirs.keys, `kubeconfig-${host}`), { force: true });
    await stopAround();
  };
}

function options(args: string[]): Options & { json?: string; help: boolean } {
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
  return {
    only: only as Group[],
    runs: whole("runs"),
    memoryMiB: whole("memory"),
    minutes: whole("minutes"),
    swapMiB: whole("swap"),
    config: JSON.parse(values.config) as StackConfig,
    json: values.json,
    help: values.help,
  };
}

async function main(args: string[]): Promise<number> {
  const { json, help: wantsHelp, ...what } = options(args);
  if (wantsHelp) {
    console.log(help);
    return 0;
  }
  return alone(() => measureAll(what, json));
}

/** Measures what is asked for, and prints it; a file takes the figures too. */
async function measureAll(what: Options, json: string | undefined): Promise<number> {
  const interruption = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      if (!interruption.signal.aborted) say("interrupted: removing what was made");
      interruption.abort(new Error("interrupted"));
    });
  }
  const machine = await circumstances();
  const remove = await makeReady();
  const bench = new Bench(what, interruption.signal);
  let failure: Error | undefined;
  try {
    await bench.run();
  } catch (error) {
    failure = error as Error;
  } finally {
    say(`removing host ${host} and its stack`);
    await remove();
  }
  const { figures, comparisons, tables } = bench;
  for (const { up, byHand } of comparisons) {
    console.log(`\n${phaseTable(up, byHand)}\n\n${shareTable(up)}\n\n${pathTable(up)}`);
  }
  for (const table of tables) console.log(`\n${table}`);
  const others = machine.otherLabHosts.length > 0 ? `, ${machine.otherLabHosts.join(", ")} up` : "";
  console.log(
    `\n${machine.cpus} CPUs (${machine.cpu}), load ${machine.loadAverage.toFixed(1)} before the bench${others}`,
  );
  if (figures.length > 0) console.log(figureTable(figures));
  if (json) {
    const breakdown = comparisons.map(({ up, byHand }) => ({ up, byHand, shares: shares(up) }));
    writeFileSync(json, `${JSON.stringify({ machine, figures, breakdown }, null, 2)}\n`);
  }
  if (failure) {
    console.error(`\n${failure.message}`);
    return interruption.signal.aborted ? 130 : 1;
  }
  return figures.some(missed) ? 1 : 0;
}

exitWith(main(process.argv.slice(2)));
