import assert from "node:assert/strict";
import { KubernetesObject } from "../../../../components/cluster/kubernetesObject";
import { compareReleases, comparisonText } from "../../../../stack/releases/compareReleases";

const configMap = (name: string, data: Record<string, string>): KubernetesObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name },
  data,
});
const deployment = (version: string, containers: object[]): KubernetesObject =>
  ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "d", namespace: "n", labels: { "app.kubernetes.io/version": version } },
    spec: { template: { spec: { containers } } },
  }) as KubernetesObject;
const container = (name: string, digest: string, cpu: string, env: object[] = []): object => ({
  name,
  image: `gcr.io/x/${name}@sha256:${digest.repeat(64)}`,
  env,
  resources: { requests: { cpu } },
});

describe("the comparison of two releases", () => {
  it("has objects, containers, images, requests, and keys of ConfigMaps, also explained ones", () => {
    const before = [
      deployment("1.23.0", [container("a", "1", "100m"), container("gone", "1", "1")]),
      configMap("old", {}),
      configMap("c", { _example: "a: 1\nb: 2\n", set: "x" }),
    ];
    const after = [
      deployment("1.24.0", [
        container("a", "2", "300m", [{ name: "E", value: "v" }]),
        { name: "new" },
      ]),
      configMap("c", { _example: "a: 3\nc: 4\n", set: "x" }),
      configMap("new", {}),
    ];
    assert.deepEqual(comparisonText(compareReleases(before, after)).split("\n"), [
      "+ v1 ConfigMap new",
      "- v1 ConfigMap old",
      "~ apps/v1 Deployment n/d",
      "    containers[a].image: gcr.io/x/a@sha256:111111111111 → gcr.io/x/a@sha256:222222222222",
      '    + containers[a].env[E]: {"name":"E","value":"v"}',
      "    containers[a].resources.requests.cpu: 100m → 300m",
      '    - containers[gone]: {"name":"gone","image":"gcr.io/x/gone@sha256:111111111111","env":[],"resources":{"requests":{"cpu":"1"}}}',
      '    + containers[new]: {"name":"new"}',
      "~ v1 ConfigMap c",
      "    data._example.a: 1 → 3",
      "    - data._example.b: 2",
      "    + data._example.c: 4",
    ]);
  });

  it("is empty where only the version's label differs", () => {
    const both = ["1.23.0", "1.24.0"].map((version) => [deployment(version, [{ name: "a" }])]);
    assert.equal(
      comparisonText(compareReleases(both[0] ?? [], both[1] ?? [])),
      "No object differs.",
    );
  });

  it("says of a schema, and of a text too long for a line, that it changed", () => {
    const crd = (type: string): KubernetesObject => ({
      ...configMap("crd", { long: type.repeat(100) }),
      spec: { versions: [{ name: "v1", schema: { type } }] },
    });
    assert.deepEqual(compareReleases([crd("a")], [crd("b")]).changed[0]?.fields, [
      "data.long: " + "a".repeat(100) + " → " + "b".repeat(100),
      "spec.versions[v1].schema changed",
    ]);
    assert.deepEqual(compareReleases([crd("ab")], [crd("bc")]).changed[0]?.fields, [
      "data.long changed",
      "spec.versions[v1].schema changed",
    ]);
  });
});
