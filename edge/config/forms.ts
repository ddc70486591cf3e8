import { isRecord } from "../json";
import { Reader } from "./reader";

/** Adds a problem where a text is no URL that a download can take. */
export function checkHttpUrl(read: Reader, key: string, text: string): void {
  if (!URL.canParse(text) || !["http:", "https:"].includes(new URL(text).protocol)) {
    read.add(key, `"${text}" is not an http or https URL.`);
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
