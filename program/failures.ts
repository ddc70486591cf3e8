import * as pulumi from "@pulumi/pulumi";
import { explainFailure, Place } from "../stack/errors/errorRules";
import { podTroubles } from "../stack/errors/podTroubles";
import { askCluster } from "./clusterQuestion";

/** Retries for transient errors, about three minutes in total. */
const retries = 15;

/**
 * Explains the failures of every resource that the program registers after this call: beside the provider's error, the
 * engine shows what it means here and what to do. The hook retries transient errors, such as a webhook or an API server
 * that restarts, for three minutes.
 *
 * A destroy runs no program, so it has no hook, and the engine shows only the provider's error.
 *
 * @param kubeconfig Called when a Knative Service or a Job is not ready, because only its pods tell why.
 */
export function explainFailures(place: Place, kubeconfig: () => pulumi.Output<string>): void {
  const hook = new pulumi.ErrorHook("explain", async ({ name, type, errors, newInputs }) => {
    const [error = ""] = errors;
    const label = podLabels[type];
    const pods = label === undefined ? [] : await troubles(kubeconfig(), label, newInputs);
    const explanation = explainFailure({ type, name, error, pods }, place);
    if (explanation === undefined) {
      return false;
    }
    const { sentence, mayPass } = explanation;
    if (!mayPass || errors.length > retries) {
      await pulumi.log.error(sentence);
      return false;
    }
    if (errors.length === 1) {
      await pulumi.log.warn(`${sentence} Trying again for three minutes.`);
    }
    const seconds = Math.min(2 ** (errors.length - 1), 15);
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    return true;
  });
  pulumi.runtime.registerStackTransformation(({ props, opts }) => ({
    props,
    opts: { ...opts, hooks: { ...opts.hooks, onError: [...(opts.hooks?.onError ?? []), hook] } },
  }));
}

/** For each type of resource, the label of its pods that holds its name. */
const podLabels: Record<string, string> = {
  "kubernetes:serving.knative.dev/v1:Service": "serving.knative.dev/service",
  "kubernetes:batch/v1:Job": "batch.kubernetes.io/job-name",
};

/** What the pods of an object report. */
async function troubles(
  kubeconfig: pulumi.Output<string>,
  label: string,
  inputs: { metadata?: { namespace?: string; name?: string } } = {},
): Promise<string[]> {
  const { namespace = "default", name = "" } = inputs.metadata ?? {};
  const selector = encodeURIComponent(`${label}=${name}`);
  const path = `/api/v1/namespaces/${namespace}/pods?labelSelector=${selector}`;
  return new Promise((resolve) => {
    kubeconfig.apply(async (text) => resolve(podTroubles(await askCluster(text, path))));
  });
}
