// The example programs as other projects have them: k0s on a host, and then Knative on that cluster.
import { strict as assert } from "node:assert";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import yaml from "js-yaml";
import { writeWhole } from "../../lib/atomicWrite";
import { mirrorImage } from "../../lib/imageNames";
import { pulumi } from "../../lab/engine";
import { bootHost, hostFacts, removeHost, sshExec } from "../../lab/host";
import { get } from "../../lab/http";
import { sshKeyFile } from "../../lab/keys";
import { labConfig, stackFile } from "../../lab/labConfig";
import { manifestsDir } from "../../lab/manifests";
import { labDir, repoRoot } from "../../lab/paths";
import { k0sVersion, knativeVersion } from "../../lab/versions";
import { loadReleases } from "../../stack/releases";
import { eventually, kubectlOn } from "../support/lab";

const host = "edge10";
const domain = "example.com";

/** One example in a Pulumi project of its own. */
class Example {
  private readonly folder: string;
  private readonly stack: string;

  constructor(private readonly name: string) {
    this.folder = path.join(labDir, `example-${name}`);
    this.stack = `example-${name}`;
  }

  /** Makes project and stack with that configuration. */
  public async create(config: Record<string, unknown>, secrets: Record<string, string>) {
    rmSync(this.folder, { recursive: true, force: true });
    mkdirSync(this.folder, { recursive: true });
    const source = path.join(repoRoot, "examples", this.name);
    const project = readFileSync(path.join(source, "Pulumi.yaml"), "utf8");
    const main = path.join(path.relative(this.folder, source), "index.ts");
    await writeWhole(
      path.join(this.folder, "Pulumi.yaml"),
      project.replace("main: index.ts", `main: ${main}`),
    );
    await this.run(["stack", "init", this.stack]);
    const named = Object.entries(config).map(([key, value]) => [`${this.name}:${key}`, value]);
    const settings = path.join(this.folder, `Pulumi.${this.stack}.yaml`);
    const salt = existsSync(settings) ? readFileSync(settings, "utf8") : "";
    await writeWhole(settings, salt + yaml.dump({ config: Object.fromEntries(named) }));
    for (const [key, value] of Object.entries(secrets)) {
      await this.run(["config", "set", "--secret", key], value);
    }
  }

  /** Runs Pulumi on the stack; its standard output. */
  public async run(args: string[], input?: string): Promise<string> {
    const { stack, folder: cwd } = this;
    return (await pulumi(args, { stack, cwd, ...(input !== undefined && { input }) })).stdout;
  }

