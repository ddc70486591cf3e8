import * as fs from "node:fs";
import * as path from "node:path";
import { load } from "js-yaml";
import { Json } from "../../lib/json";

/** A type that Pulumi's configuration schema knows. */
export type ConfigType = "string" | "boolean" | "integer" | "array" | "object";

/** A key of the configuration, as Pulumi.yaml declares it. */
export interface ConfigKey {
  type: ConfigType;
  description: string;
  /** Every key has one, since the engine refuses a run at the first key without. "" stands for not set. */
  default: Json;
}

/** The configuration schema of Pulumi.yaml. */
export interface ConfigSchema {
  /** Name of the project, which keys have in front in stack files. */
  project: string;
  /** Keys in the order of the file, without the project's name. */
  keys: Record<string, ConfigKey>;
}

/**
 * Keys whose values are secret. Pulumi.yaml cannot say so: with `secret: true` the engine would demand each of them
 * to be set.
 */
export const secretKeys: ReadonlySet<string> = new Set([
  "sshPrivateKey",
  "sshPrivateKeyPassphrase",
  "jumpPrivateKey",
  "jumpPrivateKeyPassphrase",
]);

/** Keys of which a part may be secret, so that they may be encrypted, in part, and need not be. */
export const partlySecretKeys: ReadonlySet<string> = new Set([
  "registries",
  "serviceSecrets",
  "tls",
]);

/**
 * Reads the schema from Pulumi.yaml.
 * @param file Defaults to the Pulumi.yaml beside this folder.
 */
export function readSchema(file = path.join(__dirname, "../../Pulumi.yaml")): ConfigSchema {
  const project = load(fs.readFileSync(file, "utf8")) as {
    name: string;
    config: Record<string, ConfigKey>;
  };
  // A key with a namespace is not this program's: `pulumi new` adds pulumi:tags.
  const own = Object.entries(project.config).filter(([key]) => !key.includes(":"));
  return { project: project.name, keys: Object.fromEntries(own) };
}
