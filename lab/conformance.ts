/**
 * `npm run conformance`: upstream's own suites against a stack, by default one on a lab host of its own, which is as small as the
 * reference host.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { buildAll } from "./build";
import { kubeconfigFile } from "./engine";
import { type Case, casesText } from "./conformance/cases";
import { ConformanceHost } from "./conformance/host";
import { isFailed, runSuite, type SuiteOptions } from "./conformance/suite";
import { groupsOf, type SuiteName, suites } from "./conformance/suites";
import { alone } from "./lock";
import { dirs } from "./paths";
import { startAround } from "./prepare";
import { exitWith, run } from "./process";
import { say } from "./say";

const names = Object.keys(suites) as SuiteName[];

const help = `npm run conformance                    on a lab host of its own with 1 CPU and 1536 MiB, which it removes
npm run conformance -- --suite a,b     these suites: ${names.join(", ")} (default: ingress)
                       --only REGEXP   these cases only, such as 'headers|websocket'
                       --json FILE     writes the outcomes there too
npm run conformance -- --stack NAME    on a stack of yours, by the pulumi on PATH, with its kubeconfig output
                       --project DIR   the folder of its Pulumi.yaml (default: this one)
                       --images REPO   where its host finds the suites' images, with tag latest; ko builds them, see
                                       docs/conformance.md
                       --beside-services  although it has services besides the sample`;

async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: "string" },
      suite: { type: "string", default: "ingress" },
      json: { type: "string" },
      stack: { type: "string" },
      project: { type: "string", default: "." },
      images: { type: "string" },
      "beside-services": { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(help);
    return 0;
  }
  const asked = values.suite.split(",") as SuiteName[];
  const unknown = asked.filter((name) => !names.includes(name));
  if (unknown.length > 0)
    throw new Error(`--suite: there are ${names.join(", ")}, not ${unknown.join(", ")}.`);
  const interruption = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const)
    process.on(name, () => interruption.abort(new Error("interrupted")));
  const only = values.only === undefined ? undefined : new RegExp(values.only);
  const common = { only, signal: interruption.signal, say };
  const { stack, project, images, "beside-services": besideServices } = values;
  const cases = await (stack === undefined
    ? alone(async () => {
        const stopAround = await startAround(say);
        const host = new ConformanceHost();
        try {
          await host.create(asked, say);
          const kubeconfig = await kubeconfigFile(host.name);
          return await runAll(asked, { ...common, kubeconfig, images: host.images });
        } finally {
          say("removing the host and its stack");
          await host.remove();
          await stopAround();
        }
      })
    : ofStack(stack, project, async (kubeconfig) => {
        if (images === undefined)
          throw new Error("--images is missing: where the host finds the suites' images.");
        await buildAll({ binDir: dirs.bin, progress: say }, groupsOf(asked));
        const own = { repository: images, tag: "latest" };
        return runAll(asked, { ...common, kubeconfig, images: own, besideServices });
      }));
  console.log(`\n${casesText(cases)}`);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(cases, null, 2)}\n`);
  return cases.some(isFailed) ? 1 : 0;
}

async function runAll(asked: SuiteName[], options: SuiteOptions): Promise<Case[]> {
  const cases: Case[] = [];
  for (const name of asked) cases.push(...(await runSuite(name, options)));
  return cases;
}

/** Does something with a stack's kubeconfig in a file that only this user can read. */
async function ofStack<Result>(
  stack: string,
  cwd: string,
  use: (kubeconfig: string) => Promise<Result>,
): Promise<Result> {
  const args = ["stack", "output", "kubeconfig", "--show-secrets", "--stack", stack];
  const { stdout } = await run("pulumi", args, { cwd });
  const folder = mkdtempSync(path.join(tmpdir(), "conformance-"));
  try {
    const file = path.join(folder, "kubeconfig");
    writeFileSync(file, stdout, { mode: 0o600 });
    return await use(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

exitWith(main(process.argv.slice(2)));
