// What `pulumi up` would do, without an engine, a host or a network: npm run plan -- --stack <name> [--out <directory>]
import * as fs from "node:fs";
import * as path from "node:path";
import { parseArgs } from "node:util";
import { dump } from "js-yaml";
import { isRefused } from "../edge/budgetAdvice";
import { budgetText } from "../edge/budgetTable";
import { renderK0sConfig } from "../edge/k0sConfig";
import { KubernetesObject } from "../edge/manifests";
import { PlanComponent, planGraph, planObjects, planText } from "../edge/plan";
import { loadStack } from "./stack";

const usage = `npm run plan -- --stack <name> [--cwd <directory>] [--out <directory>]
  --stack  whose configuration is read, from Pulumi.<name>.yaml
  --cwd    where that file is; by default here
  --out    an empty directory to write what would be applied to, one YAML file for each object`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      stack: { type: "string" },
      cwd: { type: "string", default: process.cwd() },
      out: { type: "string" },
      help: { type: "boolean" },
    },
  });
  if (values.help || values.stack === undefined) {
    throw new Error(usage);
  }
  const { config, objects, budget } = await loadStack(values.stack, values.cwd);
  const { host, components } = planGraph(config, objects, budget.requestsFit);
  const all = components.flatMap(planObjects);
  console.log(`${planText([host, ...components])}\n\n${all.length} Kubernetes objects\n`);
  console.log(budgetText(budget));
  if (values.out !== undefined) {
    const files = writePlan(values.out, components, renderK0sConfig(config));
    console.log(`\n${files} files written to ${values.out}`);
  }
  // As the program would be refused, so that a check in a pull request fails.
  process.exitCode = isRefused(budget) ? 2 : 0;
}

/** Writes each object to `<component>/<kind>-<namespace>-<name>.yaml`, and k0s' configuration. */
function writePlan(directory: string, components: PlanComponent[], k0sYaml: string): number {
  if (fs.existsSync(directory) && fs.readdirSync(directory).length > 0) {
    throw new Error(`${directory} is not empty; name a directory that is, or a new one.`);
  }
  const files = new Map([[path.join("host", "k0s.yaml"), k0sYaml]]);
  for (const component of components) {
    for (const object of planObjects(component)) {
      const file = path.join(component.name, `${fileName(object)}.yaml`);
      if (files.has(file)) {
        throw new Error(`Two objects would be written to ${file}.`);
      }
      files.set(file, dump(object, { lineWidth: -1, noRefs: true }));
    }
  }
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

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
