import assert from "node:assert/strict";
import { configMapProblems, exampleKey } from "../../../../components/knative/configMaps";
import { knativeSettings } from "../../../../components/knative/knativeSettings";
import { KubernetesObject } from "../../../../components/cluster/kubernetesObject";

const configMap = (name: string, example: string): KubernetesObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "knative-serving" },
  data: { [exampleKey]: example },
});
const own = [
  ...Object.keys(knativeSettings).map((name) => configMap(name, "")),
  configMap("config-features", "kubernetes.podspec-affinity: disabled\n"),
  configMap("config-network", "ingress-class: kourier.ingress.networking.knative.dev\n"),
  configMap("config-domain", ""),
  configMap("config-logging", "zap-logger-config: |\n"),
  configMap("config-tracing", ""),
  configMap("config-observability", "metrics-protocol: none\n"),
].filter(
  ({ metadata }, index, all) =>
    all.findLastIndex((other) => other.metadata.name === metadata.name) === index,
);

function problems(name: string, data: Record<string, string>): string[] {
  return configMapProblems({ [name]: data }, own).map(({ key, message }) => `${key}: ${message}`);
}

describe("Knative's settings", () => {
  const wrong: [configMap: string, data: Record<string, string>, problem: RegExp][] = [
    [
      "config-gc",
      { "max-non-active-revisions": "many" },
      /"many" is neither disabled nor a whole number of 0 or more\.$/,
    ],
    [
      "config-gc",
      { "retain-since-create-time": "2d" },
      /"2d" is neither disabled nor a duration of 0 s or more; write/,
    ],
    [
      "config-gc",
      { "max-non-active-revisions": "2" },
      /is 2, below min-non-active-revisions, 20 by default; lower that as/,
    ],
    [
      "config-autoscaler",
      { "enable-scale-to-zero": "maybe" },
      /"maybe" is neither true nor false\.$/,
    ],
    [
      "config-autoscaler",
      { "container-concurrency-target-percentage": "700" },
      /"700" is not a number above 0 and up to 100\.$/,
    ],
    [
      "config-autoscaler",
      { "initial-scale": "0" },
      /initial-scale: is "0"; set allow-zero-initial-scale to "true" with it\.$/,
    ],
    [
      "config-autoscaler",
      { "stable-window": "2h" },
      /"2h" is not a duration from 6 to 3600 s in whole seconds/,
    ],
    [
      "config-autoscaler",
      { "stable-window": "6500ms" },
      /"6500ms" is not a duration .* in whole seconds/,
    ],
    [
      "config-autoscaler",
      { "scale-to-zero-grace-period": "0s" },
      /is not a duration above 0 s; write it/,
    ],
    ["config-autoscaler", { "max-scale-up-rate": "1" }, /"1" is not a number above 1\.$/],
    [
      "config-autoscaler",
      { "target-burst-capacity": "-2" },
      /"-2" is neither -1 nor a number of 0 or more\.$/,
    ],
    ["config-autoscaler", { "min-scale": "some" }, /"some" is not a whole number of 0 or more\.$/],
    [
      "config-autoscaler",
      { "min-scale": "3", "max-scale": "2" },
      /min-scale: is 3, above max-scale 2; lower it\.$/,
    ],
    ["config-autoscaler", { "max-scale-limit": "2" }, /is 2; set max-scale from 1 to 2 with it\.$/],
    [
      "config-autoscaler",
      { "container-concurrency-target-default": "0.001" },
      /less than 0\.01 requests for a pod/,
    ],
    [
      "config-autoscaler",
      { "pod-autoscaler-class": "hpa.autoscaling.knative.dev" },
      /needs serving-hpa\.yaml, which this/,
    ],
    [
      "config-deployment",
      { "queue-sidecar-cpu-request": "25x" },
      /"25x" is not a Kubernetes quantity/,
    ],
    ["config-deployment", { "queue-sidecar-memory-limit": "-1" }, /"-1" is below 0; write it like/],
    [
      "config-deployment",
      { "progress-deadline": "1m0.5s" },
      /is not a duration above 0 s in whole seconds/,
    ],
    [
      "config-deployment",
      { "default-affinity-type": "None" },
      /"None" is none of none, prefer-spread/,
    ],
    [
      "config-network",
      { "http-protocol": "on" },
      /"on" is none of enabled, redirected, disabled\.$/,
    ],
    ["config-network", { "domain-template": "{{.Name" }, /"\{\{\.Name" is not a template/],
    [
      "config-defaults",
      { "revision-timeout-seconds": "900" },
      /is 900, above max-revision-timeout-seconds 600; lower/,
    ],
    [
      "config-defaults",
      { "revision-idle-timeout-seconds": "400" },
      /is above revision-timeout-seconds 300; lower it/,
    ],
    [
      "config-defaults",
      { "container-concurrency": "1001" },
      /is 1001, above container-concurrency-max-limit 1000/,
    ],
    [
      "config-features",
      { "kubernetes.podspec-affinity": "on" },
      /"on" is none of enabled, allowed, disabled\.$/,
    ],
    ["config-leader-election", { buckets: "11" }, /"11" is not a whole number from 1 to 10\.$/],
    [
      "config-network",
      { "ingres-class": "a" },
      /there is no such key; did you mean "ingress-class"\?/,
    ],
    [
      "config-network",
      { "tag-template": "{{.Domain}}" },
      /has \.Domain, and can have Name, Tag alone/,
    ],
    [
      "config-network",
      { "domain-template": "" },
      /"" makes no host name; write it like \{\{\.Name/,
    ],
    ["config-network", { "namespace-wildcard-cert-selector": "all" }, /is not a mapping in YAML/],
    ["config-logging", { "loglevel.controller": "loud" }, /"loud" is none of debug, info, warn/],
    [
      "config-observability",
      { "metrics-protocol": "opencensus" },
      /"opencensus" is none of none, grpc, http\/protobuf, prometheus/,
    ],
    [
      "config-observability",
      { "tracing-sampling-rate": "2" },
      /"2" is not a number from 0 to 1|up to 1/,
    ],
    [
      "config-observability",
      { "tracing-protocol": "grpc" },
      /tracing-protocol: is grpc; set tracing-endpoint with it/,
    ],
    [
      "config-observability",
      { "metrics-endpoint": "otel:4317" },
      /metrics-endpoint: does nothing with metrics-protocol none; unset it, or set that/,
    ],
    ["config-gc", { keep: "3" }, /there is no such key; there are retain-since-create-time, .*\.$/],
    ["config-logging", { level: "debug" }, /there is no such key; there are zap-logger-config\.$/],
    ["config-features", { "kubernetes.podspec-hostpaths": "enabled" }, /there is no such key; /],
  ];
  for (const [name, data, problem] of wrong) {
    it(`refuse ${name} ${JSON.stringify(data)}`, () => {
      const found = problems(name, data);
      assert.equal(found.length, 1, found.join("\n"));
      assert.ok(found[0]?.startsWith(`knativeConfig.${name}.`), found[0]);
      assert.match(found[0] ?? "", problem);
    });
  }

  it("take what Knative's own parsers take", () => {
    const good: [configMap: string, data: Record<string, string>][] = [
      ["config-gc", { "max-non-active-revisions": "Disabled", "retain-since-create-time": "" }],
      ["config-gc", { "max-non-active-revisions": "2", "min-non-active-revisions": "0" }],
      ["config-autoscaler", { "initial-scale": "0", "allow-zero-initial-scale": "t" }],
      [
        "config-autoscaler",
        { "container-concurrency-target-percentage": "0.7", "stable-window": "1m30s" },
      ],
      ["config-autoscaler", { "target-burst-capacity": "-1", "max-scale-up-rate": "1.5e1" }],
      [
        "config-autoscaler",
        { "scale-to-zero-pod-retention-period": "0", "panic-window-percentage": "+10." },
      ],
      [
        "config-defaults",
        { "revision-timeout-seconds": "900", "max-revision-timeout-seconds": "900" },
      ],
      ["config-deployment", { "default-affinity-type": "none", "progress-deadline": "1.5m" }],
      [
        "config-features",
        { "kubernetes.podspec-affinity": "Enabled", "secure-pod-defaults": "AllowRootBounded" },
      ],
      ["config-domain", { "example.co": "" }],
      ["config-logging", { "loglevel.controller": "debug", "zap-logger-config": "{}" }],
      ["config-tracing", { backend: "none" }],
      ["config-network", { "domain-template": "{{.Name}}-{{.Namespace}}.{{.Domain}}" }],
    ];
    for (const [name, data] of good) {
      assert.deepEqual(problems(name, data), []);
    }
  });
});
