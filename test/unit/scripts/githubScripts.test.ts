import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";

describe("scripts for GitHub", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(path.join(os.tmpdir(), "knative-edge-"))));
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Runs a script with a `gh` that answers its question with some lines, or fails, and prints what else it is told. */
  const run = (script: string, answer: string, ...args: string[]) => {
    const gh = `#!/bin/sh
      case "$*" in *--jq*) ${answer} ;; *) echo "$*" | sed 's/ --.*//' ;; esac`;
    writeFileSync(path.join(folder, "gh"), gh, { mode: 0o755 });
    writeFileSync(path.join(folder, "text.md"), "text");
    const { status, stdout } = spawnSync(
      "sh",
      [path.join(__dirname, "../../../scripts", script), ...args],
      {
        cwd: folder,
        encoding: "utf8",
        env: { ...process.env, PATH: `${folder}:${process.env.PATH}` },
      },
    );
    return { status, told: stdout.trim() };
  };

  const drift = (answer: string) => run("drift-issue.sh", answer, "a/b", "dev", "text.md");
  const comment = (answer: string) =>
    run("sticky-comment.sh", answer, "a/b", "5", "preview", "text.md");

  it("rewrite what is there, the first of several, and else write it anew", () => {
    assert.deepEqual(drift("echo 7; echo 8"), { status: 0, told: "issue edit 7" });
    assert.deepEqual(drift("true"), { status: 0, told: "issue create" });
    assert.equal(comment("echo 7; echo 8").status, 0);
    assert.equal(comment("true").status, 0);
  });

  it("write nothing when they cannot see what is there", () => {
    for (const { status, told } of [drift("exit 4"), comment("exit 4")]) {
      assert.equal(told, "");
      assert.equal(status, 4);
    }
  });
});
