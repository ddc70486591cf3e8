// What `pulumi up` would do, without an engine, a host or a network: npm run plan -- --stack <name> [--out <directory>]
import * as fs from "node:fs";
import * as path from "node:path";
import { dump } from "js-yaml";
import { releaseWarnings } from "../stack/config/releases";
import { isRefused } from "../stack/budget/budgetAdvice";
import { budgetText } from "../stack/budget/budgetTable";
import { renderK0sConfig } from "../components/host/k0sConfig";
import { KubernetesObject } from "../components/cluster/kubernetesObject";
import { PlanComponent, planGraph, planObjects, planSteps, planText } from "./lib/planTree";
import { projectOption, projectUsage, required, runCommand } from "./lib/command";
import { loadStack } from "./lib/loadStack";

const usage = `npm run plan -- --stack <name> [--project <directory>] [--out <directory>]
  --stack    whose configuration is read, from Pulumi.<name>.yaml
  --project  ${projectUsage}
  --out      an empty directory to write k0s.yaml and the Kubernetes objects to, one YAML file for each. What can be applied
             at the same time stands in one folder, and the folders are numbered in the order in which they can be:
             for step in <directory>/objects/*; do kubectl apply -f "$step"; done
Exit code 2: the stack does not fit its host.`;

const options = { stack: { type: "string" }, ...projectOption, out: { type: "string" } } as const;

runCommand(usage, options, async ({ stack, project, out }) => {
  const { config, objects, budget } = await loadStack(required("stack", stack), project);
  releaseWarnings(config).forEach((warning) => console.error(`warning: ${warning}`));
  const { host, components } = planGraph(config, objects, budget.requestsFit);
  const all = components.flatMap(planObjects);
  console.log(`${planText([host, ...components])}\n\n${all.length} Kubernetes objects\n`);
  console.log(budgetText(budget));
  if (out !== undefined) {
    const files = writePlan(out, components, renderK0sConfig(config));
    console.log(`\n${files} files written to ${out}`);
  }
  // As the program would be refused, so that a check in a pull request fails.
  process.exitCode = isRefused(budget) ? 2 : 0;
});

/** Writes each object to `objects/<step>-<component>/<kind>-<namespace>-<name>.yaml`, and k0s' configuration. */
function writePlan(directory: string, components: PlanComponent[], k0sYaml: string): number {
  if (fs.existsSync(directory) && fs.readdirSync(directory).length > 0) {
    throw new Error(`${directory} is not empty; name a directory that is, or a new one.`);
  }
  const files = new Map([[path.join("host", "k0s.yaml"), k0sYaml]]);
  const steps = components.flatMap((component) =>
    planSteps(component).map((step) => ({ name: component.name, step })),
  );
  steps.forEach(({ name, step }, index) => {
    const folder = `${String(index + 1).padStart(String(steps.length).length, "0")}-${name}`;
    for (const object of step) {
      const file = path.join("objects", folder, `${fileName(object)}.yaml`);
      if (files.has(file)) {
        throw new Error(`Two objects would be written to ${file}.`);
      }
      files.set(file, dump(object, { lineWidth: -1, noRefs: true }));
    }
  });
  for (const [file, text] of files) {
    const target = path.join(directory, file);
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.writeFileSync(target, text);
  }
  return files.size;
}

function fileName({ apiVersion, kind, metadata: { namespace, name } }: KubernetesObject): string {
  // Core and Knative both have Services.
  const group = kind === "Service" && apiVersion !== "v1" ? "knative" : "";
  const parts = [group, kind.toLowerCase(), namespace, name].filter(Boolean);
  return parts.join("-").replace(/[^a-z0-9.-]/g, "-");
}
