import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import * as path from "node:path";
import { isRecord } from "../../lib/json";
import { Check } from "../../lib/check";

/** Adds a problem where a text is no URL that a download can take. */
export function checkHttpUrl(read: Check, key: string, text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && `${url.username}${url.password}` !== "") {
    // Not with the URL: nothing that is printed holds a password.
    read.add(
      key,
      "has a user name in it, which the state and the host's list of processes would show; serve the file without a login.",
    );
  } else if (!["http:", "https:"].includes(url?.protocol ?? "") || /\s/.test(text)) {
    read.add(
      key,
      `"${text}" is not an http or https URL; write it like https://files.example.com/k0s.`,
    );
  }
}

/** True for 64 hexadecimal digits. */
export function isSha256(text: string): boolean {
  return /^[0-9a-f]{64}$/i.test(text);
}

/** True for a DNS name (RFC 1123), of one label or more. */
export function isDnsName(text: string): boolean {
  const label = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";
  return text.length <= 253 && new RegExp(`^${label}(\\.${label})*$`, "i").test(text);
}

/** True for a mapping whose values are all texts. */
export function isTexts(value: unknown): value is Record<string, string> {
  return isRecord(value) && Object.values(value).every((text) => typeof text === "string");
}

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
