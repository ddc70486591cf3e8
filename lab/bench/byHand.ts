/** The same installation by a shell script (lab/bench/by-hand.sh), with which the bench compares `pulumi up`. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { readConfig, type EdgeConfig } from "../../stack/config";
import { k0sInstallArguments, renderK0sConfig } from "../../components/host/k0sConfig";
import type { KubernetesObject } from "../../components/cluster/kubernetesObject";
import { ipAddressPool, l2Advertisement } from "../../components/metallb/pool";
import { loadReleases } from "../../stack/releases/releases";
import { renderStack, type StackObjects } from "../../stack/render/renderStack";
import { pulumi } from "../engine";
import { sshKeyFile } from "../keys";
import { dirs } from "../paths";
import { timed } from "./command";
import type { TimedLine } from "./command";

/** A phase of an installation, in seconds from the installation's start. */
export interface Phase {
  name: string;
  began: number;
  ended: number;
}

/** An installation's wall time and its phases. */
export interface Installation {
  seconds: number;
  phases: Phase[];
}

/**
 * Installs the stack's objects on its host with lab/bench/by-hand.sh. The script applies the same objects as the
 * program, because they come from the stack's configuration. The stack itself does not change.
 */
export async function installByHand(
  host: string,
  stack: string,
  signal: AbortSignal,
): Promise<Installation> {
  const config = await configOf(stack);
  const objects = renderStack(config, await loadReleases(config));
  const work = mkdtempSync(path.join(os.tmpdir(), "knative-edge-by-hand-"));
  try {
    writeObjects(path.join(work, "objects"), config, objects);
    writeFileSync(path.join(work, "ssh_config"), sshConfig(host, config));
    const [bundle] = config.k0s.imageBundles;
    const { seconds, lines } = await timed("sh", [path.join(__dirname, "by-hand.sh")], {
      signal,
      env: {
        ...process.env,
        SSH_CONFIG: path.join(work, "ssh_config"),
        KUBECTL: path.join(dirs.bin, "kubectl"),
        WORK: work,
        OBJECTS: path.join(work, "objects"),
        K0S_URL: config.k0s.url,
        K0S_SHA256: config.k0s.sha256,
        BUNDLE_URL: bundle?.url,
        BUNDLE_SHA256: bundle?.sha256,
        K0S_INSTALL_ARGS: k0sInstallArguments({
          ...config.k0s,
          nodeAddress: config.host.nodeAddress,
        }).join(" "),
        API: config.apiEndpoint,
      },
    });
    return { seconds, phases: scriptPhases(lines) };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Reads the script's `phase seconds` lines. Each phase begins when the one before it ends. */
export function scriptPhases(lines: TimedLine[]): Phase[] {
  let began = 0;
  return lines.map(({ line }) => {
    const [name, seconds] = line.split(" ");
    if (!name || !(Number(seconds) >= 0)) throw new Error(`by-hand.sh printed: ${line}`);
    const phase = { name, began, ended: began + Number(seconds) };
    began = phase.ended;
    return phase;
  });
}

/** A stack's configuration as the program reads it. */
async function configOf(stack: string): Promise<EdgeConfig> {
  const { stdout } = await pulumi(["config", "--json", "--show-secrets"], { stack });
  const values = JSON.parse(stdout) as Record<string, { value: string }>;
  return readConfig(
    Object.fromEntries(
      Object.entries(values).map(([key, { value }]) => [key.replace(/^knative-edge:/, ""), value]),
    ),
  );
}

function writeObjects(folder: string, config: EdgeConfig, objects: StackObjects): void {
  mkdirSync(folder);
  if (config.loadBalancer.kind !== "metallb") {
    throw new Error("the installation by hand is made for the load balancer metallb");
  }
  const pool = ipAddressPool(config.loadBalancer.addresses);
  const lists: Record<string, KubernetesObject[]> = {
    metallb: objects.metalLb,
    pool: [pool, l2Advertisement(pool)],
    ...objects.serving,
    kourier: objects.kourier,
    domain: objects.defaultDomain,
    hello: objects.services.map(({ object }) => object),
  };
  for (const [name, items] of Object.entries(lists)) {
    const list = { apiVersion: "v1", kind: "List", items };
    writeFileSync(path.join(folder, `${name}.json`), JSON.stringify(list));
  }
  writeFileSync(path.join(folder, "k0s.yaml"), renderK0sConfig(config));
}

/** The OpenSSH client configuration with which `ssh edge` reaches a lab host. */
function sshConfig(host: string, { host: target }: EdgeConfig): string {
  return [
    "Host edge",
    `  HostName ${target.address}`,
    `  User ${target.user}`,
    `  IdentityFile "${sshKeyFile}"`,
    "  IdentitiesOnly yes",
    `  UserKnownHostsFile "${path.join(dirs.hosts, host, "known_hosts")}"`,
    "  GlobalKnownHostsFile /dev/null",
    "  StrictHostKeyChecking yes",
    "  BatchMode yes",
    "",
  ].join("\n");
}
