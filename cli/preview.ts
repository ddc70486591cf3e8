// A preview as a short Markdown summary: npm run preview -- --stack <name>
import * as fs from "node:fs";
import { amountsText } from "../stack/budget/budget";
import { servicePods } from "../stack/budget/servicePods";
import { times } from "../lib/resourceAmounts";
import { addressMove } from "./lib/addressMove";
import { certificateMove } from "./lib/certificateMove";
import { budgetMove } from "./lib/budgetMove";
import { isGatewayService } from "../components/cluster/fieldRules";
import { KubernetesObject } from "../components/cluster/kubernetesObject";
import { Preview, PreviewMoves, PreviewStep, previewSummary } from "./lib/previewSummary";
import { projectOption, projectUsage, required, runCommand, runPulumi } from "./lib/command";
import { loadStack } from "./lib/loadStack";

const usage = `npm run preview -- --stack <name> [--project <directory>] [--refresh] [--expect-no-changes] [--out <file>]
  --stack              whose preview is summed up
  --project            ${projectUsage}
  --refresh            reads the host and the cluster first, so that changes by hand show
  --expect-no-changes  exit code 2 where there are changes
  --out                a file to write the summary to as well
Exit code 1: the change is refused, or the preview failed.`;

const options = {
  stack: { type: "string" },
  ...projectOption,
  refresh: { type: "boolean", default: false },
  "expect-no-changes": { type: "boolean", default: false },
  out: { type: "string" },
} as const;

runCommand(usage, options, async (values) => {
  const stack = required("stack", values.stack);
  const { preview, failed } = run(stack, values.project, values.refresh);
  const moves = failed ? {} : await movesOf(preview, stack, values.project);
  const summary = previewSummary(preview, stack, moves);
  process.stdout.write(summary);
  if (values.out !== undefined) {
    fs.writeFileSync(values.out, summary);
  }
  const changed = Object.keys(preview.changeSummary ?? {}).some((op) => op !== "same");
  process.exitCode = failed ? 1 : values["expect-no-changes"] && changed ? 2 : 0;
});

/** Runs the engine on PATH. A refused preview is JSON as well. */
function run(
  stack: string,
  project: string,
  refresh: boolean,
): { preview: Preview; failed: boolean } {
  const args = ["preview", "--json", "--non-interactive", "--stack", stack];
  const { stdout, stderr, status } = runPulumi(refresh ? [...args, "--refresh"] : args, project);
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

/** Whether a step makes another certificate for the gateway. */
function isCertificateMade({ op, urn }: PreviewStep): boolean {
  return op !== "same" && op !== "delete" && urn.endsWith("::certificate-gateway");
}

/** How budget, certificate and addresses move, or why that cannot be told: it needs the manifests, and must not fail a preview. */
async function movesOf(preview: Preview, stack: string, project: string): Promise<PreviewMoves> {
  const { oldState } = preview.steps?.find(({ urn }) => urn.includes("pulumi:pulumi:Stack")) ?? {};
  try {
    const { config, budget, objects } = await loadStack(stack, project);
    const requests = (service: KubernetesObject): string => {
      const pods = servicePods(service, objects.serving.core);
      return amountsText(times(pods.requests, pods.replicas), "up");
    };
    return {
      requests,
      budget: budgetMove(oldState?.outputs?.budget, budget),
      certificate: certificateMove(
        oldState?.outputs,
        config,
        preview.steps?.some(isCertificateMade) ?? false,
      ),
      addresses: addressMove(oldState?.outputs, config, preview.steps?.some(isGatewayReplaced)),
    };
  } catch (error) {
    return { budget: `It cannot be computed: ${(error as Error).message}` };
  }
}
