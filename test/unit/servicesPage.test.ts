import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { dump } from "js-yaml";
import { loadStack } from "../../cli/lib/loadStack";
import { certificateFor, testCa } from "../support/certificates";
import { leastConfig, project } from "../support/config";
import { manifestsDir } from "../support/releases";
import { pageFile, pageStacks } from "../support/servicesPage";

describe("docs/services.md", () => {
  let directory: string;

  before(async () => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), "services-"));
    const write = (name: string, text: string): void =>
      fs.writeFileSync(path.join(directory, name), text);
    const image = "ghcr.io/example/api:1";
    const spec = { template: { spec: { containers: [{ image }] } } };
    write("service.yaml", dump({ apiVersion: "serving.knative.dev/v1", kind: "Service", spec }));
    write("score.yaml", pageFile("score.yaml"));
    const names = ["hello.default.edge.example.com", "api.default.edge.example.com"];
    write("chain.pem", (await certificateFor(names)).certificate);
    write("api.pem", (await certificateFor(["api.example.com"])).certificate);
  });
  after(() => fs.rmSync(directory, { recursive: true }));

  it("has its examples", () => assert.equal(pageStacks.length, 11));

  for (const { title, key, config } of pageStacks) {
    it(`has ${title}, that the program takes`, async () => {
      const { tls } = config;
      // No system trusts the CA of tests.
      const isGiven = tls?.certificate !== undefined || tls?.certificates !== undefined;
      const certificates = Object.keys(tls?.certificates ?? {});
      assert.ok(!isGiven || tls?.certificate !== undefined || certificates.length > 0);
      const ca = isGiven && { tls: { ...tls, ca: (await testCa).certificate } };
      // A quota is of a namespace that has a service.
      const stock = { image: "ghcr.io/example/stock:1", namespace: "shop" };
      const all = {
        ...leastConfig,
        domain: "edge.example.com",
        manifestsDir,
        sshPrivateKey: { secure: "v1:" },
        ...config,
        ...ca,
        ...(key === "namespaces" && { services: { stock } }),
      };
      const named = Object.entries(all).map(([name, value]) => [`${project}:${name}`, value]);
      const text = dump({ config: Object.fromEntries(named) as object });
      fs.writeFileSync(path.join(directory, "Pulumi.dev.yaml"), text);
      await loadStack("dev", directory);
    });
  }
});
