import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { locked } from "../lock";
import { identify } from "../process";

describe("the lab's lock", () => {
  let folder: string;
  let file: string;
  beforeEach(function () {
    if (process.platform !== "linux") return this.skip();
    folder = mkdtempSync(path.join(os.tmpdir(), "knative-edge-"));
    file = path.join(folder, "lock.json");
  });
  afterEach(() => folder && rmSync(folder, { recursive: true }));

  it("is held by one at a time, and free when its action has ended, in whatever way", async () => {
    const refused = new RegExp(`process ${process.pid} in .*lock\\.json\\): wait for it or end it`);
    await locked(file, async () => {
      await assert.rejects(
        locked(file, async () => assert.fail("both at once")),
        refused,
      );
    });
    await assert.rejects(
      locked(file, async () => Promise.reject(new Error("broken"))),
      /broken/,
    );
    assert.deepEqual(readdirSync(folder), []);
  });

  it("is not held by a process that has ended, nor by a later one of its id", async () => {
    const { pid } = spawnSync("true");
    const alive = identify(process.pid);
    for (const holder of [
      { pid, startTime: "1" },
      { ...alive, startTime: "1" },
    ]) {
      writeFileSync(file, JSON.stringify(holder));
      assert.equal(await locked(file, async () => "done"), "done");
    }
  });
});
