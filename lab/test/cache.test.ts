import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { filled, removeLeftovers } from "../cache";

describe("the lab's cache", () => {
  let cache: string;
  beforeEach(() => (cache = mkdtempSync(path.join(os.tmpdir(), "knative-edge-"))));
  afterEach(() => rmSync(cache, { recursive: true }));

  const complete = (dir: string) => existsSync(path.join(dir, "program"));
  const fill = async (dir: string) => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    writeFileSync(path.join(dir, "program"), "");
  };

  it("is filled by two at once, and stays as the first one left it", async () => {
    const target = path.join(cache, "a/group-1");
    const both = await Promise.all([1, 2].map(() => filled(target, fill, complete)));
    assert.deepEqual(both, [target, target]);
    assert.deepEqual(readdirSync(path.join(cache, "a")), ["group-1"]);
    await filled(target, async () => assert.fail("it is there"), complete);
  });

  it("keeps nothing of what failed, and replaces what is incomplete", async () => {
    const target = path.join(cache, "group-1");
    mkdirSync(target);
    const failing = filled(target, async () => Promise.reject(new Error("no network")), complete);
    await assert.rejects(failing, /no network/);
    assert.deepEqual(readdirSync(cache), ["group-1"]);
    await filled(target, fill, complete);
    assert.ok(complete(target));
  });

  it("loses what was left half-done a day ago", () => {
    const names = ["kine-0123.Ab3dEf", "kine-0123", "images.tar", "images.tar.stamp"];
    for (const name of names) mkdirSync(path.join(cache, name));
    removeLeftovers(cache);
    assert.deepEqual(readdirSync(cache).sort(), [...names].sort());
    removeLeftovers(cache, Date.now() + 25 * 3600_000);
    assert.deepEqual(readdirSync(cache).sort(), names.slice(1).sort());
    removeLeftovers(path.join(cache, "not there"));
  });
});
