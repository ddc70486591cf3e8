// `pulumi new <repository>`: a project of the user's own, from a copy of this one. It needs no host.
import { strict as assert } from "node:assert";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import yaml from "js-yaml";
import { pulumi } from "../../lab/engine";
import { manifestsDir } from "../../lab/manifests";
import { repoRoot } from "../../lab/paths";
import { run, type RunResult } from "../../lab/process";
import { hostKey, leastConfig } from "../support/config";

describe("pulumi new", () => {
  const scratch = mkdtempSync(path.join(os.tmpdir(), "knative-edge-new-"));
  const [repository, project, state] = ["repository", "project", "state"].map((name) =>
    path.join(scratch, name),
  ) as [string, string, string];
  // The name that `pulumi new` proposes.
  const stack = "dev";

  const inProject = (args: string[], input?: string): Promise<RunResult> =>
    pulumi(args, {
      cwd: project,
      stack,
      env: { PULUMI_BACKEND_URL: `file://${state}` },
      ...(input !== undefined && { input }),
    });

  before(async () => {
    for (const folder of [repository, project, state]) mkdirSync(folder);
    // As a clone has it: without what .gitignore names.
    const left = new Set([".git", ".lab", "node_modules"]);
    cpSync(repoRoot, repository, {
      recursive: true,
      filter: (source) => !left.has(path.basename(source)),
    });
  });

  after(() => rmSync(scratch, { recursive: true, force: true }));

  it("asks for host, host key and pool, and leaves a project that works", async () => {
    const { template } = yaml.load(readFileSync(path.join(repoRoot, "Pulumi.yaml"), "utf8")) as {
      template: { config: Record<string, unknown> };
    };
    const asked = Object.keys(template.config);
    assert.deepEqual(asked, ["host", "sshHostKey", "loadBalancerPool"]);
    const answers = {
      host: "192.168.56.10",
      sshHostKey: hostKey,
      loadBalancerPool: "192.168.56.50-192.168.56.59",
    };
    await inProject([
      ...["new", repository, "--dir", project, "--name", "my-edge", "--stack", stack, "--yes"],
      ...Object.entries(answers).flatMap(([key, value]) => ["--config", `${key}=${value}`]),
    ]);
    const { config } = yaml.load(
      readFileSync(path.join(project, `Pulumi.${stack}.yaml`), "utf8"),
    ) as { config: Record<string, string> };
    const named = Object.entries(answers).map(([key, value]) => [`my-edge:${key}`, value]);
    assert.deepEqual(config, Object.fromEntries(named));
    await inProject(["config", "set", "--secret", "sshPrivateKey"], leastConfig.sshPrivateKey);
    await inProject(["config", "set", "manifestsDir", await manifestsDir()]);
    // The machine that runs this test may have no way to a registry.
    await inProject(["config", "set", "resolveDigests", "false"]);
    const { stdout } = await inProject(["preview"]);
    assert.match(stdout, /It fits\./);
    assert.match(stdout, /my-edge-dev +create/);
  });

  it("leaves a project whose own tests pass", async () => {
    // Those that look at the project's name and its files; the others know of neither.
    const own = [
      "test/unit/{stack,program,lib}/**/*.test.ts",
      "test/unit/{graph,examples}.test.ts",
    ];
    const commands = ["test/unit/cli/{docs,plan}.test.ts"];
    // Mocha adds the files of its configuration to those that are named. Tests of other files take the machine's
    // processors at the same time, hence the time.
    const settings = [
      "--no-config",
      "--reporter",
      "test/support/reporter.cjs",
      "--require",
      "./typescript.cjs",
    ];
    const args = ["mocha", ...settings, "--timeout", "600000", "--exit", ...own, ...commands];
    // They are not tests of this repository: .ci/run is not to count them.
    const env = { ...process.env, COUNTS_FILE: undefined };
    const { code, stdout } = await run("npx", args, { cwd: project, env, allowFailure: true });
    assert.equal(code, 0, stdout);
    assert.match(stdout, /[5-9]\d\d passed, 0 failed/);
  });
});
