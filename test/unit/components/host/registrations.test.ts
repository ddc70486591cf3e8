import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { hostConnection } from "../../../../components/host/hostConnection";
import { HostConnection } from "../../../../components/host/hostScript";
import { Graph, Registration, runProgram } from "../../../../cli/recording/recorder";
import { hostKey, leastConfig, testConfig } from "../../../support/config";
import { recordedGraph } from "../../../support/record";
import { recordedConfigs } from "../../../support/recordedConfigs";
import { manifestsDir } from "../../../support/releases";
import { sshKeyPair } from "../../../support/sshKeys";

const passphrase = "a-passphrase-that-must-not-leak";
const token = "a-token-that-must-not-leak";
const kubeconfig = JSON.stringify({
  clusters: [{ name: "a", cluster: { server: "https://localhost:6443" } }],
  users: [{ name: "a", user: { token } }],
  contexts: [{ name: "a", context: { cluster: "a", user: "a" } }],
  "current-context": "a",
});

describe("the connection of a configuration", () => {
  it("has every key and passphrase as a secret by itself, wherever a program puts it", async () => {
    const { private: key } = sshKeyPair({ passphrase, cipher: "aes256-cbc", rounds: 1 });
    const { host } = testConfig({
      sshPrivateKey: key,
      sshPrivateKeyPassphrase: passphrase,
      jumpHost: "198.51.100.1",
      jumpHostKey: hostKey,
    });
    const { proxy, ...direct } = hostConnection(host) as HostConnection & {
      proxy: HostConnection;
    };
    for (const { privateKey, privateKeyPassword } of [direct, proxy]) {
      for (const secret of [privateKey, privateKeyPassword]) {
        assert.ok(await pulumi.isSecret(pulumi.output(secret) as pulumi.Output<string>));
      }
    }
  });
});

