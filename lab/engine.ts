/**
 * Pulumi on the lab's stacks: engine and plugins, their environment, the lab's project, and the stacks' configuration.
 */
import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import yaml from "js-yaml";
import semver from "semver";
import { writeWhole } from "../lib/atomicWrite";
import { which } from "./checks";
import { ensureKeys, passphraseFile, sshKeyFile } from "./keys";
import { builtParts } from "./hostParts";
import { labConfig, type StackConfig } from "./labConfig";
import { dirs, labDir, repoRoot, stackOf } from "./paths";
import { downloadOfficial, engineDir, pluginFolder, pluginHome, providers } from "./official";
import { run, type RunOptions, type RunResult } from "./process";

export type { StackConfig } from "./labConfig";

/** The oldest engine on PATH that the lab uses: the first one with error hooks. */
const oldestEngine = "3.217.0";

/** A part of Pulumi that the lab uses. */
export interface Part {
  /** File name of the executable. */
  name: string;
  /** Whether it is Pulumi's own release. Otherwise the lab built it, or it is a double. */
  official: boolean;
  file: string;
}

/** A folder with the built engine alone, for PATH. `.lab/bin` would put its kubectl before the user's. */
const enginePath = path.join(labDir, "path");

/**
 * The parts of Pulumi that the lab uses, the engine first. Official ones come from PATH, the user's plugins or the
 * lab's downloads. The lab's own take the place of the others.
 */
export async function engineParts(): Promise<[Part, ...Part[]]> {
  const engine = which("pulumi", labDir);
  const version = engine
    ? (await run(engine, ["version"], { allowFailure: true })).stdout.trim()
    : "";
  const recent = engine && semver.valid(version) && semver.gte(version, oldestEngine);
  const downloaded = [path.join(engineDir(), "pulumi")].find((file) => existsSync(file));
  const part = (name: string, official: string | undefined) => ({
    name,
    official: official !== undefined,
    file: official ?? path.join(dirs.bin, name),
  });
  return [
    part("pulumi", recent ? engine : downloaded),
    ...providers.map((provider) => {
      const name = `pulumi-resource-${provider}`;
      return part(name, which(name, labDir) ?? installedPlugin(provider));
    }),
  ];
}

/** An official provider plugin, of the version that the program needs: the user's own, or the lab's download. */
function installedPlugin(provider: string): string | undefined {
  return (
    [process.env.PULUMI_HOME || path.join(os.homedir(), ".pulumi"), pluginHome()]
      .map((home) =>
        path.join(home, "plugins", pluginFolder(provider), `pulumi-resource-${provider}`),
      )
      // In a command that the lab started, PULUMI_HOME is the lab's own, with the doubles.
      .find((file) => existsSync(file) && !file.startsWith(labDir))
  );
}

/** Downloads Pulumi's own releases of what is missing, if they can be reached. */
export async function fetchOfficialParts(progress: (line: string) => void): Promise<void> {
  const [engine, ...plugins] = await engineParts();
  await downloadOfficial(
    engine.official ? engine.file : undefined,
    providers.filter((p) => !plugins.some(({ name, official }) => official && name.endsWith(p))),
    progress,
  );
}

/**
 * Environment for any Pulumi command on the lab's stacks. A plugin that is not on PATH is put into the lab's own Pulumi
 * home, where the engine finds it as if it were installed.
 * @param stack the stack, unless the user's environment names one
 */
export async function pulumiEnv(stack = stackOf("edge1")): Promise<NodeJS.ProcessEnv> {
  mkdirSync(dirs.state, { recursive: true });
  await ensureKeys();
  const [engine, ...plugins] = await engineParts();
  for (const { name, file } of plugins) {
    await usePlugin(name, which(name, labDir) === file ? undefined : file);
  }
  if (!engine.official) await useBuiltEngine(engine.file);
  const engineFolder = engine.official ? path.dirname(engine.file) : enginePath;
  return {
    ...process.env,
    PATH: `${engineFolder}${path.delimiter}${process.env.PATH ?? ""}`,
    PULUMI_BACKEND_URL: `file://${dirs.state}`,
    PULUMI_HOME: dirs.pulumiHome,
    PULUMI_CONFIG_PASSPHRASE_FILE: passphraseFile,
    // The user's own passphrase would win over the file.
    PULUMI_CONFIG_PASSPHRASE: undefined,
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_STACK: process.env.PULUMI_STACK || stack,
  };
}

/** Puts the built engine and its language host into a folder of their own. */
async function useBuiltEngine(built: string): Promise<void> {
  const engine = path.join(enginePath, "pulumi");
  const language = path.join(enginePath, "pulumi-language-nodejs");
  mkdirSync(enginePath, { recursive: true });
  // A link and not a script, because the engine looks for its language host beside its own executable.
  if (statSync(engine, { throwIfNoEntry: false })?.ino !== statSync(built).ino) {
    rmSync(engine, { force: true });
    linkSync(built, engine);
  }
  // The plugin behind dynamic resources, which an official installation has beside the engine, too.
  const dynamic = "pulumi-resource-pulumi-nodejs";
  await writeScript(
    path.join(enginePath, dynamic),
    `exec '${path.join(repoRoot, "lab/providers", dynamic)}' "$@"`,
  );
  const withOptions = path.join(repoRoot, "lab/providers/pulumi-language-nodejs");
  await writeScript(
    language,
    `exec '${withOptions}' '${path.join(dirs.bin, "pulumi-language-nodejs")}' "$@"`,
  );
}

