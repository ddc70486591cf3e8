/** What the lab sets in the stack of a host: where the host is, how to trust it, and where its files come from. */
import { readFileSync } from "node:fs";
import path from "node:path";
import yaml from "js-yaml";
import { bundleFile, digestOf, fileUrl, k0sFile } from "./files";
import { hostFacts } from "./host";
import { builtParts, type HostParts, type ReleasedK0s } from "./hostParts";
import { manifestsDir } from "./manifests";
import { dirs, hostPool, network } from "./paths";

/** Configuration of one stack, keys without the project's name. */
export type StackConfig = Record<string, unknown>;

/** The configuration of a host that runs these parts. */
export async function labConfig(host: string, parts: HostParts = builtParts): Promise<StackConfig> {
  const facts = hostFacts(host);
  return {
    host: facts.address,
    sshHostKey: facts.hostKey,
    loadBalancerPool: hostPool(host),
    hostSubnet: network.subnet,
    ...(parts.kind === "released" ? releasedConfig(parts.k0s) : await builtConfig()),
  };
}

/** Name of a released k0s among the lab's downloads. */
export function releasedFile({ version }: ReleasedK0s): string {
  return `released-k0s-${version}-amd64`;
}

/** The lab's copy of the binary saves each new host a download of 250 MB. Everything else is as for any other user. */
export function releasedConfig(k0s: ReleasedK0s): StackConfig {
  return { k0sVersion: k0s.version, k0sUrl: fileUrl(releasedFile(k0s)), k0sSha256: k0s.sha256 };
}

async function builtConfig(): Promise<StackConfig> {
  const sha256 = (file: string) => digestOf(path.join(dirs.downloads, file));
  return {
    ...stackFile(),
    k0sUrl: fileUrl(k0sFile),
    k0sSha256: await sha256(k0sFile),
    imageBundles: [{ url: fileUrl(bundleFile), sha256: await sha256(bundleFile) }],
    manifestsDir: await manifestsDir(),
  };
}

/** The keys of lab/stack.yaml, without the project's name. */
export function stackFile(): StackConfig {
  const text = readFileSync(path.join(__dirname, "stack.yaml"), "utf8");
  const { config } = yaml.load(text) as { config: StackConfig };
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [key.slice(key.indexOf(":") + 1), value]),
  );
}
