import { ServiceSpec } from "./knativeService";
import { Resources } from "./resources";

/** A machine reached by SSH. */
export interface SshTarget {
  /** IP address or DNS name that the machine running Pulumi dials. */
  address: string;
  port: number;
  user: string;
  /** OpenSSH or PEM text. Secret. */
  privateKey: string;
  /** Secret. */
  privateKeyPassphrase?: string;
  /** `<type> <base64>`; absent only with `acceptUnknownHostKey`. */
  hostKey?: string;
}

/** The host, and how it is reached. */
export interface HostConfig extends SshTarget {
  /** IPv4 address of the host's own network interface. */
  nodeAddress: string;
  /** The SSH server on the way, if there is one. */
  jump?: SshTarget;
}

/** An OCI archive that the host imports into containerd. */
export interface ImageBundle {
  url: string;
  /** 64 hexadecimal digits. */
  sha256: string;
}

/** k0s on the host. */
export interface K0sConfig {
  /** Release tag, for instance `v1.35.7+k0s.0`. */
  version: string;
  /** Where the host downloads the binary; `%arch%` stands for amd64 or arm64. */
  url: string;
  /** Digest of the binary; absent: the one in `sumsUrl`. */
  sha256?: string;
  /** The release's sha256sums.txt, beside the binary. */
  sumsUrl: string;
  /** Names for `k0s controller --disable-components`. */
  disabledComponents: string[];
  podCidr: string;
  serviceCidr: string;
  imageBundles: ImageBundle[];
  /** How long the node may take to be ready, in seconds. */
  readyTimeoutSeconds: number;
}

/** The whole configuration of a stack, checked, with every default filled in. */
export interface EdgeConfig {
  host: HostConfig;
  /** URL at which the machine running Pulumi reaches the Kubernetes API. */
  apiEndpoint: string;
  k0s: K0sConfig;
  loadBalancer: {
    /** MetalLB release, for instance `v0.16.1`. */
    version: string;
    /** Ranges (`a-b`) for MetalLB's IPAddressPool. */
    addresses: string[];
  };
  knative: {
    /** Knative Serving release, for instance `1.23.0`. */
    version: string;
    /** net-kourier release. */
    kourierVersion: string;
    resources: {
      /** Decimal factor for every request and limit, as text: `0.5`. */
      factor: string;
      /** By `deployment/container`. */
      overrides: Record<string, Resources>;
    };
    /** Keys set in Knative's own ConfigMaps, by ConfigMap. */
    configMaps: Record<string, Record<string, string>>;
    /** Fixed domain; absent: `<address>.sslip.io` by the default-domain Job. */
    domain?: string;
  };
  /** Image name prefix to replacement. */
  imageMirrors: Record<string, string>;
  /** Directory with release folders; absent: releases are downloaded. */
  manifestsDir?: string;
  /** Knative Services by name, the sample `hello` among them unless switched off. */
  services: Record<string, ServiceSpec>;
}
