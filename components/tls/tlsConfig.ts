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
  /** Command on the machine that runs Pulumi which makes and removes the DNS records that prove a name. */
  dnsCommand: string;
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
