import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { dump, load } from "js-yaml";
import { loadStack } from "../../cli/lib/loadStack";
import { certificateFor, testCa } from "../support/certificates";
import { leastConfig, project } from "../support/config";
import { manifestsDir } from "../support/releases";

const page = fs.readFileSync(path.join(__dirname, "../../docs/services.md"), "utf8");
const blocks = [...page.matchAll(/^```yaml\n([^]*?)^```$/gm)].map(([, text = ""]) => text);
const stacks = blocks.filter((text) => text.startsWith("config:"));

describe("docs/services.md", () => {
  let directory: string;

  before(async () => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), "services-"));
    const write = (name: string, text: string): void =>
      fs.writeFileSync(path.join(directory, name), text);
    const image = "ghcr.io/example/api:1";
    const spec = { template: { spec: { containers: [{ image }] } } };
    write("service.yaml", dump({ apiVersion: "serving.knative.dev/v1", kind: "Service", spec }));
    write("score.yaml", blocks.find((text) => text.startsWith("# score.yaml")) ?? "");
    const names = ["hello.default.edge.example.com", "api.default.edge.example.com"];
    write("chain.pem", (await certificateFor(names)).certificate);
    write("api.pem", (await certificateFor(["api.example.com"])).certificate);
  });
  after(() => fs.rmSync(directory, { recursive: true }));

  it("has its examples", () => assert.equal(stacks.length, 10));

  stacks.forEach((text, index) => {
    const [, key] = /knative-edge:(\w+)/.exec(text) ?? [];
    it(`has an example ${index + 1}, of ${key}, that the program takes`, async () => {
      const { config } = load(text.replaceAll("knative-edge:", `${project}:`)) as {
        config: Record<string, Record<string, unknown>>;
      };
      const tls = config[`${project}:tls`];
      if (tls?.certificate !== undefined || tls?.certificates !== undefined) {
        // No system trusts the CA of tests.
        const certificates = Object.values((tls.certificates ?? {}) as Record<string, object>);
        tls.ca = (await testCa).certificate;
        assert.ok(tls.certificate !== undefined || certificates.length > 0);
      }
      const own = { ...leastConfig, domain: "edge.example.com", manifestsDir };
      const named = Object.entries(own).map(([name, value]) => [`${project}:${name}`, value]);
      const all = {
        ...(Object.fromEntries(named) as object),
        [`${project}:sshPrivateKey`]: { secure: "v1:" },
        ...config,
        // A quota is of a namespace that has a service.
        ...(key === "namespaces" && {
          [`${project}:services`]: {
            stock: { image: "ghcr.io/example/stock:1", namespace: "shop" },
          },
        }),
      };
      fs.writeFileSync(path.join(directory, "Pulumi.dev.yaml"), dump({ config: all }));
      await loadStack("dev", directory);
    });
  });
});
