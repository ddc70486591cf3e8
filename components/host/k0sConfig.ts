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
  /** Whether workers may join. Defaults to false. */
  joinable?: boolean;
}

/**
 * The k0s.yaml, partial on purpose: k0s fills in the rest. That of a single node has no storage block: with the one that
 * `k0s config create` prints, a single node silently runs etcd instead of kine. Where workers may join, the default is etcd
 * (NewCfgVars in k0s' pkg/config), so kine is named: its data stay where a single node has them. The API's certificate covers
 * every name by which the machine that runs Pulumi may reach it.
 */
export function renderK0sConfig({
  host,
  apiEndpoint,
  k0s,
  joinable = false,
}: K0sConfigSource): string {
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
        ...(joinable && { storage: { type: "kine" } }),
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
 * The arguments of `k0s install controller`. None contains a blank.
 *
 * Where workers may join, the controller is a node without taints, as a single node is. Konnectivity would carry what the API
 * server asks of kubelets; as a node the controller reaches them itself, and saves that server and an agent on each node.
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
  joinable = false,
}: Partial<K0sSettings> & { nodeAddress: string; joinable?: boolean }): string[] {
  const disabled = [
    ...new Set([...disabledComponents, ...(joinable ? ["konnectivity-server"] : [])]),
  ];
  return [
    ...(joinable ? ["--enable-worker", "--no-taints"] : ["--single"]),
    `--kubelet-extra-args=--node-ip=${nodeAddress}`,
    ...(disabled.length === 0 ? [] : [`--disable-components=${disabled.join(",")}`]),
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
