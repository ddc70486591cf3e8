/** The lab's command line: `npm run lab`. */
import { existsSync, rmSync } from "node:fs";
import path from "node:path";
import { answerOf } from "./answer";
import { engineParts, forgetStack, pulumiEnv, stackConfig, stackOutputs } from "./engine";
import { filesUp, startFiles, stopFiles } from "./files";
import { bootHost, hostFacts, hostNames, removeHost, sshArgs, wipeHost } from "./host";
import { availableParts, chosenParts, forgetParts, keepParts, type HostParts } from "./hostParts";
import { alone } from "./lock";
import { giveWayOut, natDown } from "./nat";
import { bridgeDown, bridgeUp } from "./network";
import { dirs, hostNumber, mostHosts, stackOf } from "./paths";
import { exitWith, runAttached } from "./process";
import { say } from "./say";
import { restoreKernelSettings } from "./sysctl";
import { prepare } from "./prepare";
import { summary } from "./summary";

const help = `npm run lab                        downloads or builds what is missing, boots host edge1, runs pulumi up, fetches the
                                   answer. k0s and the images are the released ones, if they can be reached
                                   (npm run lab -- up --built: those that the lab builds, in any case)
npm run lab -- status              hosts, stacks and what they answer
npm run lab -- ssh [host] [cmd]    a shell on a host, or one command
npm run lab -- pulumi <args>       any Pulumi command on stack dev (another one: PULUMI_STACK=edge2)
npm run lab -- wipe [host]         a new empty machine at the same address, and its stack forgotten
                                   (--keep-state: keep it, to see what the program makes of a new machine)
npm run lab -- host up|down [name] one more host, edge2 to edge18, with a stack of its name, or away with it
npm run lab -- down                ends all processes, namespaces and hosts of the lab, and forgets their stacks;
                                   what was built stays`;

async function up(args: string[]): Promise<number> {
  const parts = await hostUp("edge1", args);
  // By option, because the user's shell may have a PULUMI_STACK, which is for `npm run lab -- pulumi`.
  const code = await runPulumi(["up", "--yes", "--skip-preview", "--stack", stackOf("edge1")]);
  if (code !== 0) return code;
  say("asking the sample for its answer");
  const { url, answer, note } = await answerOf((await stackOutputs("edge1")) ?? {});
  for (const line of summary(await engineParts(), parts)) console.log(line);
  console.log(`\n${url} answers${note}:\n${answer.trimEnd()}`);
  return 0;
}

/** Prepares the machine, boots a host and writes its stack's configuration. Returns what the host runs. */
async function hostUp(name: string, args: string[] = []): Promise<HostParts> {
  let parts = await chooseParts(args.includes("--built"));
  await prepare(say, parts);
  await bridgeUp();
  await startFiles();
  say(`booting host ${name}`);
  const { address } = await bootHost(name, {}, say);
  say(`host ${name} is up at ${address}`);
  if (parts.kind === "released") parts = await withWayOut(name, parts);
  keepParts(parts);
  await stackConfig(name, {}, parts);
  return parts;
}

/** What the lab's hosts run already, or what the first one is to run. */
async function chooseParts(wantsBuilt: boolean): Promise<HostParts> {
  const chosen = chosenParts();
  if (chosen?.kind === "released" && wantsBuilt) {
    throw new Error(
      "This lab's hosts run the released parts: npm run lab -- down, then up --built.",
    );
  }
  if (chosen) return chosen;
  if (wantsBuilt) return { kind: "built", why: "--built asks for it" };
  // A lab that was up before there was a choice keeps what it has.
  if (existsSync(path.join(dirs.project, `Pulumi.${stackOf("edge1")}.yaml`)))
    return { kind: "built", why: "its stack was made with them" };
  return availableParts(say);
}

/**
 * Opens a host's way out to the registries. If that fails for the lab's first host, the lab builds the parts instead.
 */
async function withWayOut(name: string, parts: HostParts): Promise<HostParts> {
  try {
    await giveWayOut(name);
    return parts;
  } catch (error) {
    if (chosenParts()) throw error;
    const why = (error as Error).message;
    say(`${why}: the lab makes k0s and the images by itself`);
    await natDown();
    const built: HostParts = { kind: "built", why };
    await prepare(say, built);
    return built;
  }
}