describe("the registrations of the program", () => {
  const log = pulumi.log as { debug: typeof pulumi.log.debug };
  const { debug } = log;
  const debugged: string[] = [];
  let graph: Graph;

  before(async () => {
    log.debug = (line) => Promise.resolve(void debugged.push(line));
    const sshPrivateKey = sshKeyPair({ passphrase, cipher: "aes256-cbc", rounds: 1 }).private;
    const keys = { sshPrivateKey, sshPrivateKeyPassphrase: passphrase };
    graph = await runProgram(
      { ...leastConfig, ...keys, manifestsDir },
      { stdout: (name) => (name === "host-kubeconfig" ? kubeconfig : '{"seconds":1}') },
    );
  });

  after(() => (log.debug = debug));

  const ofType = (suffix: string): Registration[] =>
    graph.registrations.filter(({ type }) => type.endsWith(suffix));

  it("have the key's passphrase only as a secret", () => {
    const connections = ofType(":remote:Command").map(({ inputs }) => JSON.stringify(inputs));
    assert.ok(connections.every((text) => text.includes(passphrase)));
    assert.ok(!JSON.stringify(graph.registrations.map(withoutSecrets)).includes(passphrase));
  });

  it("keep the connection, the scripts and the phases of the host's state out of previews", () => {
    const { inputs } = graph.find("host-state");
    for (const name of ["connection", "look", "phases"]) {
      assert.deepEqual(Object.keys(inputs[name] as object), ["secret"], name);
    }
  });

  it("keep answers of the engine out of Pulumi's debug log", async () => {
    await pulumi.log.debug(`RegisterResource RPC finished: a; err: null, resp: ${token}`);
    assert.ok(debugged.length > 1);
    assert.deepEqual(
      debugged.filter((line) => line.includes(token)),
      [],
    );
  });

  it("mark the kubeconfig as a secret wherever it goes", () => {
    assert.ok(!JSON.stringify(withoutSecrets(graph.registeredOutputs)).includes(token));
    assert.ok(!JSON.stringify(withoutSecrets(graph.registrations)).includes(token));
    assert.ok(JSON.stringify(graph.find("cluster").inputs).includes(token));
  });

  const waits: [from: string, to: string, why: string][] = [
    ["DaemonSet speaker", "Deployment controller", "it mounts a Secret that the controller makes"],
    ["Service hello", "DaemonSet speaker", "the address answers once it is announced"],
  ];
  for (const [from, to, why] of waits) {
    it(`have MetalLB's or Knative's ${from} wait for MetalLB's ${to}: ${why}`, () => {
      const named = (text: string): Registration => {
        const [kind = "", name = ""] = text.split(" ");
        const full = name === "hello" ? "hello-service" : `metallb-metallb-system/${name}`;
        const [found] = ofType(`:${kind}`).filter((each) => each.name === full);
        assert.ok(found, text);
        return found;
      };
      assert.ok(graph.waitsFor(named(from), named(to)));
    });
  }

  it("take over what is in the cluster already, and change ConfigMaps and Secrets in place", () => {
    const { inputs } = graph.find("cluster", "pulumi:providers:kubernetes");
    for (const name of [
      "enableConfigMapMutable",
      "enableSecretMutable",
      "upsertExistingObjects",
      "enablePatchForce",
    ]) {
      // The SDK sends a provider's settings as JSON.
      assert.equal(String(inputs[name]), "true", name);
    }
  });

  it("leave to the cluster's controllers what they fill in", () => {
    const ignored = Object.fromEntries(
      graph.registrations
        .filter(({ type, ignoreChanges }) => type.startsWith("kubernetes:") && ignoreChanges[0])
        .map(({ name, ignoreChanges }) => [name.replace(/^[^-]+-/, ""), ignoreChanges]),
    );
    const bundle = "webhooks[*].clientConfig.caBundle";
    const knative = [bundle, "webhooks[*].rules"];
    // Its flags are told of below.
    delete ignored["knative-serving/config-features"];
    assert.deepEqual(ignored, {
      "metallb-system/metallb-webhook-cert": ["data"],
      "metallb-webhook-configuration": [bundle],
      "knative-serving/webhook-certs": ["data"],
      "knative-serving-admin": ["rules"],
      "knative-serving-aggregated-addressable-resolver": ["rules"],
      "config.webhook.serving.knative.dev": knative,
      "webhook.serving.knative.dev": knative,
      "validation.webhook.serving.knative.dev": knative,
    });
  });

  it("let a feature flag that is on stay on, unless the user sets it", async () => {
    const flags = async (knativeConfig: object): Promise<string[]> => {
      const config = { ...leastConfig, manifestsDir, knativeConfig: JSON.stringify(knativeConfig) };
      const changed = await runProgram(config, { preview: true });
      return changed.find("knative-knative-serving/config-features").ignoreChanges;
    };
    const flag = "kubernetes.podspec-init-containers";
    assert.ok((await flags({})).includes(`data["${flag}"]`));
    const set = await flags({ "config-features": { [flag]: "disabled" } });
    assert.ok(set.length > 20 && !set.includes(`data["${flag}"]`));
  });

  it("send no command its last output, which sshd refuses and which may be long", () => {
    const commands = [...ofType(":remote:Command"), ...ofType(":local:Command")];
    assert.ok(commands.length > 8);
    for (const { name, inputs } of commands) {
      assert.equal(inputs.addPreviousOutputInEnv, false, name);
    }
  });

  it("let every command that looks into the cluster go with it", () => {
    const state = graph.find("host-state").urn;
    for (const name of ["metallb-admission", "knative-admission", "hello-probe-request"]) {
      assert.equal(graph.find(name).deletedWith, state, name);
    }
  });

  it("give up on an address within a minute, which is given at once or never", () => {
    const [gateway] = ofType(":core/v1:Service").filter(({ inputs }) =>
      JSON.stringify(inputs).includes('"LoadBalancer"'),
    );
    const { create, update } = gateway?.customTimeouts ?? {};
    assert.deepEqual([create, update], ["60s", "60s"]);
  });
});

function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== "object" || value === null) return value;
  return "secret" in value
    ? "[secret]"
    : Object.fromEntries(Object.entries(value).map(([key, field]) => [key, withoutSecrets(field)]));
}

describe("the registries of a host", () => {
  it("are told to containerd between the installation and the phase that restarts k0s", async () => {
    const graph = await recordedGraph("registries");
    const phase = graph.find("host-registries");
    assert.ok(graph.waitsFor(phase, graph.find("host-install")));
    assert.ok(graph.waitsFor(graph.find("host-ready"), phase));
    const { stdin, phases } = {
      ...(phase.inputs as { stdin: string }),
      ...(graph.find("host-state").inputs as { phases: { secret: { stdin: string }[] } }),
    };
    assert.ok(stdin.includes("== docker.io/hosts.toml\n"));
    assert.equal(phases.secret.filter((each) => each.stdin === stdin).length, 1);
  });

  it("are forgotten by a delete, unless the host is abandoned", async () => {
    const changed = { ...recordedConfigs.registries, abandonHost: "true" };
    const abandoned = await runProgram(changed, { preview: true });
    assert.equal(abandoned.find("host-registries").retainOnDelete, true);
    const phase = (await recordedGraph("registries")).find("host-registries");
    assert.equal(phase.retainOnDelete, false);
    assert.match(String(phase.inputs.delete), /delete/);
  });

  it("are not told where all are reached as usual", async () => {
    const registries = JSON.stringify({ "ghcr.io": { username: "edge", password: "hush" } });
    const graph = await runProgram({ ...leastConfig, manifestsDir, registries }, { preview: true });
    assert.equal(graph.registrations.filter(({ name }) => name === "host-registries").length, 0);
  });
});
