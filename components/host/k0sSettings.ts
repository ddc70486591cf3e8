import { hasLogin } from "../../lib/login";

/** A stack's settings of k0s' own processes. */
export interface K0sSettings {
  /** Names for `k0s controller --disable-components`. */
  disabledComponents: string[];
  /**
   * Environment of the service. k0s passes it on to its components. It passes a variable that begins with `KINE_`,
   * `CONTAINERD_` or `KUBELET_` only to that component, without the prefix (getEnv in k0s' pkg/supervisor). For a
   * component with a hyphen in its name, systemd ignores such a variable.
   */
  environment: Record<string, string>;
  /** Flags of kube-apiserver, without dashes. */
  apiServerArgs: Record<string, string>;
  /** Flags of kube-controller-manager, without dashes. */
  controllerManagerArgs: Record<string, string>;
  /** Flags of kube-scheduler, without dashes. */
  schedulerArgs: Record<string, string>;
}

/** Nothing but what k0s itself sets. */
export const noSettings: K0sSettings = {
  disabledComponents: [],
  environment: {},
  apiServerArgs: {},
  controllerManagerArgs: {},
  schedulerArgs: {},
};

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

/** Components without which a node never becomes ready, or no pod of this stack runs. */
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

/** Flags that another key of the configuration decides, by flag. */
const decidedElsewhere: Record<string, string> = {
  "advertise-address": "nodeAddress",
  "cluster-cidr": "podCidr",
  "service-cluster-ip-range": "serviceCidr",
};

/** The sentence leaves the value out, because it may hold a password. */
const loginProblem =
  "has a user name in its URL, which the state and every user of the host can read; use a server that asks for none.";

/** What is wrong with a flag of a Kubernetes component, or undefined. */
export function argumentError(name: string, value: unknown): string | undefined {
  if (!/^[a-z][a-z0-9-]*$/.test(name)) {
    return "this is not the name of a flag; write it without dashes in front, such as event-ttl.";
  }
  if (typeof value !== "string" || /[\u0000-\u001f]/.test(value)) {
    return 'a text of one line was expected; put numbers, true and false in quotes, such as "50".';
  }
  if (hasLogin(value)) {
    return loginProblem;
  }
  const key = decidedElsewhere[name];
  return key === undefined ? undefined : `${key} decides this; set that.`;
}

/**
 * What is wrong with a variable of the service's environment, or undefined. k0s writes it into a systemd unit without
 * quoting (pkg/install/systemd_linux.go), and Go programs end at once at a GOMEMLIMIT that they cannot read.
 */
export function environmentError(name: string, value: unknown): string | undefined {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    return "systemd takes only letters, digits and _ in the name of a variable.";
  }
  if (typeof value !== "string") {
    return 'a text was expected; put numbers, true and false in quotes, such as "50".';
  }
  // Go takes a proxy without http:// too.
  if (hasLogin(value) || (/^(HTTPS?|ALL)_PROXY$/i.test(name) && value.includes("@"))) {
    return loginProblem;
  }
  if (!/^[\w.,:;=+@/~-]*$/.test(value)) {
    return `"${value}" has blanks, quotes or other signs that a systemd unit gives a meaning; leave them out.`;
  }
  if (name.endsWith("GOMEMLIMIT") && !/^(off|\d+([KMGT]iB|B)?)$/.test(value)) {
    return `"${value}" is no limit for Go's memory; write it like 300MiB, or off.`;
  }
  if (name.endsWith("GOGC") && !/^(off|[1-9]\d*)$/.test(value)) {
    return `"${value}" is no percentage for Go's garbage collector; write it like 50, or off.`;
  }
  return undefined;
}

/** An OCI archive that the host imports into containerd. */
export interface ImageBundle {
  url: string;
  /** 64 hexadecimal digits. */
  sha256: string;
}

/** k0s on the host. */
export interface K0sConfig extends K0sSettings {
  /** Release tag, for instance `v1.35.7+k0s.0`. */
  version: string;
  /** Where the host downloads the binary; `%arch%` stands for amd64 or arm64. */
  url: string;
  /** Digest of the binary; absent: the one in `sumsUrl`. */
  sha256?: string;
  /** The release's sha256sums.txt, beside the binary. */
  sumsUrl: string;
  podCidr: string;
  serviceCidr: string;
  imageBundles: ImageBundle[];
  /** How long the node may take to be ready, in seconds. */
  readyTimeoutSeconds: number;
}
