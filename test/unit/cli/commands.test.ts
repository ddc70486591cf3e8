import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { promisify } from "node:util";
import { typeScript } from "../../../lab/paths";

const root = path.join(__dirname, "../../..");

/** Runs a command of cli/ in an environment that has nothing but Node.js. */
async function run(
  script: string,
  ...args: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  try {
    const done = await promisify(execFile)(
      process.execPath,
      [...typeScript, path.join(root, "cli", script), ...args],
      { cwd: root, env: { PATH: "", HOME: root } },
    );
    return { code: 0, ...done };
  } catch (error) {
    return error as { code: number; stdout: string; stderr: string };
  }
}

describe("the commands of cli", function () {
  this.timeout(120_000);
  const commands = fs
    .readdirSync(path.join(root, "cli"))
    .filter((file) => file.endsWith(".ts"))
    .filter((file) =>
      /^( {2})?runCommand\(/m.test(fs.readFileSync(path.join(root, "cli", file), "utf8")),
    );

  it("are these", () => {
    const known = ["changedStacks", "docs", "fleet", "footprint", "footprintDocs", "graph", "load"];
    assert.deepEqual(
      commands,
      [...known, "plan", "preview", "release"].map((name) => `${name}.ts`),
    );
  });

  for (const command of commands) {
    it(`${command} tells its usage on stdout, and refuses what it does not know on stderr`, async () => {
      const [help, wrong] = await Promise.all([
        run(command, "--help"),
        run(command, "--no-such-option"),
      ]);
      assert.deepEqual({ ...help, stdout: "" }, { code: 0, stdout: "", stderr: "" });
      assert.match(help.stdout, /^(npm run \w+|npx tsx cli\/[\w-]+\.ts)/);
      assert.equal(wrong.code, 1);
      assert.equal(wrong.stdout, "");
      assert.match(wrong.stderr, /no-such-option/);
      assert.ok(wrong.stderr.endsWith(help.stdout), wrong.stderr);
    });
  }

  const needPulumi: [script: string, ...args: string[]][] = [
    ["fleet.ts", "preview"],
    ["preview.ts", "--stack", "a"],
  ];
  for (const [script, ...args] of needPulumi) {
    it(`${script} says that Pulumi is missing where it is`, async () => {
      const { code, stderr } = await run(script, ...args);
      assert.equal(code, 1);
      assert.match(stderr, /^pulumi cannot be run \(.*ENOENT.*\); install it, see README\.md\.\n$/);
    });
  }
});
