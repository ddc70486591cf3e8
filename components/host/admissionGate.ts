import * as pulumi from "@pulumi/pulumi";
import { Cluster, withCluster } from "../cluster/cluster";
import { KubernetesObject } from "../cluster/kubernetesObject";
import { hostScript } from "./hostScript";

/** What a gate waits for, and where. */
export interface AdmissionGateArgs {
  /** The cluster whose API server admits the object. */
  cluster: Cluster;
  /** The very object that comes next in the graph. */
  object: KubernetesObject;
  /**
   * Pods of the webhook that get their certificate, by a Secret, only after they start; as `namespace selector`.
   * Defaults to none.
   */
  webhookPods?: string;
  /** How long webhooks may take to answer, in seconds. Defaults to 300. */
  timeoutSeconds?: number;
}

/** How objects that a webhook must admit are registered. */
export interface Admission {
  /** What they wait for. */
  dependsOn: pulumi.Resource[];
  /** Hooks of the objects themselves. */
  hooks?: pulumi.ResourceHookBinding;
}

/**
 * Has objects wait until the API server admits one of them.
 *
 * Ready pods do not mean an answering webhook: MetalLB's controller reports ready before its webhook listens
 * (internal/k8s/k8s.go in v0.16.1), and the provider does not retry a refused webhook call.
 *
 * With a connection, a script on the host tries server-side dry runs of the object, and its error names the webhook that
 * refused. Without one, an error hook has the engine create the objects again while a webhook does not answer.
 */
export function admissionGate(
  name: string,
  { cluster, object, webhookPods = "", timeoutSeconds = 300 }: AdmissionGateArgs,
  opts: { parent: pulumi.Resource; dependsOn: pulumi.Resource[] },
): Admission {
  const { connection } = cluster;
  if (connection === undefined) {
    return {
      dependsOn: opts.dependsOn,
      hooks: { onError: [webhookRetries(name, timeoutSeconds)] },
    };
  }
  const gate = hostScript(
    name,
    {
      connection,
      script: "admission",
      variables: {
        OBJECT: JSON.stringify(object),
        WEBHOOK_PODS: webhookPods,
        TIMEOUT: String(timeoutSeconds),
      },
    },
    { ...opts, ...withCluster(cluster) },
  );
  return { dependsOn: [gate] };
}

/** Between two attempts, in seconds. */
const pause = 5;

function webhookRetries(name: string, timeoutSeconds: number): pulumi.ErrorHook {
  return new pulumi.ErrorHook(name, async ({ errors }) => {
    const [error = ""] = errors;
    const again = isUnansweredWebhook(error) && errors.length * pause <= timeoutSeconds;
    if (again) {
      await new Promise((resolve) => setTimeout(resolve, pause * 1000));
    }
    return again;
  });
}

/**
 * True for the error of an API server that cannot reach a webhook, in its words: `failed calling webhook "<name>"`
 * (k8s.io/apiserver/pkg/admission/plugin/webhook/errors). An object that a webhook denies has another.
 */
export function isUnansweredWebhook(error: string): boolean {
  return error.includes("failed calling webhook");
}
