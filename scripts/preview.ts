// A preview as a short Markdown summary: npm run preview -- --stack <name>
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { parseArgs } from "node:util";
import { addressMove } from "../edge/addressMove";
import { budgetMove } from "../edge/budgetMove";
import { isGatewayService, KubernetesObject } from "../edge/manifests";
import { Preview, PreviewMoves, PreviewStep, previewSummary } from "../edge/previewSummary";
import { loadStack } from "./stack";

const usage = `npm run preview -- --stack <name> [--project <directory>] [--refresh] [--expect-no-changes] [--out <file>]
  --stack              whose preview is summed up
  --project            the directory of Pulumi.yaml and the stacks' files; by default this repository
  --refresh            reads the host and the cluster first, so that changes by hand show
  --expect-no-changes  exit code 2 where there are changes
  --out                a file to write the summary to as well
Exit code 1: the change is refused, or the preview failed.`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      stack: { type: "string" },
      project: { type: "string", default: path.join(__dirname, "..") },
      refresh: { type: "boolean", default: false },
      "expect-no-changes": { type: "boolean", default: false },
      out: { type: "string" },
      help: { type: "boolean" },
    },
  });
  if (values.help || values.stack === undefined) {
    throw new Error(usage);
  }
  const { preview, failed } = run(values.stack, values.project, values.refresh);
  const moves = failed ? {} : await movesOf(preview, values.stack, values.project);
  const summary = previewSummary(preview, values.stack, moves);
  process.stdout.write(summary);
  if (values.out !== undefined) {
    fs.writeFileSync(values.out, summary);
  }
  const changed = Object.keys(preview.changeSummary ?? {}).some((op) => op !== "same");
  process.exitCode = failed ? 1 : values["expect-no-changes"] && changed ? 2 : 0;
}

/** Runs the engine on PATH. A refused preview is JSON as well. */
function run(
  stack: string,
  project: string,
  refresh: boolean,
): { preview: Preview; failed: boolean } {
  const args = ["preview", "--json", "--non-interactive", "--stack", stack];
  const { stdout, stderr, status, error } = spawnSync(
    "pulumi",
    refresh ? [...args, "--refresh"] : args,
    { cwd: project, encoding: "utf8", maxBuffer: 1 << 28 },
  );
  if (error !== undefined) {
    throw new Error(`pulumi cannot be run (${error.message}); install it, see README.md.`);
  }
  try {
    return { preview: JSON.parse(stdout) as Preview, failed: status !== 0 };
  } catch {
    throw new Error(stderr.trim() || `pulumi ended with ${status} and printed no preview.`);
  }
}

/** Whether a step makes the gateway's Service anew. */
function isGatewayReplaced({ op, newState }: PreviewStep): boolean {
  return op.includes("replace") && isGatewayService((newState?.inputs ?? {}) as KubernetesObject);
}

/** How budget and addresses move, or why that cannot be told: it needs the manifests, and must not fail a preview. */
async function movesOf(preview: Preview, stack: string, project: string): Promise<PreviewMoves> {
  const { oldState } = preview.steps?.find(({ urn }) => urn.includes("pulumi:pulumi:Stack")) ?? {};
  try {
    const { config, budget } = await loadStack(stack, project);
    return {
      budget: budgetMove(oldState?.outputs?.budget, budget),
      addresses: addressMove(oldState?.outputs, config, preview.steps?.some(isGatewayReplaced)),
    };
  } catch (error) {
    return { budget: `It cannot be computed: ${(error as Error).message}` };
  }
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
