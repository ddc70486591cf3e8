import { dump } from "js-yaml";
import { HostConfig } from "./hostConfig";
import { K0sConfig, K0sSettings } from "./k0sSettings";

/** What k0s.yaml is made from. */
export interface K0sConfigSource {
  host: Pick<HostConfig, "address" | "nodeAddress">;
  /** URL at which the machine running Pulumi reaches the Kubernetes API. */
  apiEndpoint: string;
  /** Flags of components default to none. */
  k0s: Pick<K0sConfig, "podCidr" | "serviceCidr"> & Partial<K0sSettings>;
}

/**
 * The k0s.yaml of a single node, partial on purpose: k0s fills in the rest. It has no storage block: with the one that
 * `k0s config create` prints, a single node silently runs etcd instead of kine. The API's certificate covers every name by
 * which the machine that runs Pulumi may reach it.
 */
export function renderK0sConfig({ host, apiEndpoint, k0s }: K0sConfigSource): string {
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
          ...extraArgs(k0s.apiServerArgs),
        },
        ...nonEmpty("controllerManager", extraArgs(k0s.controllerManagerArgs)),
        ...nonEmpty("scheduler", extraArgs(k0s.schedulerArgs)),
        network: { podCIDR: k0s.podCidr, serviceCIDR: k0s.serviceCidr },
        telemetry: { enabled: false },
      },
    },
    { lineWidth: -1 },
  );
}

/**
 * The arguments of `k0s install controller` beside those of every single node. None contains a blank.
 *
 * Without `--node-ip`, kubelet registers the address that the node's name resolves to, else that of the first interface
 * with a default route (NodeAddress in Kubernetes' pkg/kubelet/nodestatus/setters.go). Behind Vagrant's NAT that is
 * 10.0.2.15 on every machine. It is a flag only, so no worker profile can set it. k0s 1.34 to 1.36 put
 * `--kubelet-extra-args` over kubelet's own flags (Start in pkg/component/worker/kubelet.go).
 *
 * @param nodeAddress IPv4 address of the host's interface.
 */
export function k0sInstallArguments({
  nodeAddress,
  disabledComponents = [],
  environment = {},
}: Partial<K0sSettings> & { nodeAddress: string }): string[] {
  return [
    `--kubelet-extra-args=--node-ip=${nodeAddress}`,
    ...(disabledComponents.length === 0
      ? []
      : [`--disable-components=${disabledComponents.join(",")}`]),
    ...Object.entries(environment).map(([name, value]) => `--env=${name}=${value}`),
  ];
}

/** A component's flags as k0s.yaml has them. They override those that k0s itself sets. */
function extraArgs(args: Record<string, string> = {}): { extraArgs?: Record<string, string> } {
  return nonEmpty("extraArgs", args);
}

/** A mapping under its key, or nothing. */
function nonEmpty<Key extends string, Value extends object>(
  key: Key,
  value: Value,
): Partial<Record<Key, Value>> {
  return Object.keys(value).length === 0 ? {} : ({ [key]: value } as Partial<Record<Key, Value>>);
}
