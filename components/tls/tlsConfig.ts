import { KeyPair } from "./keyPair";

/** Let's Encrypt. Source: https://letsencrypt.org/docs/acme-protocol-updates/ */
export const letsEncrypt = "https://acme-v02.api.letsencrypt.org/directory";

/** Where certificates are ordered by ACME (RFC 8555). */
export interface AcmeAccount {
  /** URL of the ACME server's directory. */
  server: string;
  /** Where the server's operator writes to about the certificate. */
  email?: string;
  /** The CA of the ACME server's own certificate in PEM, where this machine does not trust it. */
  serverCa?: string;
  /**
   * Command on the machine that runs Pulumi which makes and removes the DNS records that prove a name (DNS-01). By default
   * the gateway proves the names, for which the server reaches it at port 80 of each (HTTP-01).
   */
  dnsCommand?: string;
}

/** Who issues the gateway's certificate. */
export type Issuer =
  { kind: "given"; pair: KeyPair } | { kind: "ca" } | ({ kind: "acme" } & AcmeAccount);

/** HTTPS of a stack. */
export interface TlsConfig {
  issuer: Issuer;
  /** The names that the gateway's certificate is for. */
  names: string[];
  /** CA that clients trust besides their system's, in PEM. */
  ca?: string;
  /** Whether requests by HTTP are sent on to HTTPS. */
  redirect: boolean;
  /** Certificates of services' own domains, by domain; a domain without is served with the gateway's. */
  certificates: Record<string, KeyPair>;
}

/** `tls` as it stands in a stack's file. A certificate in PEM may be the name of its file instead. */
export interface TlsEntry {
  /**
   * Who issues the certificate of the services' URLs: `given` is one of your own, `ca` the program by a CA that it keeps for
   * the stack, `acme` a server such as Let's Encrypt.
   */
  issuer: "given" | "ca" | "acme";
  /** Whether requests by HTTP are sent on to HTTPS. Defaults to false: both answer. */
  redirect?: boolean;
  /** With `given`: the certificate for all names of the services' URLs and domains, with those of its issuers behind it. */
  certificate?: string;
  /** With `given`: the certificate's private key, without a passphrase. Secret. */
  key?: string;
  /** A CA that the clients of the services trust besides their system's, where a certificate comes from it. */
  ca?: string;
  /** With `acme`: URL of the server's directory. Defaults to that of Let's Encrypt. */
  server?: string;
  /** With `acme`: where the server's operator writes to. */
  email?: string;
  /**
   * With `acme`: command on the machine that runs Pulumi which makes and removes the DNS records that prove the names. By
   * default the gateway proves them, at port 80 of each.
   */
  dnsCommand?: string;
  /** With `acme`: the CA of the server's own certificate, where this machine does not trust it. */
  serverCa?: string;
  /** Certificates of services' own domains, by domain, each with `certificate` and `key`. */
  certificates?: Record<string, { certificate: string; key: string }>;
}