/** Puts a plugin into the lab's Pulumi home. Undefined stands for one on PATH, which the engine finds by itself. */
async function usePlugin(name: string, file: string | undefined): Promise<void> {
  const folder = pluginFolder(name.replace("pulumi-resource-", ""));
  const script = path.join(dirs.pulumiHome, "plugins", folder, name);
  if (file) await writeScript(script, `exec '${file}' "$@"`);
  else rmSync(path.dirname(script), { recursive: true, force: true });
}

/** Writes a shell script at once, because another Pulumi command may start it meanwhile. */
async function writeScript(file: string, command: string): Promise<void> {
  const text = `#!/bin/sh\n${command}\n`;
  if (existsSync(file) && readFileSync(file, "utf8") === text) return;
  await writeWhole(file, text, 0o755);
}

export interface PulumiOptions extends RunOptions {
  /** Stack to work on; default `dev`. */
  stack?: string;
}

/**
 * Runs a Pulumi command on the lab's project to its end, without a terminal.
 * Throws when it fails, unless `allowFailure`.
 */
export async function pulumi(
  args: readonly string[],
  options: PulumiOptions = {},
): Promise<RunResult> {
  const env = { ...(await pulumiEnv(options.stack)), ...options.env };
  if (options.stack) env.PULUMI_STACK = options.stack;
  return run("pulumi", [...args, "--non-interactive"], { cwd: dirs.project, ...options, env });
}

/**
 * Writes the lab's Pulumi project and the configuration of a host's stack, and makes the stack if it is new. `extra`
 * wins over what the lab sets, and keys that someone else set stay. The SSH key goes in encrypted, by standard input.
 * @param extra more keys, without the project's name; undefined removes a key, and knativeConfig adds ConfigMaps to the
 * lab's own
 * @param parts what the host runs; by default what the lab builds
 */
export async function stackConfig(
  host: string,
  extra: StackConfig = {},
  parts = builtParts,
): Promise<void> {
  const stack = stackOf(host);
  mkdirSync(dirs.project, { recursive: true });
  const project = readYaml(path.join(repoRoot, "Pulumi.yaml"));
  await writeYaml(path.join(dirs.project, "Pulumi.yaml"), {
    ...project,
    main: path.join(path.relative(dirs.project, repoRoot), String(project.main)),
  });
  const file = path.join(dirs.project, `Pulumi.${stack}.yaml`);
  await pulumi(["stack", "select", "--create", stack], { stack });
  const named = (key: string): string => `${String(project.name)}:${key}`;
  const content = readYaml(file);
  const before = asObject(content.config);
  const lab = await labConfig(host, parts);
  const { loadBalancer } = { loadBalancer: before[named("loadBalancer")], ...extra };
  // The program refuses a pool with it.
  if (loadBalancer === "nodeIp") lab.loadBalancerPool = undefined;
  const ours: StackConfig = { ...lab, ...extra };
  if ("knativeConfig" in extra) {
    ours.knativeConfig = { ...asObject(lab.knativeConfig), ...asObject(extra.knativeConfig) };
  }
  const config = Object.entries(ours).map(([key, value]) => [named(key), value]);
  await writeYaml(file, { ...content, config: { ...before, ...Object.fromEntries(config) } });
  if (!(named("sshPrivateKey") in before)) {
    await pulumi(["config", "set", "--secret", "sshPrivateKey"], {
      stack,
      input: readFileSync(sshKeyFile, "utf8"),
    });
  }
}

/**
 * Forgets a host's stack and its configuration, without touching the host. Does nothing if there is no such stack.
 * @throws Error when the stack cannot be removed
 */
export async function forgetStack(host: string): Promise<void> {
  const stack = stackOf(host);
  if (!existsSync(path.join(dirs.project, `Pulumi.${stack}.yaml`))) return;
  // An interrupted run leaves the stack locked, and a locked stack cannot be removed.
  await pulumi(["cancel", "--yes"], { stack, allowFailure: true });
  const { code, stderr } = await pulumi(["stack", "rm", stack, "--yes", "--force"], {
    stack,
    allowFailure: true,
  });
  if (code !== 0 && !stderr.includes("no stack named")) {
    throw new Error(`Stack ${stack} cannot be forgotten: ${stderr.trim()}`);
  }
  rmSync(path.join(dirs.project, `Pulumi.${stack}.yaml`), { force: true });
}

/** Outputs of a host's stack without the secret ones, or undefined if there is no stack. */
export async function stackOutputs(host: string): Promise<Record<string, unknown> | undefined> {
  if (!existsSync(path.join(dirs.project, "Pulumi.yaml"))) return undefined;
  const { code, stdout } = await pulumi(["stack", "output", "--json"], {
    stack: stackOf(host),
    allowFailure: true,
  });
  return code === 0 ? (JSON.parse(stdout) as Record<string, unknown>) : undefined;
}

/** Where the kubeconfig of a host's stack is written to. */
export function kubeconfigPath(host: string): string {
  return path.join(dirs.keys, `kubeconfig-${host}`);
}

/** Writes the kubeconfig of a host's stack to a file that only this user can read. */
export async function kubeconfigFile(host: string): Promise<string> {
  const args = ["stack", "output", "kubeconfig", "--show-secrets"];
  const { stdout } = await pulumi(args, { stack: stackOf(host) });
  const file = kubeconfigPath(host);
  writeFileSync(file, stdout, { mode: 0o600 });
  return file;
}

function readYaml(file: string): Record<string, unknown> {
  return existsSync(file) ? asObject(yaml.load(readFileSync(file, "utf8"))) : {};
}

async function writeYaml(file: string, content: Record<string, unknown>): Promise<void> {
  // A caller removes a key by undefined, which YAML does not have.
  const text = yaml.dump(JSON.parse(JSON.stringify(content)), { lineWidth: -1 });
  // An engine that works on another stack reads the project's file meanwhile, and must never see half of it.
  await writeWhole(file, text, 0o600);
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
