import * as fs from "node:fs";
import * as path from "node:path";
import { dump } from "js-yaml";
import { isRefused } from "../../stack/budget/budgetAdvice";
import { budgetText } from "../../stack/budget/budgetTable";
import { EdgeConfig } from "../../stack/config";
import { renderK0sConfig } from "../../components/host/k0sConfig";
import { KubernetesObject } from "../../components/cluster/kubernetesObject";
import {
  isObject,
  objectOf,
  objectSteps,
  PlanComponent,
  planComponents,
  planText,
} from "./planTree";
import { loadStack } from "../lib/loadStack";
import { Registration, runProgram } from "./recorder";

/**
 * Prints what `pulumi up` would do.
 * @param stack Name of the stack, whose file is in the directory `project`.
 * @param out Directory that takes the objects as files; by default none are written.
 * @returns The exit code: 2 where the program would be refused, so that a check in a pull request fails.
 */
export async function plan(
  stack: string,
  project: string,
  out: string | undefined,
): Promise<number> {
  const { values, config, budget } = await loadStack(stack, project);
  const { registrations, warnings } = await runProgram(goingOn(values), {
    preview: true,
    stack,
  });
  warnings.forEach((warning) => console.error(`warning: ${warning}`));
  const text = planText(planComponents(registrations), (component) => title(component, config));
  console.log(`${text}\n\n${registrations.filter(isObject).length} Kubernetes objects\n`);
  console.log(budgetText(budget));
  if (out !== undefined) {
    const hidden = registrations.filter(isUnread);
    const written = registrations.filter((each) => !hidden.includes(each));
    const files = writePlan(out, written, renderK0sConfig(config));
    console.log(`\n${files} files written to ${out}`);
    if (hidden.length > 0) {
      const names = hidden
        .map(objectOf)
        .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
      console.log(`Not written, because only the engine reads secrets: Secret ${names.join(", ")}`);
    }
  }
  return isRefused(budget) ? 2 : 0;
}

/**
 * A stack's values with the consents by which the program goes on where the budget refuses it: a plan shows both. It asks no
 * registry, so images have their tags.
 */
function goingOn(values: Record<string, string>): Record<string, string> {
  const allow = JSON.parse(values.allow || "[]") as string[];
  return {
    ...values,
    allowOvercommit: "true",
    resolveDigests: "false",
    allow: JSON.stringify([...new Set([...allow, "memoryShort"])]),
  };
}

/** What a component makes, for a reader. */
function title(
  { name, type }: PlanComponent,
  { host, k0s, knative, loadBalancer }: EdgeConfig,
): string {
  const titles: Record<string, string> = {
    K0sHost: `${name} ${host.address}: k0s ${k0s.version}`,
    MetalLb: `${name}: MetalLB ${loadBalancer.kind === "metallb" ? loadBalancer.version : ""}`,
    KnativeServing: `${name}: Knative Serving ${knative.version}`,
    Kourier: `${name}: Kourier ${knative.kourierVersion}`,
    DefaultDomain: `${name}: ${knative.domain ?? "<load balancer address>.sslip.io, by the default-domain Job"}`,
    KnativeService: `service ${name}`,
  };
  return titles[type] ?? name;
}

/** Whether it is a Secret with data that stand encrypted in the stack's file, or that only `up` makes. */
function isUnread({ type, inputs }: Registration): boolean {
  return type === "kubernetes:core/v1:Secret" && inputs.data !== undefined;
}

/** Writes each object to `objects/<step>-<component>/<kind>-<namespace>-<name>.yaml`, and k0s' configuration. */
function writePlan(directory: string, registrations: Registration[], k0sYaml: string): number {
  if (fs.existsSync(directory) && fs.readdirSync(directory).length > 0) {
    throw new Error(`${directory} is not empty; name a directory that is, or a new one.`);
  }
  const files = new Map([[path.join("host", "k0s.yaml"), k0sYaml]]);
  const steps = objectSteps(registrations);
  steps.forEach(({ component, objects }, index) => {
    const number = String(index + 1).padStart(String(steps.length).length, "0");
    for (const object of objects) {
      const file = path.join("objects", `${number}-${component}`, `${fileName(object)}.yaml`);
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
