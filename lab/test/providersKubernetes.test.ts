import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import http from "node:http";
import { AddressInfo } from "node:net";
import { Api } from "../providers/kubernetes/api";
import { diffObjects, forceNewPaths, withoutIgnored } from "../providers/kubernetes/diff";
import { accessOf, activeCluster, parseKubeconfig } from "../providers/kubernetes/kubeconfig";
import { timeoutOf } from "../providers/kubernetes/await";
import {
  canonicalQuantity,
  checkpoint,
  gvkOfToken,
  idOf,
  normalize,
  parseCheckpoint,
  pruneToShape,
} from "../providers/kubernetes/objects";
import { checkConfig, diffConfig } from "../providers/kubernetes/config";
import { ownsField, takeOver } from "../providers/kubernetes/ownership";
import { kubernetesProvider } from "../providers/kubernetes/provider";
import { parseWaitFor } from "../providers/kubernetes/await/waitfor";
import { Host } from "../providers/server";
import { Obj, Secret, unknown } from "../providers/values";

const deployment = (cpu: string, extra: Obj = {}): Obj => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "d", namespace: "n", labels: { "app.kubernetes.io/name": "x" } },
  spec: {
    selector: { matchLabels: { a: "b" } },
    template: { spec: { containers: [{ name: "c", resources: { requests: { cpu } }, ...extra }] } },
  },
});
const mutable = { configMaps: true, secrets: true };
const paths = (old: Obj, news: Obj, m = mutable) =>
  [...diffObjects(old, news, forceNewPaths(news, m))].map(
    ([path, c]) => `${c.kind}${c.replace ? "!" : ""} ${path}`,
  );

