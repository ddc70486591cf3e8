import * as pulumi from "@pulumi/pulumi";
import { KubernetesObject } from "../components/cluster/kubernetesObject";
import { policyMove } from "../stack/resources/policyMove";
import { warnOfStack } from "../components/cluster/warning";

/**
 * Says in a preview, and in an `up`, that a stack goes over to the policy `edge`; to a stack that does not, nothing. The
 * engine gives a hook the inputs of the last `up`, which tell what a stack runs with without a word to its host.
 *
 * Looks at Knative's activator, which is registered after this call.
 */
export function tellPolicyMove(): void {
  const tell = async ({ oldInputs, newInputs }: pulumi.ResourceHookArgs): Promise<void> => {
    const sentence = policyMove(oldInputs as KubernetesObject, newInputs as KubernetesObject);
    if (sentence !== undefined) {
      await warnOfStack(sentence);
    }
  };
  // It must not be in the way of an update.
  const hook = new pulumi.ResourceHook("policy", tell, { onDryRun: true, ignoreErrors: true });
  pulumi.runtime.registerStackTransformation(({ type, props, opts }) => {
    const { namespace, name } = (props as Partial<KubernetesObject>).metadata ?? {};
    const isActivator =
      type === "kubernetes:apps/v1:Deployment" &&
      `${namespace}/${name}` === "knative-serving/activator";
    const before = [...(opts.hooks?.beforeUpdate ?? []), hook];
    return isActivator
      ? { props, opts: { ...opts, hooks: { ...opts.hooks, beforeUpdate: before } } }
      : undefined;
  });
}
