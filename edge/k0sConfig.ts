import { dump } from "js-yaml";
import { EdgeConfig } from "./config";

/**
 * Names that `k0s controller --disable-components` takes, the same in releases 1.32 to 1.36 (`availableComponents` in
 * k0s' pkg/config/cli.go; worker-config is deprecated from 1.36 and left out).
 */
export const k0sComponents = [
  "applier-manager",
  "autopilot",
  "control-api",
  "coredns",
  "csr-approver",
  "endpoint-reconciler",
  "helm",
  "konnectivity-server",
  "kube-controller-manager",
  "kube-proxy",
  "kube-scheduler",
  "metrics-server",
  "network-provider",
  "node-role",
  "system-rbac",
  "update-prober",
  "windows-node",
];

/** Those without which a node never becomes ready, or no pod of this stack runs. */
export const neededComponents = [
  "applier-manager",
  "coredns",
  "csr-approver",
  "kube-controller-manager",
  "kube-proxy",
  "kube-scheduler",
  "network-provider",
  "system-rbac",
];

/**
 * The k0s.yaml of a single node, partial on purpose: k0s fills the rest. There is no storage block, since with one
 * that `k0s config create` prints, a single node silently runs etcd in place of kine. The API's certificate is made out
 * to every name by which the machine that runs Pulumi may reach it.
 */
export function renderK0sConfig({
  host,
  apiEndpoint,
  k0s,
}: Pick<EdgeConfig, "host" | "apiEndpoint" | "k0s">): string {
  const endpoint = new URL(apiEndpoint).hostname.replace(/^\[|\]$/g, "");
  return dump(
    {
      apiVersion: "k0s.k0sproject.io/v1beta1",
      kind: "ClusterConfig",
      metadata: { name: "k0s" },
      spec: {
        api: {
          address: host.nodeAddress,
          sans: [...new Set([host.nodeAddress, host.address, endpoint])],
        },
        network: { podCIDR: k0s.podCidr, serviceCIDR: k0s.serviceCidr },
        telemetry: { enabled: false },
      },
    },
    { lineWidth: -1 },
  );
}

/** Arguments of `k0s install controller`, after the ones that every single node has. */
export function k0sInstallArguments(disabledComponents: string[]): string[] {
  return disabledComponents.length === 0
    ? []
    : [`--disable-components=${disabledComponents.join(",")}`];
}