async function host(action = "", name = "edge2"): Promise<number> {
  hostNumber(name);
  if (action === "up") {
    await hostUp(name);
    say(`stack ${stackOf(name)}: PULUMI_STACK=${stackOf(name)} npm run lab -- pulumi up`);
    return 0;
  }
  if (action === "down") {
    await forgetStack(name);
    await removeHost(name);
    say(`host ${name} and its stack ${stackOf(name)} are gone`);
    return 0;
  }
  throw new Error("Say `host up [name]` or `host down [name]`.");
}

async function wipe(args: string[]): Promise<number> {
  const keep = args.includes("--keep-state");
  const name = args.find((arg) => !arg.startsWith("-")) ?? "edge1";
  hostFacts(name);
  await bridgeUp();
  await startFiles();
  if (!keep) await forgetStack(name);
  await wipeHost(name);
  const parts = chosenParts();
  if (parts?.kind === "released") await giveWayOut(name);
  await stackConfig(name, {}, parts);
  say(
    `host ${name} is a new empty machine; stack ${stackOf(name)} ` +
      (keep ? "still describes the old one" : "starts from nothing"),
  );
  return 0;
}

async function down(): Promise<number> {
  const known = hostNames();
  // Every possible name, because a host whose record was lost may still run.
  for (let number = 1; number <= mostHosts; number++) {
    const name = `edge${number}`;
    await removeHost(name);
    if (known.includes(name)) say(`host ${name} is gone`);
  }
  await stopFiles();
  await natDown();
  await bridgeDown();
  restoreKernelSettings();
  forgetParts();
  // A stack without its host is of no use to anyone.
  for (const dir of [dirs.hosts, dirs.state, dirs.project])
    rmSync(dir, { recursive: true, force: true });
  say("the lab is down, its stacks are forgotten; what was built is still there");
  return 0;
}

async function status(): Promise<number> {
  const names = hostNames();
  if (names.length === 0) console.log("The lab is down: npm run lab");
  for (const name of names) {
    const { address, machineId, size, running } = hostFacts(name);
    const cap = size.hardCap ? "" : " (not enforced)";
    console.log(
      `${name}  ${running ? "up" : "off"}  ${address}  ${size.cpus} CPU, ${size.memoryMiB} MiB${cap}  machine-id ${machineId}`,
    );
    const outputs = await stackOutputs(name);
    if (!outputs?.url) {
      console.log(`  stack ${stackOf(name)}: nothing deployed`);
      continue;
    }
    const words = await answerOf(outputs).then(
      ({ answer, note }) => `answers${note}: ${answer.trim()}`,
      (error: Error) => `does not answer: ${error.message}`,
    );
    console.log(`  stack ${stackOf(name)}: ${String(outputs.url)} ${words}`);
  }
  console.log(`file server ${filesUp() ? "up" : "off"}`);
  return 0;
}

async function ssh(args: string[]): Promise<number> {
  const named = /^edge\d+$/.test(args[0] ?? "");
  const name = named ? (args[0] ?? "") : "edge1";
  const command = named ? args.slice(1) : args;
  if (!hostFacts(name).running)
    throw new Error(`Host ${name} is off: npm run lab -- host up ${name}`);
  return runAttached("ssh", [...sshArgs(name), ...command]);
}

async function runPulumi(args: string[]): Promise<number> {
  if (!existsSync(path.join(dirs.project, "Pulumi.yaml"))) {
    throw new Error("The lab has no stack yet: npm run lab");
  }
  return runAttached("pulumi", args, { cwd: dirs.project, env: await pulumiEnv() });
}

async function main([command, ...args]: string[]): Promise<number> {
  switch (command) {
    case undefined:
    case "up":
      return alone(() => up(args));
    case "down":
      return alone(down);
    case "wipe":
      return alone(() => wipe(args));
    case "host":
      return alone(() => host(...args));
    case "status":
      return status();
    case "ssh":
      return ssh(args);
    case "pulumi":
      return runPulumi(args);
    case "help":
    case "--help":
    case "-h":
      console.log(help);
      return 0;
    default:
      throw new Error(`The lab knows no command "${command}":\n${help}`);
  }
}

exitWith(main(process.argv.slice(2)));