  /** Forgets the stack, whose host is gone. */
  public async remove(): Promise<void> {
    const { stack, folder: cwd } = this;
    if (!existsSync(cwd)) return;
    const args = ["stack", "rm", "--yes", "--force"];
    await pulumi(args, { stack, cwd, allowFailure: true });
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const k0s = new Example("k0s-host");
const knative = new Example("knative-on-a-cluster");

/** Knative asks no registry about this name, as it would about the example's own. */
const sample = "dev.local/helloworld-go:v1";

/** Kinds of which Knative has objects that outlive its namespaces. */
const kinds = [
  ...["namespaces", "crds", "clusterroles", "clusterrolebindings"],
  ...["validatingwebhookconfigurations", "mutatingwebhookconfigurations"],
  ...["deployments", "services", "roles", "rolebindings"],
].join();

/** Names of the cluster's objects that the second example makes. */
async function knativeObjects(): Promise<string[]> {
  const names = await kubectlOn(host, `get ${kinds} --all-namespaces -o name`);
  return names.split("\n").filter((name) => /knative|kourier|hello/.test(name));
}

/**
 * Gives the host's images the names that the releases have for them, as if it had pulled them: the example knows of no
 * mirrors.
 */
async function nameImages(releases: string, mirrors: Record<string, string>): Promise<void> {
  const { serving, kourier } = await loadReleases({
    loadBalancer: { kind: "nodeIp" },
    knative: { version: knativeVersion, kourierVersion: knativeVersion, domain },
    manifestsDir: releases,
  });
  const names = new Map([[sample, mirrorImage("ghcr.io/knative/helloworld-go:latest", mirrors)]]);
  JSON.stringify([serving, kourier], (_, value: unknown) => {
    const image = typeof value === "string" ? mirrorImage(value, mirrors) : value;
    if (image !== value) names.set(value as string, image as string);
    return value;
  });
  const commands = [...names].map(([name, image]) => `k0s ctr images tag ${image} ${name}`);
  await sshExec(host, commands.join(" && "));
}

/**
 * Does what a cloud does for its clusters, once Kourier's Service is there: says which address it has. kube-proxy then
 * takes the host's own address for the Service.
 */
async function giveAddress(address: string, signal: AbortSignal): Promise<void> {
  const service = "-n kourier-system service kourier";
  const status = JSON.stringify({ status: { loadBalancer: { ingress: [{ ip: address }] } } });
  await eventually("an address for Kourier's Service", 900, async () => {
    if (signal.aborted) return true;
    await kubectlOn(host, `patch ${service} --subresource=status --type=merge -p '${status}'`);
    return true;
  });
}

describe("the examples", () => {
  before(async () => {
    await removeHost(host);
    await knative.remove();
    await k0s.remove();
    // Knative's own requests are more than a host of the reference's size has.
    await bootHost(host, { cpus: 2, memoryMiB: 2560 });
  });

  after(async () => {
    await knative.remove();
    await k0s.remove();
    await removeHost(host);
  });

  it("k0s-host brings k0s up on a bare host, and a second run changes nothing", async () => {
    const lab = await labConfig(host);
    const { host: address, sshHostKey, k0sUrl, k0sSha256, imageBundles } = lab;
    await k0s.create(
      { host: address, sshHostKey, k0sVersion, k0sUrl, k0sSha256, imageBundles },
      { sshPrivateKey: readFileSync(sshKeyFile, "utf8") },
    );
    await k0s.run(["up", "--yes", "--skip-preview"]);
    assert.match(await kubectlOn(host, "get nodes"), /^edge10 +Ready /m);
    assert.match(await k0s.run(["preview", "--diff"]), /no changes|unchanged/i);
  });

  it("knative-on-a-cluster has a service answer there, and a second run changes nothing", async () => {
    const { address } = hostFacts(host);
    const releases = await manifestsDir();
    await nameImages(releases, stackFile().imageMirrors as Record<string, string>);
    await knative.create(
      { domain, cluster: host, image: sample, manifestsDir: releases },
      { kubeconfig: await k0s.run(["stack", "output", "kubeconfig", "--show-secrets"]) },
    );
    const ended = new AbortController();
    await Promise.all([
      knative.run(["up", "--yes", "--skip-preview"]).finally(() => ended.abort()),
      giveAddress(address, ended.signal),
    ]);
    const outputs = JSON.parse(await knative.run(["stack", "output", "--json"])) as unknown;
    assert.deepEqual(outputs, { address, url: `http://hello.default.${domain}` });
    const hello = { status: 200, body: "Hello World!\n" };
    assert.deepEqual(await get(address, `hello.default.${domain}`), hello);
    assert.ok((await knativeObjects()).length > 20);
    await knative.run(["up", "--yes", "--skip-preview", "--expect-no-changes"]);
  });

  it("knative-on-a-cluster takes away what it made, and leaves the cluster running", async () => {
    await knative.run(["destroy", "--yes", "--skip-preview"]);
    assert.deepEqual(await knativeObjects(), []);
    assert.match(await kubectlOn(host, "get nodes"), /^edge10 +Ready /m);
  });

  it("k0s-host takes away what it made", async () => {
    await k0s.run(["destroy", "--yes", "--skip-preview"]);
    await assert.rejects(sshExec(host, "systemctl status k0scontroller"));
  });
});
