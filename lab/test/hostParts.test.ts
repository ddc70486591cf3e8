import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { readConfig } from "../../stack/config";
import { readSchema } from "../../stack/config/schema";
import { leastConfig } from "../../test/support/config";
import { availableParts, releasedK0sVersion, type Places } from "../hostParts";
import { tags } from "../images";
import { releasedConfig, stackFile } from "../labConfig";
import { nameServers } from "../nat";
import { k0sVersion } from "../versions";

describe("what lab hosts run", () => {
  const version = "v9.9.9+k0s.0";
  const name = `k0s-${version}-amd64`;
  const binary = "a k0s binary";
  const digest = createHash("sha256").update(binary).digest("hex");
  const cacheBefore = process.env.XDG_CACHE_HOME;
  let scratch: string;
  let server: http.Server;
  let places: Places;
  /** What the server answers by method and path, and what it was asked for. */
  let answers: Record<string, { status: number; body?: string }>;
  let asked: string[];

  beforeEach(async () => {
    scratch = mkdtempSync(path.join(os.tmpdir(), "knative-edge-"));
    process.env.XDG_CACHE_HOME = scratch;
    asked = [];
    answers = {
      "HEAD /v2/": { status: 401 },
      "HEAD /": { status: 400 },
      "GET /sums": { status: 200, body: `${"0".repeat(64)} *other\n${digest} *${name}\n` },
      "GET /k0s": { status: 200, body: binary },
    };
    server = http.createServer((request, response) => {
      const call = `${request.method} ${request.url}`;
      asked.push(call);
      const { status, body } = answers[call] ?? { status: 404 };
      response.writeHead(status).end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    places = {
      k0s: () => ({ url: `${base}/k0s`, sumsUrl: `${base}/sums`, name }),
      registries: [`${base}/v2/`],
      manifests: [`${base}/`],
    };
  });

  afterEach(() => {
    if (cacheBefore === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = cacheBefore;
    server.close();
    server.closeAllConnections();
    rmSync(scratch, { recursive: true });
  });

  /** Why the lab builds them after all. */
  async function whyBuilt(): Promise<string> {
    const lines: string[] = [];
    const parts = await availableParts((line) => lines.push(line), version, places);
    assert.equal(parts.kind, "built");
    const { why } = parts as { why: string };
    assert.deepEqual(lines.at(-1), `${why}: the lab makes k0s and the images by itself`);
    return why;
  }

  it("is released if all can be reached, with k0s' digest checked, and downloaded once", async () => {
    const parts = await availableParts(() => undefined, version, places);
    assert.ok(parts.kind === "released");
    assert.equal(parts.k0s.version, version);
    assert.equal(parts.k0s.sha256, digest);
    assert.equal(readFileSync(parts.k0s.file, "utf8"), binary);
    assert.deepEqual(await availableParts(() => undefined, version, places), parts);
    assert.equal(asked.filter((call) => call === "GET /k0s").length, 1);
  });

  it("is built if a registry cannot be reached, and nothing is downloaded", async () => {
    places = { ...places, registries: [...places.registries, "http://127.0.0.1:1/v2/"] };
    assert.equal(await whyBuilt(), "127.0.0.1:1 cannot be reached");
    assert.ok(!asked.includes("GET /k0s"));
  });

  it("is built if a gateway answers in a registry's place", async () => {
    answers["HEAD /v2/"] = { status: 403 };
    assert.match(await whyBuilt(), /^127\.0\.0\.1:\d+ cannot be reached$/);
  });

  it("is built if the release manifests cannot be reached", async () => {
    answers["HEAD /"] = { status: 502 };
    assert.match(await whyBuilt(), /cannot be reached$/);
  });

  it("is built if k0s is not what its release says, and nothing of it stays", async () => {
    answers["GET /k0s"] = { status: 200, body: "another" };
    assert.match(
      await whyBuilt(),
      new RegExp(`/k0s has SHA-256 \\w{64}, its release says ${digest}`),
    );
    assert.ok(!existsSync(path.join(scratch, "knative-edge/lab", `released-k0s-${version}`)));
    answers["GET /sums"] = { status: 200, body: `${digest} *other\n` };
    assert.match(await whyBuilt(), /its release says nothing of it$/);
    answers["GET /k0s"] = { status: 404 };
    assert.match(await whyBuilt(), /\/k0s answers HTTP 404$/);
  });

  it("has the program's own k0s, or the newest that accepts cgroup v1", () => {
    assert.equal(releasedK0sVersion(false), readSchema().keys.k0sVersion?.default);
    assert.equal(releasedK0sVersion(true), k0sVersion);
  });

  it("takes no mirrors and no bundles if it is released", () => {
    const k0s = { version: "v1.35.7+k0s.0", sha256: digest, file: "k0s" };
    const config = readConfig({
      ...leastConfig,
      ...(releasedConfig(k0s) as Record<string, string>),
    });
    assert.deepEqual(config.imageMirrors, {});
    assert.deepEqual(config.k0s.imageBundles, []);
    assert.equal(config.k0s.sha256, digest);
    assert.equal(config.manifestsDir, undefined);
  });

  it("takes the images that the lab builds, by their tags, if it is built", () => {
    const config = stackFile();
    assert.equal(config.k0sVersion, k0sVersion);
    const mirrors = Object.values(config.imageMirrors as Record<string, string>);
    const { knative, kourier, envoy, metallb, sample } = tags;
    assert.deepEqual(mirrors, [
      `registry.lab/knative:${knative}`,
      `registry.lab/kourier:${kourier}`,
      `registry.lab/kourier:${envoy}`,
      `registry.lab/metallb:${metallb}`,
      `registry.lab/samples:${sample}`,
    ]);
  });
});

describe("the way out of lab hosts", () => {
  it("asks the machine's name servers, or those behind its own", () => {
    const other = "nameserver 192.0.2.1\nnameserver 2001:db8::1\n";
    assert.deepEqual(nameServers(`search example\n${other}`, ""), ["192.0.2.1"]);
    assert.deepEqual(nameServers("nameserver 127.0.0.53\n", other), ["192.0.2.1"]);
    assert.deepEqual(nameServers("# nameserver 192.0.2.2\n"), []);
  });
});
