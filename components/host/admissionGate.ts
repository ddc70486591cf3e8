import * as pulumi from "@pulumi/pulumi";
import { remote } from "@pulumi/command";
import { KubernetesObject } from "../cluster/kubernetesObject";
import { HostConnection, hostScript } from "./hostScript";

/** What a gate waits for, and where. */
export interface AdmissionGateArgs {
  /** The host on which the gate runs: the API server calls webhooks from there. */
  connection: pulumi.Input<HostConnection>;
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

/**
 * Waits until the API server admits an object, by server-side dry runs of it.
 *
 * Ready pods do not mean an answering webhook: MetalLB's controller reports ready before its webhook listens
 * (internal/k8s/k8s.go in v0.16.1), and the provider does not retry a refused webhook call. The error names the
 * webhook that refused.
 */
export function admissionGate(
  name: string,
  args: AdmissionGateArgs,
  opts: pulumi.CustomResourceOptions,
): remote.Command {
  return hostScript(
    name,
    {
      connection: args.connection,
      script: "admission",
      variables: {
        OBJECT: JSON.stringify(args.object),
        WEBHOOK_PODS: args.webhookPods ?? "",
        TIMEOUT: String(args.timeoutSeconds ?? 300),
      },
    },
    opts,
  );
}
