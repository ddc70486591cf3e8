/** An own CA and its certificates, by OpenSSL. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { run } from "./process";

/** Files in PEM. */
export interface Certificate {
  key: string;
  cert: string;
}

/** How long certificates are valid, in days: the lab makes new ones with each registry. */
const days = "7";

/** Makes a CA in a folder: `ca.key` and `ca.crt`. */
export function makeCa(folder: string, name: string): Promise<Certificate> {
  return make(folder, "ca", name, [
    "basicConstraints = critical, CA:TRUE",
    "keyUsage = critical, keyCertSign, cRLSign",
  ]);
}

/**
 * Makes a certificate of that CA in the same folder.
 * @param name Of its files, and of its subject.
 * @param address The IP address that it is for; by default none, for a certificate that signs.
 */
export function makeCertificate(
  folder: string,
  name: string,
  ca: Certificate,
  address?: string,
): Promise<Certificate> {
  const extensions = [
    "basicConstraints = critical, CA:FALSE",
    "keyUsage = critical, digitalSignature",
    ...(address === undefined ? [] : [`subjectAltName = IP:${address}`]),
  ];
  return make(folder, name, name, extensions, ca);
}

async function make(
  folder: string,
  file: string,
  subject: string,
  extensions: string[],
  ca?: Certificate,
): Promise<Certificate> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const [key = "", cert = "", config = ""] = ["key", "crt", "cnf"].map((ending) =>
    path.join(folder, `${file}.${ending}`),
  );
  // The system's own configuration would make each of them a CA.
  writeFileSync(
    config,
    [
      ...["[req]", "prompt = no", "distinguished_name = name", "x509_extensions = extensions"],
      ...["[name]", `CN = ${subject}`, "[extensions]", "subjectKeyIdentifier = hash"],
      ...extensions,
      "",
    ].join("\n"),
  );
  await run("openssl", [
    ...["req", "-x509", "-config", config, "-days", days, "-sha256", "-nodes"],
    ...["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
    ...["-keyout", key, "-out", cert],
    ...(ca === undefined ? [] : ["-CA", ca.cert, "-CAkey", ca.key]),
  ]);
  return { key, cert };
}
