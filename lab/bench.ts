/** `npm run bench`: measures the program on a lab host of its own, edge3, and removes that host at the end. */
import { writeFileSync } from "node:fs";
import os from "node:os";
import { clearHost, host } from "./bench/benchHost";
import { figureTable, missed } from "./bench/figures";
import { Findings } from "./bench/findings";
import { fleetFigures } from "./bench/fleet";
import { fit, levers } from "./bench/memoryRuns";
import { nodeFigures } from "./bench/nodes";
import { groups, help, readOptions, type Options } from "./bench/options";
import { ProgramRuns } from "./bench/programRuns";
import { pathTable, phaseTable, shareTable, shares } from "./bench/report";
import { serviceFigures } from "./bench/services";
import { engineParts } from "./engine";
import { hostNames, isUp } from "./host";
import { alone } from "./lock";
import { startAround } from "./prepare";
import { exitWith } from "./process";
import { say } from "./say";

async function main(args: string[]): Promise<number> {
  const { json, help: wantsHelp, ...what } = readOptions(args);
  if (wantsHelp) {
    console.log(help);
    return 0;
  }
  return alone(() => measureAll(what, json));
}

/** Measures what is asked for, and prints it. The file `json`, if there is one, takes the figures too. */
async function measureAll(options: Options, json: string | undefined): Promise<number> {
  const interruption = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      if (!interruption.signal.aborted) say("interrupted: removing what was made");
      interruption.abort(new Error("interrupted"));
    });
  }
  const machine = await circumstances();
  const stopAround = await startAround(say);
  const findings = new Findings();
  let failure: Error | undefined;
  try {
    await runAll(options, findings, interruption.signal);
  } catch (error) {
    failure = error as Error;
  } finally {
    say(`removing host ${host} and its stack`);
    await clearHost();
    await stopAround();
  }
  print(findings, machine);
  if (json) {
    const { figures, comparisons } = findings;
    const breakdown = comparisons.map(({ up, byHand }) => ({ up, byHand, shares: shares(up) }));
    writeFileSync(json, `${JSON.stringify({ machine, figures, breakdown }, null, 2)}\n`);
  }
  if (failure) {
    console.error(`\n${failure.message}`);
    return interruption.signal.aborted ? 130 : 1;
  }
  return findings.figures.some(missed) ? 1 : 0;
}

function print({ figures, comparisons, tables }: Findings, machine: Circumstances): void {
  for (const { up, byHand } of comparisons) {
    console.log(`\n${phaseTable(up, byHand)}\n\n${shareTable(up)}\n\n${pathTable(up)}`);
  }
  for (const table of tables) console.log(`\n${table}`);
  const { cpus, cpu, loadAverage, otherLabHosts } = machine;
  const others = otherLabHosts.length > 0 ? `, ${otherLabHosts.join(", ")} up` : "";
  console.log(`\n${cpus} CPUs (${cpu}), load ${loadAverage.toFixed(1)} before the bench${others}`);
  if (figures.length > 0) console.log(figureTable(figures));
}

async function runAll(options: Options, findings: Findings, signal: AbortSignal): Promise<void> {
  const { only } = options;
  signal.throwIfAborted();
  if (only.includes("fit")) await fit(options, findings, signal);
  if (only.includes("levers")) await levers(options, findings, signal);
  if (only.includes("fleet")) {
    (await fleetFigures(signal, say)).forEach((figure) => findings.add(figure));
  }
  if (only.includes("services")) {
    (await serviceFigures(signal, say)).forEach((figure) => findings.add(figure));
  }
  if (only.includes("nodes")) {
    (await nodeFigures(signal, say)).forEach((figure) => findings.add(figure));
  }
  if (only.some((group) => (groups as readonly string[]).includes(group))) {
    await new ProgramRuns(options, findings, signal).run();
  }
}

type Circumstances = Awaited<ReturnType<typeof circumstances>>;

/** What tells whether the figures of two runs can be compared. */
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

exitWith(main(process.argv.slice(2)));
