/** The lab host of the bench and its stack. */
import { createReadStream, rmSync } from "node:fs";
import path from "node:path";
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { forgetStack, kubeconfigPath, pulumi, pulumiEnv, stackOutputs } from "../engine";
import { bundleFile, k0sFile } from "../files";
import { bootHost, removeHost, sshExec } from "../host";
import { dirs, stackOf } from "../paths";
import { say } from "../say";
import type { HostSize } from "../size";
import { timed, type TimedRun } from "./command";
import type { StateResource } from "./events";
import type { Target } from "./load";

export const host = "edge3";
export const stack = stackOf(host);

/** Boots an empty machine in place of the one before. */
export async function newHost(size: Partial<HostSize> = {}): Promise<void> {
  await forgetStack(host);
  await removeHost(host);
  await bootHost(host, size, say);
}

/** Removes the host, its stack and what the bench wrote for it. */
export async function clearHost(): Promise<void> {
  await forgetStack(host);
  await removeHost(host);
  rmSync(kubeconfigPath(host), { force: true });
}

/** SSH connections that the host has accepted since it booted, including the one that asks. */
export async function connections(): Promise<number> {
  const { stdout } = await sshExec(
    host,
    "journalctl --sync; journalctl -b -t sshd --no-pager | grep -c 'Accepted publickey'",
  );
  return Number(stdout);
}

/** Runs a Pulumi command on the stack and times it. The signal ends it. */
export async function timedPulumi(signal: AbortSignal, ...args: string[]): Promise<TimedRun> {
  return timed("pulumi", [...args, "--non-interactive"], {
    cwd: dirs.project,
    env: { ...(await pulumiEnv(stack)), PULUMI_STACK: stack },
    signal,
  });
}

/** What the stack's state holds. */
export async function stateResources(): Promise<StateResource[]> {
  const { stdout } = await pulumi(["stack", "export"], { stack });
  return (JSON.parse(stdout) as { deployment: { resources: StateResource[] } }).deployment
    .resources;
}

/** Where a service of the stack answers. */
export async function target(service: string): Promise<Target> {
  const outputs = (await stackOutputs(host)) as {
    loadBalancerIp: string;
    services: Record<string, string>;
  };
  return {
    address: outputs.loadBalancerIp,
    hostname: new URL(outputs.services[service] ?? "").hostname,
  };
}

/** Reads the files that the host downloads, so that every installation finds them in memory, not only the second. */
export async function warmDownloads(): Promise<void> {
  await Promise.all(
    [k0sFile, bundleFile].map((file) => readWhole(path.join(dirs.downloads, file))),
  );
}

async function readWhole(file: string): Promise<void> {
  await pipeline(createReadStream(file), new Writable({ write: (_, __, done) => done() }));
}
