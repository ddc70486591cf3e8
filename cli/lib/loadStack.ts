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
  if (values.manifestsDir) {
    // The engine runs the program in that directory.
    values.manifestsDir = path.resolve(directory, values.manifestsDir);
  }
  const config = readConfig(values, encrypted);
  const objects = renderStack(config, await loadReleases(config));
  return { values, config, objects, budget: computeBudget(config, objects) };
}
