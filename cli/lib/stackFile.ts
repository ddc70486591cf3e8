import { generateKeyPairSync } from "node:crypto";
import * as fs from "node:fs";
import { unreadKey } from "../../components/tls/keyPair";
import { isRecord } from "../../lib/json";
import { UserError } from "../../lib/userError";
import { partlySecretKeys, readSchema, secretKeys } from "../../stack/config/schema";
import { parseYaml } from "../../lib/yaml";

/** A stack's file that cannot be read; the message names the file and what is wrong. */
export class StackFileError extends UserError {}

/** What a stack's file holds of this project. */
export interface StackFile {
  /** Values as the engine hands them to the program: texts, and JSON for arrays and objects. */
  values: Record<string, string>;
  /** Keys whose values are encrypted in the file. */
  encrypted: Set<string>;
}

/**
 * The text of a stack's file.
 * @throws StackFileError where there is no such file, or it cannot be read.
 */
export function readStackFile(file: string): string {
  try {
    return fs.readFileSync(file, "utf8");
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    const reasons: Record<string, string> = {
      ENOENT: "is not there; name another stack, or the directory of its file with --project",
      EISDIR: "is a directory; a stack's file was expected there",
    };
    throw new StackFileError(`${file} ${reasons[code] ?? `cannot be read (${code})`}.`, {
      cause: error,
    });
  }
}

/**
 * Reads a stack's `Pulumi.<stack>.yaml` without the engine, and so without a way to decrypt. A key made for the occasion
 * replaces an encrypted private key, so that everything else can be checked. An encrypted passphrase is left out, and the text
 * `encrypted` replaces a registry's encrypted password and a service's secret. Of an encrypted key in `tls` nothing is checked.
 * @param file Name for error messages.
 * @throws StackFileError for a file that is none, or with another encrypted value than those.
 */
export function parseStackFile(text: string, file: string): StackFile {
  const { project } = readSchema();
  const values: Record<string, string> = {};
  const encrypted = new Set<string>();
  for (const [name, value] of Object.entries(stackFileConfig(text, file))) {
    if (!name.startsWith(`${project}:`)) {
      continue;
    }
    const key = name.slice(project.length + 1);
    if (!hasSecret(value)) {
      // The engine reads a key with nothing behind it as "".
      const given = value ?? "";
      values[key] = typeof given === "object" ? JSON.stringify(given) : String(given);
      continue;
    }
    const replaced: unknown = JSON.parse(JSON.stringify(value, replacements[key]));
    if (partlySecretKeys.has(key) && !hasSecret(replaced)) {
      encrypted.add(key);
      values[key] = JSON.stringify(replaced);
      continue;
    }
    if (!secretKeys.has(key)) {
      throw new StackFileError(
        `${file}: ${name} is encrypted, and without the engine it cannot be read; ` +
          `write it in plain text: only keys, passphrases, registries' passwords, serviceSecrets and the keys in tls must be secret.`,
      );
    }
    encrypted.add(key);
    if (!key.endsWith("Passphrase")) {
      values[key] = placeholderKey();
    }
  }
  return { values, encrypted };
}

/**
 * What stands below `config` in a stack's file, of whatever project.
 * @throws StackFileError for a file that is none.
 */
export function stackFileConfig(text: string, file: string): Record<string, unknown> {
  let content: unknown;
  try {
    content = parseYaml(text);
  } catch (error) {
    throw new StackFileError(`${file} is not one YAML document: ${(error as Error).message}.`, {
      cause: error,
    });
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

/** For JSON.stringify: a text in place of what may be encrypted in a key. */
const replacements: Record<string, (field: string, value: unknown) => unknown> = {
  registries: (field, value) => (field === "password" && isEncrypted(value) ? "encrypted" : value),
  // "encrypted" in base64, where a file's bytes stand so.
  serviceSecrets: (field, value) =>
    isEncrypted(value) ? (field === "base64" ? "ZW5jcnlwdGVk" : "encrypted") : value,
  tls: (field, value) => (field === "key" && isEncrypted(value) ? unreadKey : value),
};

function isEncrypted(value: unknown): boolean {
  return isRecord(value) && "secure" in value;
}

function placeholderKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return privateKey.export({ type: "sec1", format: "pem" }).toString();
}
