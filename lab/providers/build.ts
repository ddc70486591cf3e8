/** Bundles each double of a provider plugin into one file, because every Pulumi command starts the plugins again. */
import { chmod, mkdir, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { build } from "esbuild";

const plugins = ["command", "kubernetes"] as const;

/**
 * Writes `pulumi-resource-command` and `pulumi-resource-kubernetes`, each with its bundle beside it, into a folder
 * from which the caller installs them as plugins.
 */
export async function buildProviders(binDir: string): Promise<void> {
  await mkdir(binDir, { recursive: true });
  for (const name of plugins) {
    const executable = path.join(binDir, `pulumi-resource-${name}`);
    await build({
      entryPoints: [path.join(__dirname, name, "main.ts")],
      bundle: true,
      platform: "node",
      target: "node20",
      format: "cjs",
      outfile: `${executable}.cjs`,
      // ssh2 works without its optional native parts.
      external: ["*.node", "cpu-features"],
      logLevel: "error",
    });
    await writeFile(
      `${executable}.new`,
      `#!/bin/sh\nexec node "$(dirname "$0")/pulumi-resource-${name}.cjs" "$@"\n`,
    );
    await chmod(`${executable}.new`, 0o755);
    await rename(`${executable}.new`, executable);
  }
}
