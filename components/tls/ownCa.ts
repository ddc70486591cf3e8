import { randomBytes, webcrypto } from "node:crypto";
import type { Extension } from "@peculiar/x509";
import { KeyPair } from "./keyPair";

/** How long a CA of the program's own is valid, in days: ten years, for whoever trusts it does so by hand. */
const caDays = 3650;

/** How long its certificates are valid, in days. */
export const certificateDays = 365;

/** Envoy and every client take it. */
const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** Makes a CA that signs certificates for one stack. */
export async function makeCa(stack: string): Promise<KeyPair> {
  const x509 = await load();
  const keys = await generateKeys();
  // Two CAs of one stack have different names, so that no client takes the one for the other.
  const name = `CN=knative-edge ${stack} ${randomBytes(4).toString("hex")}`;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name,
    ...validity(caDays),
    serialNumber: serialNumber(),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: lines(certificate.toString("pem")), key: await keyText(keys) };
}

/** Issues a certificate by such a CA. The CA's own is in the chain. */
export async function issueByCa(ca: KeyPair, names: string[]): Promise<KeyPair> {
  const x509 = await load();
  const issuer = new x509.X509Certificate(ca.certificate);
  const signingKey = await webcrypto.subtle.importKey(
    "pkcs8",
    x509.PemConverter.decodeFirst(ca.key),
    algorithm,
    false,
    ["sign"],
  );
  const keys = await generateKeys();
  const extensions: Extension[] = [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
    new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: "dns", value }))),
    await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
  ];
  const certificate = await x509.X509CertificateGenerator.create({
    // The names stand in the extension; a common name may have 64 characters only (RFC 5280, ub-common-name).
    subject: "CN=knative-edge",
    issuer: issuer.subject,
    ...validity(certificateDays),
    serialNumber: serialNumber(),
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: algorithm,
    extensions,
  });
  const chain = [certificate.toString("pem"), ca.certificate].map(lines).join("");
  return { certificate: chain, key: await keyText(keys) };
}

/** Loaded where a certificate is made only: it takes half a second. */
function load(): Promise<typeof import("@peculiar/x509")> {
  return import("@peculiar/x509");
}

/** From an hour ago, for clocks differ. */
function validity(length: number): { notBefore: Date; notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - 3_600_000), notAfter: new Date(now + length * 86_400_000) };
}

/** Positive, as RFC 5280 wants it. */
function serialNumber(): string {
  return `01${randomBytes(15).toString("hex")}`;
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
}

async function keyText({ privateKey }: webcrypto.CryptoKeyPair): Promise<string> {
  const bytes = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", privateKey));
  const text = bytes.toString("base64").replace(/.{1,64}/g, "$&\n");
  return `-----BEGIN PRIVATE KEY-----\n${text}-----END PRIVATE KEY-----\n`;
}

/** PEM that ends its last line. */
function lines(pem: string): string {
  return `${pem.trim()}\n`;
}
