import assert from "node:assert/strict";
import { KubernetesObject } from "../../../../components/cluster/kubernetesObject";
import { loadReleases } from "../../../../stack/releases/releases";
import {
  allTweaks,
  applyTweaks,
  TweakName,
  singleNodeTweaks,
} from "../../../../stack/resources/singleNodeTweaks";
import { testConfig } from "../../../support/config";
import { manifestsDir } from "../../../support/releases";

function workload(
  kind: string,
  name: string,
  namespace: string,
  spec: Record<string, unknown> = {},
  strategy?: unknown,
): KubernetesObject {
  return {
    apiVersion: "apps/v1",
    kind,
    metadata: { name, namespace },
    spec: { ...(strategy !== undefined && { strategy }), template: { spec } },
  } as unknown as KubernetesObject;
}

const surging = { type: "RollingUpdate", rollingUpdate: { maxSurge: "100%", maxUnavailable: 0 } };
const objects = [
  workload("Deployment", "activator", "knative-serving", { terminationGracePeriodSeconds: 600 }),
  workload("Deployment", "3scale-kourier-gateway", "kourier-system", {}, surging),
  workload("Deployment", "net-kourier-controller", "knative-serving"),
  workload("DaemonSet", "speaker", "metallb-system", { terminationGracePeriodSeconds: 2 }),
  workload("Deployment", "controller", "metallb-system"),
  workload("HorizontalPodAutoscaler", "activator", "knative-serving"),
  workload("PodDisruptionBudget", "activator-pdb", "knative-serving"),
];

/** The objects by name under one measure alone. */
function only(name: TweakName): Record<string, KubernetesObject> {
  const result = applyTweaks(objects, { ...allTweaks(false), [name]: true });
  return Object.fromEntries(
    result.map((object) => [`${object.kind} ${object.metadata.name}`, object]),
  );
}

const podOf = (object?: KubernetesObject): Record<string, unknown> =>
  (object?.spec?.template as unknown as { spec: Record<string, unknown> }).spec;

describe("one-node safety", () => {
  it("changes nothing when all measures are off", () => {
    const result = applyTweaks(objects, allTweaks(false));
    assert.equal(result.length, objects.length);
    result.forEach((object, index) => assert.equal(object, objects[index]));
  });

  it("recreates every Deployment, and drops the numbers of a rolling update", () => {
    const result = only("recreateRollouts");
    for (const [name, { kind, spec }] of Object.entries(result)) {
      assert.deepEqual(
        spec?.strategy,
        kind === "Deployment" ? { type: "Recreate" } : undefined,
        name,
      );
    }
  });

  it("removes autoscalers, and nothing else", () => {
    assert.equal(Object.keys(only("removeAutoscalers")).length, objects.length - 1);
    assert.ok(!("HorizontalPodAutoscaler activator" in only("removeAutoscalers")));
  });

  it("removes disruption budgets, and nothing else", () => {
    assert.equal(Object.keys(only("removeDisruptionBudgets")).length, objects.length - 1);
    assert.ok(!("PodDisruptionBudget activator-pdb" in only("removeDisruptionBudgets")));
  });

  it("shortens terminations, never lengthens one", () => {
    const result = only("shortenTermination");
    const seconds = (name: string): unknown => podOf(result[name]).terminationGracePeriodSeconds;
    assert.equal(seconds("Deployment activator"), 15);
    assert.equal(seconds("DaemonSet speaker"), 2);
    assert.equal(seconds("Deployment controller"), undefined);
  });

  it("raises the load balancer and the ingress above everything else", () => {
    const result = only("raisePriorities");
    assert.deepEqual(
      Object.entries(result).map(([name, object]) => [name, podOf(object).priorityClassName]),
      [
        ["Deployment activator", undefined],
        ["Deployment 3scale-kourier-gateway", "system-cluster-critical"],
        ["Deployment net-kourier-controller", "system-cluster-critical"],
        ["DaemonSet speaker", "system-node-critical"],
        ["Deployment controller", "system-cluster-critical"],
        ["HorizontalPodAutoscaler activator", undefined],
        ["PodDisruptionBudget activator-pdb", undefined],
      ],
    );
  });

  it("takes the descriptions out of a definition's schemas, and nothing that validates or defaults", () => {
    const definition = (description: Record<string, string>): KubernetesObject => {
      const schema = {
        ...description,
        type: "object",
        properties: {
          description: { ...description, type: "string" },
          ports: {
            ...description,
            type: "array",
            items: { ...description, type: "object", default: { description: "data" } },
          },
          labels: { type: "object", additionalProperties: { ...description, type: "string" } },
          either: { anyOf: [{ ...description, type: "integer" }, { type: "string" }] },
        },
      };
      return {
        apiVersion: "apiextensions.k8s.io/v1",
        kind: "CustomResourceDefinition",
        metadata: { name: "boxes.example.com" },
        spec: { versions: [{ name: "v1", served: true, schema: { openAPIV3Schema: schema } }] },
      };
    };
    const trimmed = applyTweaks([definition({ description: "What it is." })], {
      ...allTweaks(false),
      trimDefinitions: true,
    });
    assert.deepEqual(trimmed, [definition({})]);
  });

  it("leaves the objects it is given as they are, and does nothing when applied again", () => {
    const before = structuredClone(objects);
    const once = applyTweaks(objects, allTweaks(true));
    assert.deepEqual(objects, before);
    assert.deepEqual(applyTweaks(once, allTweaks(true)), once);
  });

  it("has a reason for each measure", () => {
    for (const { reason } of Object.values(singleNodeTweaks)) {
      assert.match(reason, /^[A-Z].+\.$/s);
    }
  });

  it("is on by default, off with upstream, and each measure has its own switch", () => {
    assert.deepEqual(testConfig().oneNode, allTweaks(true));
    assert.deepEqual(testConfig({ resourcePolicy: "upstream" }).oneNode, allTweaks(false));
    for (const name of Object.keys(singleNodeTweaks)) {
      const on = testConfig({
        resourcePolicy: "upstream",
        oneNode: JSON.stringify({ [name]: true }),
      });
      assert.deepEqual(on.oneNode, { ...allTweaks(false), [name]: true });
      const off = testConfig({ oneNode: JSON.stringify({ [name]: false }) });
      assert.deepEqual(off.oneNode, { ...allTweaks(true), [name]: false });
    }
  });

  it("leaves of the releases no autoscaler, no budget, no surge and no long end", async function () {
    const releases = await loadReleases(testConfig({ manifestsDir }));
    const all = Object.values(releases).flat();
    const kinds = (list: KubernetesObject[]): string[] => list.map(({ kind }) => kind);
    const count = (kind: string): number => kinds(all).filter((one) => one === kind).length;
    assert.deepEqual([count("HorizontalPodAutoscaler"), count("PodDisruptionBudget")], [3, 3]);
    const safe = applyTweaks(all, allTweaks(true));
    assert.equal(safe.length, all.length - 6);
    const pods = safe.filter(({ kind }) => ["Deployment", "DaemonSet"].includes(kind));
    assert.ok(
      pods.every((object) => Number(podOf(object).terminationGracePeriodSeconds ?? 0) <= 15),
    );
  });
});