describe("lab providers: kubernetes", () => {
  it("has the SDK's version", () => {
    const sdk = JSON.parse(
      readFileSync(require.resolve("@pulumi/kubernetes/package.json"), "utf8"),
    ) as {
      version: string;
    };
    assert.equal(kubernetesProvider(new Host()).version, sdk.version);
  });

  describe("diff", () => {
    it("shows one changed request as one path", () => {
      assert.deepEqual(paths(deployment("300m"), deployment("150m")), [
        "update spec.template.spec.containers[0].resources.requests.cpu",
      ]);
    });

    it("sees what came and went, in lists too", () => {
      const [a, b] = [deployment("1"), deployment("1", { image: "i" })];
      assert.deepEqual(paths(a, b), ["add spec.template.spec.containers[0].image"]);
      assert.deepEqual(paths(b, a), ["delete spec.template.spec.containers[0].image"]);
      assert.deepEqual(paths({ kind: "X", l: [1, 2] }, { kind: "X", l: [1] }), ["delete l[1]"]);
      assert.deepEqual(paths({ kind: "X", l: [1] }, { kind: "X", l: [1, unknown] }), ["add l[1]"]);
    });

    it("takes a built-in kind's empty fields for absent, but not a custom kind's, nor a map's entries", () => {
      assert.deepEqual(
        paths(deployment("1"), deployment("1", { stdin: false, args: [], env: [{}] })),
        [
          // A list with something in it is there.
          "add spec.template.spec.containers[0].env",
        ],
      );
      const custom = (spec: Obj): Obj => ({
        apiVersion: "serving.knative.dev/v1",
        kind: "Service",
        spec,
      });
      assert.deepEqual(paths(custom({}), custom({ x: false })), ["add spec.x"]);
      const map = (data: Obj): Obj => ({ apiVersion: "v1", kind: "ConfigMap", data });
      assert.deepEqual(paths(map({}), map({ k: "" })), ["add data.k"]);
    });

    it("replaces what cannot be changed", () => {
      const renamed = { ...deployment("1"), metadata: { name: "e", namespace: "n" } };
      assert.deepEqual(paths(deployment("1"), renamed), [
        "update! metadata.name",
        "delete metadata.labels",
      ]);
      const selected = deployment("1");
      (selected.spec as Obj).selector = { matchLabels: { a: "c" } };
      assert.deepEqual(paths(deployment("1"), selected), ["update! spec.selector.matchLabels.a"]);
      const job = (image: string): Obj => ({
        apiVersion: "batch/v1",
        kind: "Job",
        spec: { template: { spec: { containers: [{ image }] } } },
      });
      assert.deepEqual(paths(job("a"), job("b")), [
        "update! spec.template.spec.containers[0].image",
      ]);
    });

    it("replaces ConfigMaps and Secrets unless the provider says they are mutable", () => {
      const map = (v: string, more: Obj = {}): Obj => ({
        apiVersion: "v1",
        kind: "ConfigMap",
        data: { v },
        ...more,
      });
      const secret = (v: string): Obj => ({ ...map(v), kind: "Secret" });
      const fixed = { configMaps: false, secrets: false };
      assert.deepEqual(paths(map("1"), map("2")), ["update data.v"]);
      assert.deepEqual(paths(map("1"), map("2"), fixed), ["update! data.v"]);
      assert.deepEqual(paths(secret("1"), secret("2")), ["update data.v"]);
      assert.deepEqual(paths(secret("1"), secret("2"), fixed), ["update! data.v"]);
      assert.deepEqual(paths(map("1", { immutable: true }), map("2", { immutable: true })), [
        "update! data.v",
      ]);
    });

    it("leaves out what is ignored", () => {
      const changes = diffObjects(deployment("1"), deployment("2", { image: "i" }), []);
      const rest = withoutIgnored(changes, ["spec.template.spec.containers[*].resources"]);
      assert.deepEqual([...rest.keys()], ["spec.template.spec.containers[0].image"]);
      assert.equal(withoutIgnored(changes, ["spec"]).size, 0);
    });
  });

  describe("objects", () => {
    it("are written in one normal form", () => {
      const quantities: [string, string][] = [
        ["0.5", "500m"],
        ["1000m", "1"],
        ["1024Mi", "1Gi"],
        ["1000Mi", "1000Mi"],
        ["1.5Gi", "1536Mi"],
        ["100m", "100m"],
        ["0.1", "100m"],
        ["2000000", "2M"],
        ["0", "0"],
        ["1e3", "1e3"],
        ["x", "x"],
      ];
      for (const [given, wanted] of quantities)
        assert.equal(canonicalQuantity(given), wanted, given);
      assert.deepEqual(normalize(deployment("0.5")), deployment("500m"));
      assert.deepEqual(
        normalize({
          apiVersion: "v1",
          kind: "Secret",
          stringData: { a: "b" },
          data: { c: "ZA==" },
        }),
        {
          apiVersion: "v1",
          kind: "Secret",
          data: { a: "Yg==", c: "ZA==" },
        },
      );
      assert.deepEqual(
        normalize({ kind: "X", metadata: { name: "n", uid: "u", creationTimestamp: null } }),
        {
          kind: "X",
          metadata: { name: "n" },
        },
      );
    });

    it("are cut to a shape", () => {
      assert.deepEqual(pruneToShape({ a: 1, b: [{ c: 1, d: 2 }, { c: 3 }] }, { b: [{ c: 0 }] }), {
        b: [{ c: 1 }],
      });
      assert.deepEqual(pruneToShape({ a: { b: 1 } }, { a: "text" }), { a: { b: 1 } });
    });

    it("stand in the state with their inputs, a Secret's data secret", () => {
      const inputs: Obj = {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "s" },
        data: { a: "YQ==" },
      };
      const state = checkpoint(inputs, { ...inputs, type: "Opaque" }, inputs, "v1", "m");
      assert.ok(state.data instanceof Secret);
      assert.ok((state.__inputs as Obj).data instanceof Secret);
      assert.equal(state.__fieldManager, "m");
      const { inputs: back, live } = parseCheckpoint(state);
      assert.deepEqual(back, inputs);
      assert.equal(live.type, "Opaque");
    });

    it("have ids, and kinds by token", () => {
      assert.equal(idOf({ metadata: { name: "a", namespace: "b" } }), "b/a");
      assert.equal(idOf({ metadata: { name: "a" } }), "a");
      assert.deepEqual(gvkOfToken("kubernetes:core/v1:ConfigMap"), {
        group: "",
        version: "v1",
        kind: "ConfigMap",
      });
      assert.throws(
        () => gvkOfToken("kubernetes:v1:ConfigMap"),
        /does not have both a group and a version: "v1"/,
      );
      assert.equal(gvkOfToken("kubernetes:core/v1:ConfigMapPatch").kind, "ConfigMap");
      assert.equal(gvkOfToken("kubernetes:example.com/v1:MyPatch").kind, "MyPatch");
      for (const token of [
        "kubernetes:helm.sh/v3:Release",
        "kubernetes:core/v1:ConfigMapList",
        "kubernetes:yaml/v2:ConfigFile",
      ]) {
        assert.throws(() => gvkOfToken(token), /does not have/);
      }
    });

    it("have ten minutes, or what the annotation or the resource says", () => {
      const annotated = { metadata: { annotations: { "pulumi.com/timeoutSeconds": "7" } } };
      assert.equal(timeoutOf({}, 0), 600);
      assert.equal(timeoutOf(annotated, 0), 7);
      assert.equal(timeoutOf(annotated, 3), 3);
    });
  });

  describe("waitFor", () => {
    const ready = (status: string, more: Obj = {}): Obj => ({
      metadata: { generation: 2 },
      status: {
        conditions: [{ type: "Ready", status, ...more }],
        phase: "Done",
        list: [{ a: 1 }, { a: 2 }],
      },
    });
    const done = (text: string, object: Obj) => parseWaitFor(text)(object).done;

    it("reads conditions", () => {
      assert.ok(done("condition=Ready", ready("True")));
      assert.ok(done("condition=ready=false", ready("False")));
      assert.ok(!done("condition=Ready", ready("Unknown")));
      assert.ok(!done("condition=Ready", {}));
      assert.ok(!done("condition=Ready", ready("True", { observedGeneration: 1 })));
      assert.ok(done("condition=Ready", ready("True", { observedGeneration: 2 })));
    });

    it("reads JSON paths", () => {
      assert.ok(done("jsonpath={.status.phase}=Done", ready("True")));
      assert.ok(!done("jsonpath={.status.phase}=Open", ready("True")));
      assert.ok(done("jsonpath={.status.list[*].a}", ready("True")));
      assert.ok(done("jsonpath={.status.list[?@.a==2].a}=2", ready("True")));
      assert.ok(!done("jsonpath={.status.none}", ready("True")));
      assert.throws(() => done("jsonpath={.status.list}=x", ready("True")), /non-primitive value/);
    });

    it("wants all of a list", () => {
      const both = '["condition=Ready", "jsonpath={.status.phase}=Done"]';
      assert.ok(done(both, ready("True")));
      assert.ok(!done(both, ready("False")));
    });

    it("refuses what it cannot read, in the official words", () => {
      const refused: [string, RegExp][] = [
        ["Ready", /expected a "jsonpath=" or "condition=" prefix, got "Ready"/],
        ["[]", /at least one condition/],
        ["jsonpath=.a", /should be wrapped in brackets/],
        ["jsonpath={.a}=", /requires a value/],
        ["jsonpath='{.a}'", /should omit shell quotes/],
        ["jsonpath={.a}=b=c", /format should be/],
        ["jsonpath={.a[}", /parsing/],
      ];
      for (const [text, error] of refused) assert.throws(() => parseWaitFor(text), error);
    });
  });

  it("asks for the OpenAPI document before the kinds, which makes the API server carry it", async () => {
    const asked: string[] = [];
    const server = http.createServer((request, response) => {
      asked.push(`${request.url} ${request.headers.accept?.split("/")[1]?.slice(0, 12)}`);
      response.setHeader("content-type", "application/json").end('{"items": []}');
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const { port } = server.address() as AddressInfo;
      const access = { server: `http://127.0.0.1:${port}`, insecure: false, namespace: "default" };
      await new Api(access).discover();
    } finally {
      server.closeAllConnections();
      server.close();
    }
    assert.equal(asked[0], "/openapi/v2?timeout=32s com.github.p");
    assert.deepEqual(
      asked
        .slice(1)
        .map((line) => line.split(" ")[0])
        .sort(),
      ["/api", "/apis"],
    );
  });

  describe("configuration", () => {
    const kubeconfig = (server: string) => `
apiVersion: v1
kind: Config
current-context: c
contexts: [{name: c, context: {cluster: k, user: u, namespace: ns}}]
clusters: [{name: k, cluster: {server: "${server}/", certificate-authority-data: Y2E=}}]
users: [{name: u, user: {token: t}}]`;

    it("reads a kubeconfig", () => {
      const config = parseKubeconfig(kubeconfig("https://h:6443"));
      const access = accessOf(config, {});
      assert.equal(access.server, "https://h:6443");
      assert.equal(access.ca?.toString(), "ca");
      assert.equal(access.authorization, "Bearer t");
      assert.equal(access.namespace, "ns");
      assert.equal(activeCluster(config, { context: "other" }), undefined);
      assert.throws(() => accessOf({}, {}), /no configuration has been provided/);
    });

    it("refuses options it does not have", () => {
      assert.deepEqual(checkConfig({ kubeconfig: "x", enableConfigMapMutable: "true" }), []);
      const names = checkConfig({ renderYamlToDirectory: "x", enableServerSideApply: "false" }).map(
        (f) => f.property,
      );
      assert.deepEqual(names, ["renderYamlToDirectory", "enableServerSideApply"]);
    });

    it("replaces by cluster, and by clusterIdentifier alone where there is one", () => {
      const config = (server: string, id?: string): Obj => ({
        kubeconfig: new Secret(kubeconfig(server)),
        ...(id && { clusterIdentifier: id }),
      });
      assert.equal(diffConfig(config("https://a"), config("https://a")).changes, false);
      assert.deepEqual(diffConfig(config("https://a"), config("https://b")).replaces, [
        "kubeconfig",
      ]);
      const same = diffConfig(config("https://a", "x"), config("https://b", "x"));
      assert.deepEqual([same.changes, same.replaces], [true, []]);
      assert.deepEqual(diffConfig(config("https://a", "x"), config("https://a", "y")).replaces, [
        "clusterIdentifier",
      ]);
      const unknownOne = { ...config("https://a", "x"), kubeconfig: unknown };
      assert.deepEqual(diffConfig(config("https://a", "x"), unknownOne).replaces, []);
      assert.deepEqual(diffConfig(config("https://a"), { kubeconfig: unknown }).replaces, [
        "kubeconfig",
      ]);
    });
  });

  it("hands the creator's fields over to the applier", () => {
    const entry = (manager: string, operation: string, fields: Obj, more: Obj = {}): Obj => ({
      manager,
      operation,
      fieldsV1: fields,
      ...more,
    });
    const created = entry("pulumi-kubernetes", "Update", { "f:data": { "f:a": {} } });
    const status = entry(
      "kube-controller-manager",
      "Update",
      { "f:status": {} },
      { subresource: "status" },
    );
    const ours = entry("mine", "Apply", { "f:data": { "f:b": {} } });
    assert.deepEqual(takeOver([created, status, ours], "mine"), [
      status,
      entry("mine", "Apply", { "f:data": { "f:a": {}, "f:b": {} } }),
    ]);
    assert.equal(takeOver([status, ours], "mine"), undefined);
    assert.ok(ownsField({ "f:data": { "f:a": {} } }, ["data", "a"]));
    assert.ok(!ownsField({ "f:data": { "f:a": {} } }, ["data", "b"]));
  });
});
