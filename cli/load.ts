// How fast a running stack's service starts from zero, and how much it answers: npm run load -- --stack <name>
import * as fs from "node:fs";
import * as path from "node:path";
import { textTable } from "../lib/table";
import { projectOption, projectUsage, required, runCommand, UsageError } from "./lib/command";
import { loadChart } from "./lib/load/chart";
import { measure } from "./lib/load/measure";
import { loadOptions } from "./lib/load/options";
import { loadTables, shortcomings } from "./lib/load/report";
import { stackTarget } from "./lib/load/target";
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
  const progress = (sentence: string): void => console.error(`${target.service}: ${sentence}`);
  const report = await measure(stack, target, wanted, interrupted, progress);
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
