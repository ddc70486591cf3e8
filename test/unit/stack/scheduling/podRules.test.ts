import assert from "node:assert/strict";
import {
  counts,
  matchesNode,
  podRules,
  tolerates,
  toleratesAll,
  Toleration,
} from "../../../../stack/scheduling/podRules";
import { Taint } from "../../../../components/worker/workerConfig";
import { JsonObject } from "../../../../lib/json";

const taint = (effect: Taint["effect"], value = "yes"): Taint => ({ key: "spot", value, effect });

describe("the rules of a pod", () => {
  const takes = (spec: JsonObject, labels: Record<string, string>): boolean =>
    matchesNode(podRules(spec, {}), labels);

  const terms = (...expressions: JsonObject[][]): JsonObject => ({
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: expressions.map((matchExpressions) => ({ matchExpressions })),
        },
      },
    },
  });

  it("want every label of the selector", () => {
    const spec = { nodeSelector: { disk: "ssd", zone: "a" } };
    assert.ok(takes(spec, { disk: "ssd", zone: "a", other: "x" }));
    assert.ok(!takes(spec, { disk: "ssd" }));
    assert.ok(!takes(spec, { disk: "ssd", zone: "b" }));
    assert.ok(takes({}, {}));
  });

  it("want the labels of one of the terms, and all conditions of it", () => {
    const spec = terms(
      [
        { key: "disk", operator: "In", values: ["ssd", "nvme"] },
        { key: "slow", operator: "DoesNotExist" },
      ],
      [{ key: "gpu", operator: "Exists" }],
    );
    assert.ok(takes(spec, { disk: "nvme" }));
    assert.ok(!takes(spec, { disk: "nvme", slow: "" }));
    assert.ok(takes(spec, { disk: "hdd", gpu: "" }));
    assert.ok(!takes(spec, {}));
    assert.ok(!takes(terms([]), {}), "a term without conditions matches nothing");
  });

  it("compare numbers, and take what is not there as not in a list", () => {
    const one = (operator: string, ...values: string[]): JsonObject =>
      terms([{ key: "cores", operator, values }]);
    assert.ok(takes(one("Gt", "4"), { cores: "8" }));
    assert.ok(!takes(one("Gt", "8"), { cores: "8" }));
    assert.ok(!takes(one("Gt", "4"), {}));
    assert.ok(takes(one("Lt", "9"), { cores: "8" }));
    assert.ok(takes(one("NotIn", "8"), {}));
    assert.ok(!takes(one("NotIn", "8"), { cores: "8" }));
    assert.ok(!takes(one("Resembles", "8"), { cores: "8" }));
  });

  it("do not ask for the architecture, which all nodes share and nobody declares", () => {
    assert.ok(takes({ nodeSelector: { "kubernetes.io/arch": "arm64" } }, {}));
    assert.ok(takes(terms([{ key: "kubernetes.io/arch", operator: "In", values: ["amd64"] }]), {}));
  });

  it("tolerate a taint by key, value and effect, each of which may be left out", () => {
    const found = (toleration: Toleration): boolean => tolerates([toleration], taint("NoSchedule"));
    assert.ok(found({ key: "spot", value: "yes" }));
    assert.ok(found({ key: "spot", operator: "Equal", value: "yes", effect: "NoSchedule" }));
    assert.ok(found({ key: "spot", operator: "Exists" }));
    assert.ok(found({ operator: "Exists" }));
    assert.ok(!found({ key: "spot", value: "no" }));
    assert.ok(!found({ key: "other", operator: "Exists" }));
    assert.ok(!found({ operator: "Exists", effect: "NoExecute" }));
    assert.ok(!found({ value: "yes" }), "without a key only Exists tolerates");
  });

  it("mind each taint but those that only ask", () => {
    const rules = podRules({ tolerations: [{ key: "spot", value: "yes" }] }, {});
    assert.ok(toleratesAll(rules, [taint("NoSchedule"), taint("PreferNoSchedule", "no")]));
    assert.ok(!toleratesAll(rules, [taint("NoSchedule"), taint("NoExecute", "no")]));
  });

  it("count pods by labels, and by labels that are the pod's own", () => {
    const own = { app: "a", version: "2" };
    assert.ok(counts({ matchLabels: { app: "a" } }, own, { app: "a", version: "1" }));
    assert.ok(!counts({ matchLabels: { app: "b" } }, own, own));
    const version = { matchLabels: { app: "a" }, matchLabelKeys: ["version", "unknown"] };
    assert.ok(!counts(version, own, { app: "a", version: "1" }));
    assert.ok(counts(version, own, { app: "a", version: "2" }));
    const expression = { key: "app", operator: "In", values: ["b"] };
    assert.ok(!counts({ matchExpressions: [expression] }, own, own));
  });

  it("are read with Kubernetes' defaults", () => {
    const { spread, apart } = podRules(
      {
        topologySpreadConstraints: [
          { topologyKey: "zone", maxSkew: 2, whenUnsatisfiable: "ScheduleAnyway" },
          {
            topologyKey: "zone",
            maxSkew: 1,
            minDomains: 3,
            whenUnsatisfiable: "DoNotSchedule",
            nodeAffinityPolicy: "Ignore",
            nodeTaintsPolicy: "Honor",
          },
        ],
        affinity: {
          podAntiAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: "zone" }],
            preferredDuringSchedulingIgnoredDuringExecution: [
              { weight: 7, podAffinityTerm: { topologyKey: "host" } },
            ],
          },
        },
      },
      {},
    );
    assert.deepEqual(
      spread.map(({ hard, minDomains, counts: counted }) => [hard, minDomains, counted]),
      [
        [false, 1, { otherLabels: false, taints: true }],
        [true, 3, { otherLabels: true, taints: false }],
      ],
    );
    assert.deepEqual(
      apart.map(({ topologyKey, weight }) => [topologyKey, weight]),
      [
        ["zone", undefined],
        ["host", 7],
      ],
    );
  });
});
