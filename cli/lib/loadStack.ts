import * as path from "node:path";
import { Budget, computeBudget } from "../../stack/budget/budget";
import { isRecord } from "../../lib/json";
import { EdgeConfig, readConfig } from "../../stack/config";
import { loadReleases } from "../../stack/releases/releases";
import { renderStack, StackObjects } from "../../stack/render/renderStack";
import { parseStackFile, readStackFile } from "./stackFile";

/** A stack's file, and what the program makes of it. */
export interface LoadedStack {
  /** Configuration by key without the project's name. */
  values: Record<string, string>;
  config: EdgeConfig;
  objects: StackObjects;
  budget: Budget;
}

/**
 * What the program makes of a stack's file, without the engine.
 * @param stack Name of the stack.
 * @param directory Where its Pulumi.<stack>.yaml is.
 */
export async function loadStack(stack: string, directory: string): Promise<LoadedStack> {
  const file = path.join(directory, `Pulumi.${stack}.yaml`);
  const { values, encrypted } = parseStackFile(readStackFile(file), file);
  // The engine runs the program in that directory.
  if (values.manifestsDir) {
    values.manifestsDir = path.resolve(directory, values.manifestsDir);
  }
  for (const [key, field] of Object.entries(fileFields)) {
    const text = values[key];
    if (text?.startsWith("{")) {
      values[key] = withFilesIn(text, field, directory);
    }
  }
  if (values.tls?.startsWith("{")) {
    values.tls = JSON.stringify(
      JSON.parse(values.tls, (field, value: unknown) =>
        ["certificate", "ca", "serverCa"].includes(field) ? placed(value, directory) : value,
      ),
    );
  }
  const config = readConfig(values, encrypted);
  const objects = renderStack(config, await loadReleases(config));
  return { values, config, objects, budget: computeBudget(config, objects) };
}

/** The field that names a file, in each value of a structured key. */
const fileFields: Record<string, string> = { registries: "ca", services: "from" };

/** A structured key with the files that its entries name taken from a directory. */
function withFilesIn(text: string, field: string, directory: string): string {
  const entries = Object.entries(JSON.parse(text) as Record<string, unknown>);
  const own = entries.map(([name, value]) => [
    name,
    isRecord(value) && field in value
      ? { ...value, [field]: placed(value[field], directory) }
      : value,
  ]);
  return JSON.stringify(Object.fromEntries(own));
}

/** A file's name as it is from a directory. A certificate may also stand in its place. */
function placed(file: unknown, directory: string): unknown {
  const isFile = typeof file === "string" && file !== "" && !file.includes("-----BEGIN");
  return isFile ? path.resolve(directory, file) : file;
}
