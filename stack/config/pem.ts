import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import * as path from "node:path";
import { Check } from "../../lib/check";

/**
 * Reads certificates in PEM, from the text of a field or from the file that it names.
 * @returns The certificates alone; undefined where the field is not set, and after a problem.
 */
export function readCertificates(check: Check, field: string, value: unknown): string | undefined {
  if (value === undefined) {
    return undefined;
  }
  const hint = "give the text of a certificate in PEM, or the name of its file";
  if (typeof value !== "string" || value === "") {
    check.add(field, `a text was expected; ${hint}.`);
    return undefined;
  }
  const isText = value.includes("-----BEGIN");
  const text = isText ? value : readFile(value);
  if (text === undefined) {
    check.add(field, `${path.resolve(value)} cannot be read; ${hint}.`);
    return undefined;
  }
  const blocks = text.match(/-----BEGIN ([A-Z0-9 ]+)-----[^]*?-----END \1-----/g) ?? [];
  if (blocks.length === 0 || !blocks.every(isCertificate)) {
    check.add(field, `${isText ? "this" : value} has something else than certificates; ${hint}.`);
    return undefined;
  }
  return `${blocks.join("\n")}\n`;
}

function isCertificate(pem: string): boolean {
  try {
    return pem.startsWith("-----BEGIN CERTIFICATE-----") && new X509Certificate(pem) !== undefined;
  } catch {
    return false;
  }
}

function readFile(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
