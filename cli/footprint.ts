// What a running stack takes, beside what its budget expects: npm run footprint -- --stack <name>
import * as fs from "node:fs";
import { barCharts } from "../lib/chart";
import { footprint, footprintCharts, footprintTables } from "./lib/footprint";
import { footprintFacts } from "./lib/footprintFacts";
import { textTable } from "../lib/table";
import { projectOption, projectUsage, runCommand, runPulumi, UsageError } from "./lib/command";
import { loadStack } from "./lib/loadStack";

const usage = `npm run footprint -- [--stack <name>] [--project <directory>] [--kubeconfig <file>] [--json] [--svg <file>]
  --stack       whose budget is shown beside, from Pulumi.<name>.yaml; its kubeconfig output is used
  --project     ${projectUsage}
  --kubeconfig  use this file in place of the stack's output; without --stack nothing is expected
  --json        print JSON in place of tables; CPU in m, memory in MiB
  --svg         write bar charts to this file too`;

const options = {
  stack: { type: "string" },
  ...projectOption,
  kubeconfig: { type: "string" },
  json: { type: "boolean" },
  svg: { type: "string" },
} as const;

runCommand(usage, options, async ({ stack, project, kubeconfig, json, svg }) => {
  if (stack === undefined && kubeconfig === undefined) {
    throw new UsageError("--stack or --kubeconfig is missing.");
  }
  const expected = stack === undefined ? undefined : await loadStack(stack, project);
  const { pods, nodes, metrics, kubelets, unmeasured } = await footprintFacts(
    kubeconfig === undefined
      ? stackKubeconfig(stack ?? "", project)
      : fs.readFileSync(kubeconfig, "utf8"),
  );
  if (unmeasured !== undefined) {
    console.error(unmeasured);
  }
  const measured = footprint(pods, nodes, metrics, expected?.budget, kubelets);
  if (svg !== undefined) {
    fs.writeFileSync(svg, barCharts(footprintCharts(measured)));
  }
  console.log(json ? JSON.stringify(measured, null, 2) : footprintTables(measured, textTable));
});

function stackKubeconfig(stack: string, project: string): string {
  const args = ["stack", "output", "kubeconfig", "--show-secrets", "--stack", stack];
  const { stdout, stderr, status } = runPulumi(args, project);
  if (status !== 0) {
    throw new Error(
      `The stack's kubeconfig cannot be read: ${stderr.trim()} ` +
        `Is the stack up? Otherwise name a file with --kubeconfig.`,
    );
  }
  return stdout;
}
