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
