import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";

describe("the lab's language host", () => {
  const script = path.resolve(__dirname, "../providers/pulumi-language-nodejs");
  let folder: string;

  before(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), "language-host-"));
    writeFileSync(path.join(folder, "host"), '#!/bin/sh\nprintf "%s\\n" "$@"\n', { mode: 0o755 });
  });
  after(() => rmSync(folder, { recursive: true }));

  /** The arguments with which it starts in a project. */
  const argumentsIn = (project: string): string[] => {
    writeFileSync(path.join(folder, "Pulumi.yaml"), project);
    const args = [path.join(folder, "host"), "127.0.0.1:4711"];
    const printed = execFileSync(script, args, { cwd: folder, encoding: "utf8" });
    return printed.trimEnd().split("\n");
  };

  it("gets the options of the project in whose folder it starts, however that is indented", () => {
    for (const indent of ["  ", "    "]) {
      const lines = [
        "name: a",
        "runtime:",
        "options:",
        "typescript: false",
        "nodeargs: -r ./b.cjs",
      ];
      const project = lines.map((line, index) => indent.repeat([0, 0, 1, 2, 2][index] ?? 0) + line);
      assert.deepEqual(argumentsIn([...project, "config:", `${indent}host: x`].join("\n")), [
        "-nodeargs=-r ./b.cjs",
        "-typescript=false",
        "127.0.0.1:4711",
      ]);
    }
  });

  it("gets none where the project has none", () => {
    assert.deepEqual(argumentsIn("name: a\nruntime: nodejs\n"), ["127.0.0.1:4711"]);
  });
});
