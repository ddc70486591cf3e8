import { generateKeyPairSync } from "node:crypto";
import { load, YAMLException } from "js-yaml";
import { isRecord } from "./json";
import { readSchema, secretKeys } from "./schema";

/** A stack's file that cannot be read; the message names the file and what is wrong. */
export class StackFileError extends Error {}

/** What a stack's file holds of this project. */
export interface StackFile {
  /** Values as the engine hands them to the program: texts, and JSON for arrays and objects. */
  values: Record<string, string>;
  /** Keys whose values are encrypted in the file. */
  encrypted: Set<string>;
}

/**
 * Reads a stack's `Pulumi.<stack>.yaml` without the engine. It has no way to decrypt: in place of an encrypted
 * private key stands one made for the occasion, so that everything else can be checked, and an encrypted passphrase
 * is left out.
 * @param file Name for error messages.
 * @throws StackFileError for a file that is none, or with another encrypted value than those.
 */
export function parseStackFile(text: string, file: string): StackFile {
  const { project } = readSchema();
  const values: Record<string, string> = {};
  const encrypted = new Set<string>();
  for (const [name, value] of Object.entries(config(text, file))) {
    if (!name.startsWith(`${project}:`)) {
      continue;
    }
    const key = name.slice(project.length + 1);
    if (!hasSecret(value)) {
      // Of a key with nothing behind it the engine makes "".
      const given = value ?? "";
      values[key] = typeof given === "object" ? JSON.stringify(given) : String(given);
      continue;
    }
    if (!secretKeys.has(key)) {
      throw new StackFileError(
        `${file}: ${name} is encrypted, and without the engine it cannot be read; ` +
          `write it in plain text: only keys and passphrases must be secret.`,
      );
    }
    encrypted.add(key);
    if (!key.endsWith("Passphrase")) {
      values[key] = placeholderKey();
    }
  }
  return { values, encrypted };
}

function config(text: string, file: string): Record<string, unknown> {
  let content: unknown;
  try {
    content = load(text);
  } catch (error) {
    const reason =
      error instanceof YAMLException ? `${error.reason}, line ${error.mark.line + 1}` : error;
    throw new StackFileError(`${file} is not YAML: ${reason}.`, { cause: error });
  }
  if (!isRecord(content) || !isRecord(content.config ?? {})) {
    throw new StackFileError(`${file} is no stack's file: a mapping with config was expected.`);
  }
  return (content.config ?? {}) as Record<string, unknown>;
}

/** An encrypted value is `{secure: <ciphertext>}`, which may stand inside of another. */
function hasSecret(value: unknown): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    ("secure" in value || Object.values(value).some(hasSecret))
  );
}

function placeholderKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return privateKey.export({ type: "sec1", format: "pem" }).toString();
}
