import * as pulumi from "@pulumi/pulumi";
import { Budget, computeBudget } from "../stack/budget/budget";
import { BudgetError, goingOn, requireFit } from "../stack/budget/budgetAdvice";
import { budgetText } from "../stack/budget/budgetTable";
import { ConfigError, EdgeConfig, readConfig } from "../stack/config";
import { releaseWarnings } from "../stack/config/releases";
import { ManifestError } from "../components/cluster/manifests";
import { loadReleases, ReleaseError } from "../stack/releases/releases";
import { renderStack, StackObjects } from "../stack/render/renderStack";
import { warnOfStack } from "../components/cluster/warning";
import { stackConfig } from "./stackConfig";

/** What the program knows of a stack before it touches the host. */
export interface StackPlan {
  config: EdgeConfig;
  /** The objects, exactly as they are applied. */
  objects: StackObjects;
  budget: Budget;
}

/**
 * Reads and checks the configuration, loads the releases, applies the transforms, and shows the budget in the preview.
 * @throws RunError, which Pulumi prints without a stack trace, for whatever is the user's to mend.
 */
export async function planStack(): Promise<StackPlan> {
  try {
    const { values, secretKeys } = stackConfig();
    const config = readConfig(values, secretKeys);
    for (const warning of releaseWarnings(config)) {
      await warnOfStack(warning);
    }
    const objects = renderStack(config, await loadReleases(config));
    const budget = computeBudget(config, objects);
    requireFit(budget);
    if (!budget.fits) {
      await pulumi.log.warn(goingOn(budget));
    }
    if (pulumi.runtime.isDryRun()) {
      await pulumi.log.info(budgetText(budget));
    }
    return { config, objects, budget };
  } catch (error) {
    const isPlain = [ConfigError, ReleaseError, ManifestError, BudgetError].some(
      (kind) => error instanceof kind,
    );
    throw isPlain ? new pulumi.RunError((error as Error).message) : error;
  }
}
