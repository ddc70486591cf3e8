import * as pulumi from "@pulumi/pulumi";
import { KubernetesObject } from "../components/cluster/kubernetesObject";
import { policyMove } from "../stack/resources/policyMove";
import { warnOfStack } from "../components/cluster/warning";

/**
 * Warns in a preview, and in an `up`, if a stack changes to the policy `edge` because the default changed. The engine gives
 * a hook the inputs of the last `up`, which show what a stack runs with, so nothing has to ask the host.
 *
 * The hook looks at Knative's activator, which the program registers after this call.
 */
export function tellPolicyMove(): void {
  const tell = async ({ oldInputs, newInputs }: pulumi.ResourceHookArgs): Promise<void> => {
    const sentence = policyMove(oldInputs as KubernetesObject, newInputs as KubernetesObject);
    if (sentence !== undefined) {
      await warnOfStack(sentence);
    }
  };
  // The hook must not block an update.
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
