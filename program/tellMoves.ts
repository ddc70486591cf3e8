import * as pulumi from "@pulumi/pulumi";
import { KubernetesObject } from "../components/cluster/kubernetesObject";
import { warnOfStack } from "../components/cluster/warning";
import { EdgeConfig } from "../stack/config";
import { digestMove } from "../stack/render/digestMove";
import { policyMove } from "../stack/resources/policyMove";

/** A change that a stack's owner did not ask for, since it comes from another default of the program. */
interface Move {
  /** Whether an object shows it, by what the program registers. */
  isShownBy: (type: string, props: Partial<KubernetesObject>) => boolean;
  /** What to say of an object as the last `up` left it and as it will be; undefined where nothing moves. */
  sentence: (old: KubernetesObject, now: KubernetesObject) => string | undefined;
}

/**
 * Warns in a preview, and in an `up`, if a stack changes because a default did: to the policy `edge`, or to services by
 * digest. The engine gives a hook the inputs of the last `up`, which show what a stack runs with, so nothing has to ask the
 * host.
 *
 * The hooks look at objects that the program registers after this call.
 */
export function tellMoves({ resolveDigests }: EdgeConfig): void {
  tellMove("policy", {
    isShownBy: (type, { metadata }) =>
      type === "kubernetes:apps/v1:Deployment" &&
      `${metadata?.namespace}/${metadata?.name}` === "knative-serving/activator",
    sentence: policyMove,
  });
  if (resolveDigests) {
    tellMove("digests", {
      isShownBy: (type) => type === "kubernetes:serving.knative.dev/v1:Service",
      sentence: digestMove,
    });
  }
}

function tellMove(name: string, { isShownBy, sentence }: Move): void {
  const told = new Set<string>();
  const tell = async ({ oldInputs, newInputs }: pulumi.ResourceHookArgs): Promise<void> => {
    const what = sentence(oldInputs as KubernetesObject, newInputs as KubernetesObject);
    if (what !== undefined && !told.has(what)) {
      told.add(what);
      await warnOfStack(what);
    }
  };
  // The hook must not block an update.
  const hook = new pulumi.ResourceHook(name, tell, { onDryRun: true, ignoreErrors: true });
  pulumi.runtime.registerStackTransformation(({ type, props, opts }) => {
    const before = [...(opts.hooks?.beforeUpdate ?? []), hook];
    return isShownBy(type, props as Partial<KubernetesObject>)
      ? { props, opts: { ...opts, hooks: { ...opts.hooks, beforeUpdate: before } } }
      : undefined;
  });
}
