import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { load } from "js-yaml";
import { manifestsDir } from "../support/releases";
import { hostKey, leastConfig } from "../support/config";

interface Registered {
  type: string;
  name: string;
  inputs: Record<string, unknown>;
}

/** What an example registers, and its outputs. It finds this package by its name, as another project does. */
async function runExample(
  name: string,
  config: Record<string, string>,
): Promise<{ registered: Registered[]; outputs: Record<string, unknown> }> {
  const registered: Registered[] = [];
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name: resource, inputs }) => {
        registered.push({ type, name: resource, inputs: inputs as Registered["inputs"] });
        const ip = { loadBalancer: { ingress: [{ ip: "192.0.2.200" }] } };
        const status = type.includes("serving.knative.dev") ? { url: "http://hello" } : ip;
        const stdout = resource.endsWith("-kubeconfig") ? kubeconfig : '{"seconds":{"node":1}}';
        return { id: `${resource}-id`, state: { ...inputs, status, stdout } };
      },
      call: () => ({}),
    },
    name,
    "test",
  );
  // As mocks they say that they have these, and do not.
  const monitor = pulumi.runtime.getMonitor() as unknown as {
    registerErrorHook(request: unknown, callback: (error: Error | null) => void): void;
  };
  monitor.registerErrorHook = (_, callback) => callback(null);
  pulumi.runtime.setAllConfig(
    Object.fromEntries(Object.entries(config).map(([key, value]) => [`${name}:${key}`, value])),
  );
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const exported = require(path.join(root, "examples", name, "index.ts")) as
    (() => Promise<Record<string, unknown>>) | Record<string, unknown>;
  const outputs = typeof exported === "function" ? await exported() : exported;
  await pulumi.runtime.disconnect();
  return { registered, outputs };
}

const root = path.join(__dirname, "../..");
const kubeconfig = JSON.stringify({
  clusters: [{ name: "a", cluster: { server: "https://localhost:6443" } }],
  users: [{ name: "a", user: { token: "a-token" } }],
  contexts: [{ name: "a", context: { cluster: "a", user: "a" } }],
  "current-context": "a",
});

const valueOf = (output: unknown): Promise<unknown> =>
  new Promise((resolve) => (output as pulumi.Output<unknown>).apply(resolve));

describe("the examples", () => {
  it("put Knative, Kourier and a service into a cluster that is there, without a host", async () => {
    const config = { domain: "example.com", cluster: "a", kubeconfig, manifestsDir };
    const { registered, outputs } = await runExample("knative-on-a-cluster", config);
    assert.equal(await valueOf(outputs.url), "http://hello");
    assert.equal(await valueOf(outputs.address), "192.0.2.200");
    const ofName = (suffix: string): Registered[] =>
      registered.filter(({ name }) => name.endsWith(suffix));
    assert.deepEqual(
      registered.filter(({ type }) => type.startsWith("command:")),
      [],
    );
    const [network] = ofName("/config-network@a");
    const [anyNetwork] = ofName("/config-network");
    const data = (network ?? anyNetwork)?.inputs.data as Record<string, string>;
    assert.equal(data["ingress-class"], "kourier.ingress.networking.knative.dev");
    const [domains] = ofName("/config-domain@a");
    assert.equal((domains?.inputs.data as Record<string, string>)["example.com"], "");
    const crd = registered.find(({ type }) => type.endsWith(":CustomResourceDefinition"));
    const { annotations } = crd?.inputs.metadata as { annotations: Record<string, string> };
    assert.equal(annotations["pulumi.com/waitFor"], "condition=Established");
    assert.equal(ofName("hello-service").length, 1);
  });

  it("bring k0s up on a host, and give its kubeconfig", async () => {
    const { host = "", sshPrivateKey = "" } = leastConfig;
    const config = { host, sshPrivateKey, sshHostKey: hostKey };
    const { registered, outputs } = await runExample("k0s-host", config);
    assert.match(String(await valueOf(outputs.kubeconfig)), new RegExp(`https://${host}:6443`));
    const names = registered.map(({ name }) => name);
    assert.ok(names.includes("host-install") && names.includes("host-state"), names.join());
  });
});

describe("the package", () => {
  it("has its sources and scripts, and nothing of the lab, the tests or the commands", () => {
    const text = execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
      cwd: root,
      encoding: "utf8",
    });
    const [{ files }] = JSON.parse(text) as [{ files: { path: string }[] }];
    const packed = files.map((file) => file.path);
    for (const needed of [
      "Pulumi.yaml",
      "components/host/scripts/install.sh",
      "components/index.ts",
      "components/knative/probe.cjs",
      "index.ts",
      "lib/quantity.ts",
      "stack/releases/index.ts",
      "typescript.cjs",
    ]) {
      assert.ok(packed.includes(needed), needed);
    }
    assert.deepEqual(
      packed.filter((file) => /^(lab|test|cli|docs|examples|scripts|\.)/.test(file)),
      [],
    );
  });

  it("has the versions of the packages that the lab has too", () => {
    const versionsIn = (folder: string): Record<string, string> => {
      const text = fs.readFileSync(path.join(root, folder, "package.json"), "utf8");
      const { dependencies, devDependencies } = JSON.parse(text) as Record<string, object>;
      return { ...dependencies, ...devDependencies };
    };
    const product = versionsIn(".");
    for (const [name, version] of Object.entries(versionsIn("lab"))) {
      assert.match(version, /^\d/, name);
      assert.equal(product[name] ?? version, version, name);
    }
  });

  it("do not stand in the program's place: each project names its file", () => {
    // With a folder the engine runs what package.json exports (sdk/nodejs/cmd/run/run.ts), which registers nothing.
    for (const folder of [".", "examples/k0s-host", "examples/knative-on-a-cluster"]) {
      const project = load(fs.readFileSync(path.join(root, folder, "Pulumi.yaml"), "utf8"));
      assert.equal((project as { main: string }).main, "index.ts", folder);
    }
  });
});
