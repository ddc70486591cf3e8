import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { Issuer } from "./tlsConfig";

/** The account at an ACME server for whose challenges the gateway answers. */
export interface AcmeAccountKey {
  /** Its private key in PEM. Secret. */
  key: string;
  /** The key's thumbprint (RFC 7638), which everyone may know. */
  thumbprint: string;
}

/** Whether an issuer asks the gateway itself for a proof of each name (HTTP-01). */
export function isProvenByHttp(issuer: Issuer): boolean {
  return issuer.kind === "acme" && issuer.dnsCommand === undefined;
}

/** A new account's key, or that of one. */
export function acmeAccountKey(key: string = newKey()): AcmeAccountKey {
  const { crv, kty, x, y } = createPublicKey(createPrivateKey(key)).export({ format: "jwk" });
  // The members that RFC 7638 has for an elliptic curve, in its order.
  const members = JSON.stringify({ crv, kty, x, y });
  return { key, thumbprint: createHash("sha256").update(members).digest("base64url") };
}

/** Name of the key in a Secret. */
const dataKey = "account.key";

/** The data of a Secret with an account's key. */
export function accountData({ key }: AcmeAccountKey): Record<string, string> {
  return { [dataKey]: Buffer.from(key, "utf8").toString("base64") };
}

/** The account's key in what {@link accountData} made; undefined in any other data. */
export function accountKeyOf(data: Record<string, unknown>): string | undefined {
  const encoded = data[dataKey];
  return typeof encoded === "string" ? Buffer.from(encoded, "base64").toString("utf8") : undefined;
}

function newKey(): string {
  const { privateKey } = generateKeyPairSync("ec", {
    namedCurve: "P-256",
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  return privateKey;
}
