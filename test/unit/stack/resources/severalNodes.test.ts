import { strict as assert } from "node:assert";
import {
  allSeveralNodesMeasures,
  withSeveralNodes,
} from "../../../../stack/resources/severalNodes";
import { KubernetesObject } from "../../../../components/cluster/kubernetesObject";

const on = allSeveralNodesMeasures(true);

const deployment = (name: string, namespace = "knative-serving"): KubernetesObject => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name, namespace },
  spec: {
    selector: { matchLabels: { app: name } },
    strategy: { type: "Recreate" },
    template: { spec: { containers: [{ name: "c" }] } },
  },
});

describe("the measures for several nodes", () => {
  for (const [name, namespace, replicas] of [
    ["activator", "knative-serving", 2],
    ["webhook", "knative-serving", 2],
    ["3scale-kourier-gateway", "kourier-system", 2],
    ["autoscaler", "knative-serving", undefined],
    ["controller", "knative-serving", undefined],
    ["webhook", "elsewhere", undefined],
  ] as const) {
    it(`${replicas === 2 ? "run" : "leave"} ${namespace}/${name} ${replicas === 2 ? "twice" : "as it is"}`, () => {
      const before = deployment(name, namespace);
      const after = withSeveralNodes(before, on, 2);
      assert.equal(after.spec?.replicas, replicas);
      if (replicas === undefined) {
        assert.deepEqual(after, before);
      }
    });
  }

  it("put the two on two nodes, and let one of them go at a time", () => {
    const { spec } = withSeveralNodes(deployment("activator"), on, 2);
    const template = spec?.template as { spec: { affinity: unknown } };
    assert.deepEqual(template.spec.affinity, {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          {
            topologyKey: "kubernetes.io/hostname",
            labelSelector: { matchLabels: { app: "activator" } },
          },
        ],
      },
    });
    assert.deepEqual(spec?.strategy, {
      type: "RollingUpdate",
      rollingUpdate: { maxSurge: 0, maxUnavailable: 1 },
    });
  });

  it("run the gateway on each of up to three nodes", () => {
    const replicas = (nodes: number): unknown =>
      withSeveralNodes(deployment("gateway", "kourier-system"), on, nodes).spec?.replicas;
    assert.deepEqual([2, 3, 4].map(replicas), [2, 3, 3]);
    assert.equal(withSeveralNodes(deployment("activator"), on, 4).spec?.replicas, 2);
  });

  it("keep the activator out of the way of services with pods", () => {
    const configMap = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "config-autoscaler", namespace: "knative-serving" },
      data: { _example: "x" },
    };
    assert.deepEqual(withSeveralNodes(configMap, on, 2).data, {
      _example: "x",
      "target-burst-capacity": "0",
    });
  });

  it("have an autoscaler keep two", () => {
    const scaler = {
      apiVersion: "autoscaling/v2",
      kind: "HorizontalPodAutoscaler",
      metadata: { name: "activator", namespace: "knative-serving" },
      spec: { minReplicas: 1, scaleTargetRef: { kind: "Deployment", name: "activator" } },
    };
    assert.equal(withSeveralNodes(scaler, on, 2).spec?.minReplicas, 2);
  });

  it("have a disruption budget keep one pod, so that the other can go", () => {
    const budget = {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: { name: "activator-pdb", namespace: "knative-serving" },
      spec: { minAvailable: "80%", selector: { matchLabels: { app: "activator" } } },
    };
    assert.deepEqual(withSeveralNodes(budget, on, 2).spec, {
      minAvailable: 1,
      selector: { matchLabels: { app: "activator" } },
    });
  });

  it("have a node ask its own pod of the gateway first", () => {
    const service = {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "kourier", namespace: "kourier-system" },
      spec: { type: "LoadBalancer" },
    };
    assert.equal(withSeveralNodes(service, on, 2).spec?.trafficDistribution, "PreferSameNode");
    const internal = { ...service, spec: { type: "ClusterIP" } };
    assert.deepEqual(withSeveralNodes(internal, on, 2), internal);
  });

  it("do nothing where they are off", () => {
    const before = deployment("activator");
    assert.deepEqual(withSeveralNodes(before, allSeveralNodesMeasures(false), 2), before);
  });
});
