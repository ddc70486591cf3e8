// How fast a running stack's service starts from zero, and how much it answers: npm run load -- --stack <name>
import * as fs from "node:fs";
import * as path from "node:path";
import { textTable } from "../lib/table";
import { projectOption, projectUsage, required, runCommand, UsageError } from "./lib/command";
import { loadChart } from "./lib/load/chart";
import { type ColdStart, coldStarts } from "./lib/load/coldStarts";
import { type LoadRun, loadRun } from "./lib/load/loadRun";
import { type LoadOptions, loadOptions } from "./lib/load/options";
import { type LoadReport, loadReport, loadTables, shortcomings } from "./lib/load/report";
import { assertScalesToZero, serviceFacts } from "./lib/load/serviceFacts";
import { watchService } from "./lib/load/serviceWatch";
import { stackTarget, type Target } from "./lib/load/target";
import { UserError } from "../lib/userError";

const usage = `npm run load -- --stack <name> [--service <name>] [--cold <n>] [--seconds <n>] [--connections <n>] [--path <path>]
                [--svg <file>] [--json <file>] [--max-cold-p95 <time>] [--min-rps <n>] [--project <directory>]
  --stack         the running stack, whose outputs say where its services answer; \`pulumi\` reads them
  --service       the Knative Service that is asked; by default the stack's first one
  --cold          cold starts, each after Knative took the last pod away (60 to 90 s by default); default 20, 0 for none
  --seconds       how long the full load lasts; default 30, 0 for no load. A rise comes before it
  --connections   connections of the full load, each of which sends a request after each answer; default 50
  --path          the path of every request; default /
  --svg           write a picture to this file
  --json          write all that was measured to this file
  --max-cold-p95  exit code 1 if the cold starts' p95 is above this time, such as 2s or 1500ms
  --min-rps       exit code 1 if fewer requests a second are answered
  --project       ${projectUsage}
Ctrl-C ends the run, and shows what was measured until then. The command changes nothing in the cluster.`;

const options = {
  stack: { type: "string" },
  service: { type: "string" },
  cold: { type: "string", default: "20" },
  seconds: { type: "string", default: "30" },
  connections: { type: "string", default: "50" },
  path: { type: "string", default: "/" },
  svg: { type: "string" },
  json: { type: "string" },
  "max-cold-p95": { type: "string" },
  "min-rps": { type: "string" },
  ...projectOption,
} as const;

runCommand(usage, options, async ({ project, service, svg, json, ...texts }) => {
  const stack = required("stack", texts.stack);
  const wanted = loadOptions(texts);
  for (const file of [svg, json]) {
    assertDirectory(file);
  }
  const target = stackTarget(stack, project, service, wanted.path);
  const interrupted = interruption();
  const report = await measure(stack, target, wanted, interrupted);
  console.log(loadTables(report, textTable));
  if (json !== undefined) {
    fs.writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`);
  }
  if (svg !== undefined) {
    fs.writeFileSync(svg, loadChart(report));
  }
  if (report.interrupted) {
    process.exitCode = 130;
    return;
  }
  const missed = shortcomings(report, wanted);
  if (missed.length > 0) {
    throw new UserError(missed.join("\n"));
  }
});

/** A run takes half an hour, so what cannot be written is found before it. */
function assertDirectory(file: string | undefined): void {
  if (file !== undefined && !fs.existsSync(path.dirname(path.resolve(file)))) {
    throw new UsageError(`There is no directory for ${file}: make it, or name another file.`);
  }
}

/** Measures the cold starts, then the load. A run that ends before its time has what was measured until then. */
async function measure(
  stack: string,
  target: Target,
  wanted: LoadOptions,
  signal: AbortSignal,
): Promise<LoadReport> {
  const { cold, seconds, connections } = wanted;
  const { service, namespace, kubeconfig, host } = target;
  const progress = (sentence: string): void => console.error(`${service}: ${sentence}`);
  const { KubeConfig } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  config.loadFromString(kubeconfig);
  const facts = await serviceFacts(config, namespace, service);
  if (cold > 0) {
    assertScalesToZero(service, facts);
  }
  const head = {
    stack,
    service,
    url: `${target.protocol}//${host}${target.path}`,
    began: new Date().toISOString(),
  };
  const starts: ColdStart[] = [];
  const run: LoadRun = { timeline: [] };
  let failure: string | undefined;
  const watch = await watchService(config, namespace, service, (reason) =>
    progress(`the cluster's watch was cut (${reason}) and begins again`),
  );
  try {
    await coldStarts(watch, target, { count: cold, ...facts }, starts, signal, progress);
    if (seconds > 0) {
      const plan = { connections, seconds, ...facts };
      await loadRun(watch, target, plan, run, signal, progress);
    }
  } catch (error) {
    if (!signal.aborted && starts.length === 0) {
      throw error;
    }
    failure = signal.aborted ? undefined : (error as Error).message;
  } finally {
    await watch.stop();
  }
  return loadReport(
    { ...head, interrupted: signal.aborted, failure },
    cold > 0 ? starts : undefined,
    run,
  );
}

/** Aborted by Ctrl-C or SIGTERM. npm passes a terminal's Ctrl-C on, so it may come twice. */
function interruption(): AbortSignal {
  const interrupted = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      if (!interrupted.signal.aborted) {
        console.error("interrupted: this is what was measured");
      }
      interrupted.abort();
    });
  }
  return interrupted.signal;
}
