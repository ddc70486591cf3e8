import * as pulumi from "@pulumi/pulumi";

/** The stack's configuration of this project, by key without the project's name, defaults filled in by the engine. */
export function stackConfig(): Record<string, string> {
  const prefix = `${pulumi.getProject()}:`;
  return Object.fromEntries(
    Object.entries(pulumi.runtime.allConfig())
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, value]) => [key.slice(prefix.length), value]),
  );
}
