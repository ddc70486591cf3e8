import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import {
  changesText,
  FleetResult,
  fleetSummary,
  inParallel,
  matchStacks,
} from "../../../cli/lib/fleet";
import { waitFor } from "../../../lab/process";
import { typeScript } from "../../../lab/paths";

describe("a fleet", () => {
  const names = ["edge10", "dev", "edge2", "edge1", "shop.lab"];

  const patterns: Record<string, string[]> = {
    "*": ["dev", "edge1", "edge2", "edge10", "shop.lab"],
    "edge*": ["edge1", "edge2", "edge10"],
    "edge?": ["edge1", "edge2"],
    dev: ["dev"],
    "shop.lab": ["shop.lab"],
    "shop?lab": ["shop.lab"],
    "edge[2-9]": ["edge2"],
    "edge[13]": ["edge1"],
    "edge[9-2]": [],
    "edge[": [],
    "s.*": [],
    "(": [],
    edge: [],
  };
  for (const [pattern, matches] of Object.entries(patterns)) {
    it(`takes ${matches.join(", ") || "nothing"} by the pattern ${pattern}`, () => {
      assert.deepEqual(matchStacks(names, pattern), matches);
    });
  }

  it("works on so many at a time, and keeps the order", async () => {
    let running = 0;
    let most = 0;
    const results = await inParallel([30, 5, 10, 1], 2, async (delay) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, delay));
      running--;
      return delay;
    });
    assert.deepEqual(results, [30, 5, 10, 1]);
    assert.equal(most, 2);
  });

  it("does all there is to do with more hands than items", async () => {
    assert.deepEqual(await inParallel([1], 8, async (item) => item * 2), [2]);
    assert.deepEqual(await inParallel([], 8, async (item) => item), []);
  });

  it("sums up in a table", () => {
    const results: FleetResult[] = [
      { stack: "edge1", changes: { same: 80, update: 2, create: 1 }, seconds: 12.34 },
      { stack: "edge2", changes: {}, seconds: 3, error: "no route to host" },
    ];
    assert.equal(
      fleetSummary(results, 12.5),
      [
        "stack  result  changes             seconds",
        "-----  ------  ------------------  -------",
        "edge1  ok      2 update, 1 create     12.3",
        "edge2  failed  none                    3.0",
        "",
        "edge2: no route to host",
        "",
        "1 of 2 stacks ok, in 12.5 s",
      ].join("\n"),
    );
  });

  it("has no changes where everything is the same", () => {
    assert.equal(changesText({ same: 91 }), "none");
    assert.equal(changesText({ same: 91, replace: 0, delete: 2 }), "2 delete");
  });
});

describe("an interrupted fleet", () => {
  it("signals no Pulumi command once more, begins no further stack, and tells how each ended", async function () {
    if (process.platform === "win32") return this.skip();
    const folder = mkdtempSync(path.join(os.tmpdir(), "knative-edge-"));
    // A preview that takes a second to cancel, as Pulumi's does, and notes its signals.
    const pulumi = `#!${process.execPath}
      const { appendFileSync } = require("node:fs");
      const note = (line) => appendFileSync("${folder}/log", line + "\\n");
      const [command] = process.argv.slice(2);
      if (command === "version") console.log("v3.259.0");
      if (process.argv.includes("ls")) console.log('[{"name":"one"},{"name":"two"}]');
      if (command === "preview") {
        for (const name of ["SIGINT", "SIGTERM"]) process.on(name, () => {
          note(name);
          setTimeout(() => process.exit(1), 1000);
        });
        setInterval(() => undefined, 1000);
        note("begun");
      }`;
    writeFileSync(path.join(folder, "pulumi"), pulumi, { mode: 0o755 });
    const log = () =>
      existsSync(path.join(folder, "log")) ? readFileSync(path.join(folder, "log"), "utf8") : "";
    // In a process group of its own, which a terminal's Ctrl-C reaches as a whole.
    const fleet = spawn(
      process.execPath,
      [
        ...[...typeScript, path.join(__dirname, "../../../cli/fleet.ts")],
        ...["preview", "--parallel", "1", "--project", folder],
      ],
      {
        detached: true,
        env: { ...process.env, PATH: `${folder}${path.delimiter}${process.env.PATH ?? ""}` },
      },
    );
    let said = "";
    fleet.stdout.setEncoding("utf8").on("data", (text: string) => (said += text));
    const ended = new Promise((resolve) => fleet.once("close", resolve));
    try {
      await waitFor(
        () => log() !== "",
        45,
        () => `nothing began: ${said}`,
      );
      process.kill(-(fleet.pid ?? 0), "SIGINT");
      assert.equal(await ended, 130);
      assert.equal(log(), "begun\nSIGINT\n");
      assert.match(said, /^interrupted: waiting for the running stacks to cancel$/m);
      assert.match(said, /^two: interrupted before it began$/m);
    } finally {
      if (fleet.exitCode === null) process.kill(-(fleet.pid ?? 0), "SIGKILL");
      rmSync(folder, { recursive: true });
    }
  });
});
