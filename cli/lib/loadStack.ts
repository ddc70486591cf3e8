import * as path from "node:path";
import { Budget, computeBudget } from "../../stack/budget/budget";
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
  if (values.registries?.startsWith("{")) {
    values.registries = withCaFilesIn(values.registries, directory);
  }
  const config = readConfig(values, encrypted);
  const objects = renderStack(config, await loadReleases(config));
  return { values, config, objects, budget: computeBudget(config, objects) };
}

/** The key `registries` with the names of its CA files from a directory. */
function withCaFilesIn(registries: string, directory: string): string {
  const isFile = (field: string, value: unknown): value is string =>
    field === "ca" && typeof value === "string" && !value.includes("-----BEGIN");
  const value: unknown = JSON.parse(registries, (field, part: unknown) =>
    isFile(field, part) ? path.resolve(directory, part) : part,
  );
  return JSON.stringify(value);
}
