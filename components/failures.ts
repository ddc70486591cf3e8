import * as pulumi from "@pulumi/pulumi";
import { explainFailure, Place } from "../edge/faults";

/** Retries of what may pass; with their pauses about three minutes. */
const retries = 15;

/**
 * Explains the failures of every resource that is registered after this call: the engine shows the provider's words,
 * and with them what they mean here and what to do. What may pass by itself, such as a webhook or an API server that
 * restarts, is tried again for three minutes.
 *
 * The hook is not there in a destroy, which runs no program: the engine then shows the provider's words alone.
 */
export function explainFailures(place: Place): void {
  const hook = new pulumi.ErrorHook("explain", async ({ name, type, errors }) => {
    const [error = ""] = errors;
    const explanation = explainFailure({ type, name, error }, place);
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
