import * as pulumi from "@pulumi/pulumi";

/** A stack's configuration of this project. */
export interface StackConfig {
  /** Values by key without the project's name; the engine has filled in the defaults of Pulumi.yaml. */
  values: Record<string, string>;
  /** The keys that are encrypted in the stack's file. */
  secretKeys: Set<string>;
}

/** Reads the stack's configuration as the engine gives it to the program. */
export function stackConfig(): StackConfig {
  const project = pulumi.getProject();
  const shortName = (key: string): string => key.slice(project.length + 1);
  const ours = ([key]: [string, string]): boolean => key.startsWith(`${project}:`);
  return {
    values: Object.fromEntries(
      Object.entries(pulumi.runtime.allConfig())
        .filter(ours)
        .map(([key, value]) => [shortName(key), value]),
    ),
    // The SDK only warns about a secret key; the engine's list of them is in the environment.
    secretKeys: new Set(
      (JSON.parse(process.env.PULUMI_CONFIG_SECRET_KEYS ?? "[]") as string[]).map(shortName),
    ),
  };
}
