/** The folders, names and addresses of this checkout's lab. */
import { createHash } from "node:crypto";
import { realpathSync } from "node:fs";
import os from "node:os";
import path from "node:path";

/** Root of the checkout. */
export const repoRoot = realpathSync(path.resolve(__dirname, ".."));

/** The arguments that let Node.js run a program in TypeScript, as the scripts of package.json have them. */
export const typeScript = ["--require", path.join(repoRoot, "typescript.cjs")];

/** The lab's state. git ignores this folder. */
export const labDir = path.join(repoRoot, ".lab");

/** Folders inside `.lab`. */
export const dirs = {
  bin: path.join(labDir, "bin"),
  downloads: path.join(labDir, "downloads"),
  hosts: path.join(labDir, "hosts"),
  state: path.join(labDir, "state"),
  project: path.join(labDir, "project"),
  keys: path.join(labDir, "keys"),
  pulumiHome: path.join(labDir, "pulumi-home"),
  manifests: path.join(labDir, "manifests"),
  registry: path.join(labDir, "registry"),
  acme: path.join(labDir, "acme"),
} as const;

/** The user's cache outside the checkout, so that a second clone does not build everything again. */
export function cacheDir(): string {
  const base = process.env.XDG_CACHE_HOME || path.join(os.homedir(), ".cache");
  return path.join(base, "knative-edge", "lab");
}

/** Address plan of one checkout's lab. */
export interface LabNetwork {
  /** Short name of this lab, `ke` and six hex digits: the bridge's name and the prefix of namespaces and cgroups. */
  readonly id: string;
  /** First three octets of the lab's /24, without the final dot. */
  readonly prefix: string;
  /** The bridge's address, which is the machine's own in this network. The file server listens here. */
  readonly gateway: string;
  /** The lab's subnet in CIDR form. */
  readonly subnet: string;
}

/** The network of the checkout at `root`. Two checkouts get different ones. */
export function networkOf(root: string): LabNetwork {
  const digest = createHash("sha256").update(root).digest();
  const second = 64 + ((digest[3] ?? 0) % 64);
  // Kubernetes uses 10.96.0.0/12 for its Services.
  const prefix = `10.${second >= 96 && second < 112 ? second - 32 : second}.${digest[4] ?? 0}`;
  return {
    id: `ke${digest.toString("hex", 0, 3)}`,
    prefix,
    gateway: `${prefix}.1`,
    subnet: `${prefix}.0/24`,
  };
}

/** This checkout's network. */
export const network = networkOf(repoRoot);

/** Port of the lab's file server on the bridge address. */
export const filesPort = 8087;

/** Ports of the lab's registry on the bridge address: where it asks for a password, for a token, and for the latter's server. */
export const registryPorts = {
  password: 5443,
  token: 5444,
  tokenServer: 5445,
  open: 5446,
} as const;

/** Ports of the lab's ACME server and of its DNS server on the bridge address, each with that of its management. */
export const acmePorts = { acme: 5450, management: 5451, dns: 5452, dnsManagement: 5453 } as const;

/** How many hosts a lab can have. The pools must end below .250. */
export const mostHosts = 18;

/** A lab host's number from its name: `edge1` is 1. */
export function hostNumber(name: string): number {
  const n = Number(/^edge([1-9]\d?)$/.exec(name)?.[1]);
  if (!(n >= 1 && n <= mostHosts)) {
    throw new Error(`"${name}" is no lab host: hosts are named edge1 to edge${mostHosts}.`);
  }
  return n;
}

/** Address of a lab host. */
export function hostAddress(name: string, net: LabNetwork = network): string {
  return `${net.prefix}.${hostNumber(name) + 1}`;
}

/** MetalLB pool of a lab host, as `first-last`. */
export function hostPool(name: string, net: LabNetwork = network): string {
  const first = 70 + 10 * (hostNumber(name) - 1);
  return `${net.prefix}.${first}-${net.prefix}.${first + 9}`;
}

/** The Pulumi stack of a lab host: `dev` for edge1, otherwise the host's name. */
export function stackOf(host: string): string {
  return host === "edge1" ? "dev" : host;
}
