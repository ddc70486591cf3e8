/**
 * Pulumi's own releases: the engine with its language hosts, and the provider plugins. They are kept in the user's
 * cache. If they cannot be reached, the lab builds the engine and uses its own doubles of the plugins.
 */
import { readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { filled } from "./cache";
import { cacheDir, repoRoot } from "./paths";
import { run } from "./process";
import { statusOf } from "./reach";
import { downloadChecked } from "./releaseFile";
import { engineVersion } from "./versions";

/** Where Pulumi's releases are. */
const releases = "https://github.com/pulumi/pulumi/releases/download";

/** The providers that the program uses. */
export const providers = ["kubernetes", "command"] as const;

/** Folder of the downloaded engine, whether it is there or not. */
export const engineDir = (): string => path.join(cacheDir(), `pulumi-v${engineVersion}`);

/** Pulumi home with the downloaded plugins, whether they are there or not. */
export const pluginHome = (): string => path.join(cacheDir(), "pulumi-home");

/** Name of a plugin's folder in a Pulumi home, of the version that the program asks for. */
export function pluginFolder(provider: string): string {
  return `resource-${provider}-v${pluginVersion(provider)}`;
}

function pluginVersion(provider: string): string {
  const file = path.join(repoRoot, "node_modules/@pulumi", provider, "package.json");
  const { version } = JSON.parse(readFileSync(file, "utf8")) as { version: string };
  return version.replace(/^v/, "");
}

/**
 * Downloads what is missing, if the releases answer within three seconds. After a failure it only tells the reason,
 * because the lab then makes its own.
 * @param engine an official engine that is here already; undefined downloads one
 * @param plugins providers whose plugins are missing
 * @param base where the releases are; for tests
 */
export async function downloadOfficial(
  engine: string | undefined,
  plugins: readonly string[],
  progress: (line: string) => void,
  base = releases,
): Promise<void> {
  if (engine && plugins.length === 0) return;
  if ((await statusOf(base)) === undefined) {
    const what = [...(engine ? [] : ["engine"]), ...plugins.map((p) => `provider ${p}`)].join(", ");
    progress(`Pulumi's releases cannot be reached: the lab makes its own (${what})`);
    return;
  }
  try {
    const command = engine ?? (await downloadEngine(base, progress));
    for (const provider of plugins) {
      progress(`downloading Pulumi provider ${provider}`);
      await run(command, ["plugin", "install", "resource", provider, pluginVersion(provider)], {
        env: { ...process.env, PULUMI_HOME: pluginHome(), PULUMI_SKIP_UPDATE_CHECK: "true" },
      });
    }
  } catch (error) {
    progress(`${(error as Error).message}: going on with what is here`);
  }
}

async function downloadEngine(base: string, progress: (line: string) => void): Promise<string> {
  const name = `pulumi-v${engineVersion}-linux-${process.arch}.tar.gz`;
  const place = `${base}/v${engineVersion}`;
  const url = `${place}/${name}`;
  progress(`downloading ${url}`);
  const dir = await filled(engineDir(), async (target) => {
    const file = path.join(target, name);
    const sumsUrl = `${place}/pulumi-${engineVersion}-checksums.txt`;
    await downloadChecked({ url, sumsUrl, name }, file);
    await run("tar", ["-C", target, "--strip-components=1", "-xzf", file]);
    rmSync(file);
  });
  return path.join(dir, "pulumi");
}
