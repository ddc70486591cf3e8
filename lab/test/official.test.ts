import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { downloadOfficial, engineDir, pluginHome } from "../official";

/** A release of Pulumi whose engine only notes how it was called. */
function release(scratch: string, place: string): Buffer {
  mkdirSync(path.join(scratch, "pulumi"), { recursive: true });
  const engine = path.join(scratch, "pulumi/pulumi");
  writeFileSync(engine, `#!/bin/sh\necho "$PULUMI_HOME $*" >>'${place}/calls'\n`, { mode: 0o755 });
  execFileSync("tar", ["-C", scratch, "-czf", `${scratch}/release.tar.gz`, "pulumi"]);
  return readFileSync(`${scratch}/release.tar.gz`);
}

describe("Pulumi's own releases for the lab", () => {
  let scratch: string;
  let server: http.Server;
  let base: string;
  let files: Map<string, Buffer>;
  const before_ = process.env.XDG_CACHE_HOME;
  const archive = `pulumi-v3.259.0-linux-${process.arch}.tar.gz`;

  before(async function () {
    if (process.platform !== "linux") return this.skip();
    scratch = mkdtempSync(path.join(os.tmpdir(), "knative-edge-"));
    process.env.XDG_CACHE_HOME = scratch;
    files = new Map();
    server = http.createServer((request, response) => {
      const content = files.get(request.url ?? "");
      response.writeHead(content ? 200 : 404).end(content);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  after(() => {
    if (before_ === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = before_;
    server?.close();
    if (scratch) rmSync(scratch, { recursive: true });
  });

  async function download(engine?: string, plugins: string[] = []): Promise<string[]> {
    const lines: string[] = [];
    await downloadOfficial(engine, plugins, (line) => lines.push(line), base);
    return lines;
  }

  it("are not asked for where all is there", async () => {
    assert.deepEqual(await download("/usr/bin/pulumi"), []);
  });

  it("are not there without a digest that fits, and the lab goes on", async () => {
    assert.match((await download()).at(-1) ?? "", /checksums\.txt answers HTTP 404: going on/);
    files.set(
      "/v3.259.0/pulumi-3.259.0-checksums.txt",
      Buffer.from(`${"0".repeat(64)}  ${archive}\n`),
    );
    files.set(`/v3.259.0/${archive}`, release(path.join(scratch, "made"), scratch));
    assert.match((await download()).at(-1) ?? "", /has SHA-256 \w{64}, its release says 0{64}/);
    assert.equal(existsSync(engineDir()), false);
  });

  it("are downloaded, and the plugins by the engine, of the versions in package.json", async () => {
    const content = files.get(`/v3.259.0/${archive}`) ?? Buffer.of();
    const digest = createHash("sha256").update(content).digest("hex");
    files.set("/v3.259.0/pulumi-3.259.0-checksums.txt", Buffer.from(`${digest}  ${archive}\n`));
    await download(undefined, ["kubernetes", "command"]);
    assert.ok(existsSync(path.join(engineDir(), "pulumi")));
    assert.deepEqual(readFileSync(path.join(scratch, "calls"), "utf8").trim().split("\n"), [
      `${pluginHome()} plugin install resource kubernetes 4.34.2`,
      `${pluginHome()} plugin install resource command 1.2.1`,
    ]);
  });

  it("are done without where they cannot be reached", async () => {
    await new Promise((resolve) => server.close(resolve));
    assert.deepEqual(await download(undefined, ["command"]), [
      "Pulumi's releases cannot be reached: the lab makes its own (engine, provider command)",
    ]);
  });
});
