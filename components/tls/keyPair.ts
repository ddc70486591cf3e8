/** A certificate with those of its issuers behind it, and its private key, both in PEM. */
export interface KeyPair {
  certificate: string;
  /** Secret. */
  key: string;
}

/**
 * What stands for a key that is encrypted in a stack's file, where a command reads the file without the engine: of such a key
 * nothing is said.
 */
export const unreadKey = "encrypted, and read by the engine alone\n";

/** The data of a Secret of type kubernetes.io/tls. */
export function tlsData({ certificate, key }: KeyPair): Record<string, string> {
  const base64 = (text: string): string => Buffer.from(text, "utf8").toString("base64");
  return { "tls.crt": base64(certificate), "tls.key": base64(key) };
}

/** What {@link tlsData} made the data of. */
export function keyPairOf(data: Record<string, unknown>): KeyPair {
  const text = (name: string): string =>
    Buffer.from(String(data[name] ?? ""), "base64").toString("utf8");
  return { certificate: text("tls.crt"), key: text("tls.key") };
}
