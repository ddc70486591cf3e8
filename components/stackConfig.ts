import * as pulumi from "@pulumi/pulumi";

/** A stack's configuration of this project. */
export interface StackConfig {
  /** Values by key without the project's name; the engine has filled in the defaults of Pulumi.yaml. */
  values: Record<string, string>;
  /** The keys that stand encrypted in the stack's file. */
  secretKeys: Set<string>;
}

/** Reads the stack's configuration as the engine hands it to the program. */
export function stackConfig(): StackConfig {
  const prefix = `${pulumi.getProject()}:`;
  const entries = Object.entries(pulumi.runtime.allConfig()).filter(([key]) =>
    key.startsWith(prefix),
  );
  const shortName = (key: string): string => key.slice(prefix.length);
  return {
    values: Object.fromEntries(entries.map(([key, value]) => [shortName(key), value])),
    secretKeys: new Set(
      entries
        .map(([key]) => key)
        .filter((key) => pulumi.runtime.isConfigSecret(key))
        .map(shortName),
    ),
  };
}
