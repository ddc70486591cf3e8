import * as pulumi from "@pulumi/pulumi";
import { Budget, computeBudget } from "../stack/budget/budget";
import { goingOn, requireFit } from "../stack/budget/budgetAdvice";
import { budgetText } from "../stack/budget/budgetTable";
import { quotaProblems } from "../stack/budget/quota";
import { ConfigError, EdgeConfig, readConfig } from "../stack/config";
import { releaseWarnings } from "../stack/config/releases";
import { loadReleases } from "../stack/releases/releases";
import { renderStack, StackObjects } from "../stack/render/renderStack";
import { warnOfStack } from "../components/cluster/warning";
import { fixedRevisions } from "./fixedRevisions";
import { LastState } from "./lastState";
import { pinnedImages } from "./pinnedImages";
import { PlannedCertificate, plannedCertificate } from "./plannedCertificate";
import { stackConfig } from "./stackConfig";

/** What the program knows of a stack before it touches the host. */
export interface StackPlan {
  config: EdgeConfig;
  /** The objects, exactly as they are applied. */
  objects: StackObjects;
  budget: Budget;
  /** The gateway's certificate; absent in a stack without HTTPS. */
  certificate?: PlannedCertificate;
}

/**
 * Reads and checks the configuration, loads the releases, applies the transforms, and shows the budget in the preview.
 * @throws UserError for what the user must mend; Pulumi prints it without a stack trace.
 */
export async function planStack(): Promise<StackPlan> {
  const { values, secretKeys } = stackConfig();
  const config = readConfig(values, secretKeys);
  for (const warning of releaseWarnings(config)) {
    await warnOfStack(warning);
  }
  const state = new LastState();
  const [releases, images, certificate] = await Promise.all([
    loadReleases(config),
    pinnedImages(config, state),
    config.tls && plannedCertificate(config.tls, state),
  ]);
  const objects = renderStack(config, releases, images, certificate?.account?.thumbprint);
  const problems = [
    ...quotaProblems(config.namespaces, objects),
    ...(await fixedRevisions(objects.services, state)),
  ];
  if (problems.length > 0) {
    throw new ConfigError(problems);
  }
  const budget = computeBudget(config, objects);
  requireFit(budget);
  if (!budget.fits) {
    await pulumi.log.warn(goingOn(budget));
  }
  if (pulumi.runtime.isDryRun()) {
    await pulumi.log.info(budgetText(budget));
  }
  return { config, objects, budget, certificate };
}
