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
