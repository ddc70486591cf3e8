import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { dump } from "js-yaml";
import { loadStack } from "../../../../cli/lib/loadStack";
import { certificateFor, testCa } from "../../../support/certificates";
import { leastConfig, project } from "../../../support/config";
import { manifestsDir } from "../../../support/releases";

describe("a stack's file that a command reads without the engine", () => {
  let directory: string;

  before(() => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), "stack-"));
  });
  after(() => fs.rmSync(directory, { recursive: true }));

  const write = (config: Record<string, unknown>): void => {
    const sshPrivateKey = { secure: "v1:" };
    const all = { ...leastConfig, sshPrivateKey, manifestsDir, ...config };
    const keys = Object.entries(all).map(([key, value]) => [`${project}:${key}`, value]);
    const text = dump({ config: Object.fromEntries(keys) as object });
    fs.writeFileSync(path.join(directory, "Pulumi.dev.yaml"), text);
  };

  it("may have certificates in files beside it, and keys that only the engine reads", async () => {
    const domains = ["hello.default.edge.example.com"];
    const { certificate } = await certificateFor(domains);
    fs.writeFileSync(path.join(directory, "chain.pem"), certificate);
    fs.writeFileSync(path.join(directory, "ca.pem"), (await testCa).certificate);
    const tls = { issuer: "given", certificate: "chain.pem", ca: "ca.pem", key: { secure: "v1:" } };
    write({ domain: "edge.example.com", tls });
    const { config } = await loadStack("dev", directory);
    assert.equal(config.tls?.ca, (await testCa).certificate);
    write({ domain: "edge.example.com", tls: { ...tls, certificate: "none.pem" } });
    await assert.rejects(
      loadStack("dev", directory),
      new RegExp(`tls\\.certificate: ${path.join(directory, "none.pem")} cannot be read`),
    );
  });

  it("has a key in tls that stands in plain text refused", async () => {
    const pair = await certificateFor(["hello.default.edge.example.com"]);
    const ca = (await testCa).certificate;
    write({ domain: "edge.example.com", tls: { issuer: "given", ca, ...pair } });
    await assert.rejects(loadStack("dev", directory), /tls\.key: stands in plain text/);
  });
});
