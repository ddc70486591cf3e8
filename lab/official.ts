/**
 * Pulumi's own releases, for a lab that can reach them: the engine with its language hosts, and the provider plugins.
 * Kept in the user's cache. Where they cannot be had, nothing happens, and the lab builds the engine and has stand-ins.
 */
import { createHash } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { filled } from "./cache";
import { cacheDir, repoRoot } from "./paths";
import { run } from "./process";
import { engineVersion } from "./versions";

/** Place of Pulumi's releases. */
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
 * Downloads what is missing, if the releases can be reached within three seconds.
 * @param engine an official engine that is here already; undefined downloads one
 * @param plugins providers whose plugins are missing
 * @param base place of the releases; for tests
 */
export async function downloadOfficial(
  engine: string | undefined,
  plugins: readonly string[],
  progress: (line: string) => void,
  base = releases,
): Promise<void> {
  if (engine && plugins.length === 0) return;
  if (!(await reachable(base))) {
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

async function reachable(url: string): Promise<boolean> {
  return fetch(url, { method: "HEAD", signal: AbortSignal.timeout(3000) }).then(
    () => true,
    () => false,
  );
}

async function downloadEngine(base: string, progress: (line: string) => void): Promise<string> {
  const name = `pulumi-v${engineVersion}-linux-${process.arch}.tar.gz`;
  const url = `${base}/v${engineVersion}/${name}`;
  progress(`downloading ${url}`);
  const sums = (
    await download(`${base}/v${engineVersion}/pulumi-${engineVersion}-checksums.txt`)
  ).toString();
  const expected = sums
    .split("\n")
    .find((line) => line.endsWith(name))
    ?.split(/\s+/)[0];
  const archive = await download(url);
  const actual = createHash("sha256").update(archive).digest("hex");
  if (actual !== expected) {
    throw new Error(
      `${url} has SHA-256 ${actual}, its release says ${expected ?? "nothing of it"}`,
    );
  }
  const dir = await filled(engineDir(), async (target) => {
    const file = path.join(target, name);
    writeFileSync(file, archive);
    await run("tar", ["-C", target, "--strip-components=1", "-xzf", file]);
    rmSync(file);
  });
  return path.join(dir, "pulumi");
}

async function download(url: string): Promise<Buffer> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answers HTTP ${response.status}`);
  return Buffer.from(await response.arrayBuffer());
}
