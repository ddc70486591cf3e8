// An example program as another project has it: k0s on a host. The other example needs images under the names of the
// releases, which lab hosts cannot pull; test/unit/examples.test.ts runs it with mocks.
import { strict as assert } from "node:assert";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import yaml from "js-yaml";
import { writeWhole } from "../../lib/atomicWrite";
import { pulumi } from "../../lab/engine";
import { bootHost, removeHost, sshExec, sshKeyFile } from "../../lab/host";
import { labConfig } from "../../lab/labConfig";
import { labDir, repoRoot } from "../../lab/paths";
import { k0sVersion } from "../../lab/versions";
import { kubectlOn } from "../support/lab";

const host = "edge10";

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

describe("the example k0s-host", () => {
  before(async () => {
    await removeHost(host);
    await k0s.remove();
    await bootHost(host);
  });

  after(async () => {
    await k0s.remove();
    await removeHost(host);
  });

  it("brings k0s up on a bare host, and a second run changes nothing", async () => {
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

  it("takes away what it made", async () => {
    await k0s.run(["destroy", "--yes", "--skip-preview"]);
    await assert.rejects(sshExec(host, "systemctl status k0scontroller"));
  });
});
