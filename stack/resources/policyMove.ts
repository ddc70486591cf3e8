import { KubernetesObject } from "../../components/cluster/kubernetesObject";
import { hasGoMemory } from "./policies";

/**
 * What to say of an update with which a stack goes over to the resource policy `edge`, as one that named no policy does
 * since `edge` is the default. Whether the key is set cannot be told, for the engine fills in its default.
 * @param old The Deployment of Knative's activator as the last `up` left it.
 * @param now The same as it will be.
 * @returns undefined where the policy stays, or becomes another.
 */
export function policyMove(old: KubernetesObject, now: KubernetesObject): string | undefined {
  if (hasGoMemory(old) || !hasGoMemory(now)) {
    return undefined;
  }
  return (
    "The resource policy of this stack becomes edge, now the default, because a host of 1 CPU and 1536 MiB runs out of " +
    "memory with scale, the default before: every pod of the stack starts anew, with other requests and limits. " +
    'To keep scale, run `pulumi config set resourcePolicy scale`; docs/operations.md says more under "Another resource policy".'
  );
}
