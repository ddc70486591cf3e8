import { withAwait } from "../../../../components/cluster/awaits";
import assert from "node:assert/strict";
import { ConfigError } from "../../../../stack/config";
import { KubernetesObject } from "../../../../components/cluster/kubernetesObject";
import { loadReleases } from "../../../../stack/releases/releases";
import { renderStack } from "../../../../stack/render/renderStack";
import { transformAll, validateAgainstManifests } from "../../../../stack/render/transforms";
import { project, testConfig } from "../../../support/config";
import { find, fixture } from "../../../support/fixtures";
import { manifestsDir } from "../../../support/releases";

const mirrors = {
  "gcr.io/knative-releases/knative.dev/serving/cmd": "registry.lab/knative:v1.23.0",
  "gcr.io/knative-releases/knative.dev/net-kourier/cmd": "registry.lab/kourier:v1.23.0",
  "docker.io": "registry.lab/docker",
  "quay.io/metallb": "registry.lab/metallb",
};

function transformed(changed: Record<string, string> = {}): KubernetesObject[] {
  return transformAll(
    [...fixture("serving.yaml"), ...fixture("metallb.yaml")],
    testConfig(changed),
  );
}

describe("transforms", () => {
  it("have the provider wait for definitions", () => {
    const { metadata } = withAwait(
      find(transformed(), "CustomResourceDefinition", "images.caching.internal.knative.dev"),
    );
    assert.deepEqual(metadata.annotations, { "pulumi.com/waitFor": "condition=Established" });
  });

  it("take Knative's webhooks back by force, and nobody else's", () => {
    const webhook = find(
      transformed(),
      "MutatingWebhookConfiguration",
      "webhook.serving.knative.dev",
    );
    assert.equal(webhook.metadata.annotations?.["pulumi.com/patchForce"], "true");
    const other = find(
      transformed(),
      "ValidatingWebhookConfiguration",
      "metallb-webhook-configuration",
    );
    assert.equal(other.metadata.annotations, undefined);
  });

  it("scale containers and init containers", () => {
    const scaled = transformed({ resourcePolicy: "scale" });
    const pod = podOf(find(scaled, "Deployment", "activator"));
    assert.deepEqual(pod.containers?.[0]?.resources, {
      requests: { cpu: "150m", memory: "30Mi" },
      limits: { cpu: "500m", memory: "300Mi" },
    });
    assert.deepEqual(pod.containers?.[1], { name: "bare", image: "nginx" });
    assert.deepEqual(pod.initContainers?.[0]?.resources, {
      requests: { cpu: "1m", memory: "1Mi", "ephemeral-storage": "10Mi" },
    });
  });

  it("give MetalLB small requests, priority and the flag for single nodes, whatever the factor", () => {
    const objects = transformed({ resourcePolicy: "scale", resourceFactor: "0.1" });
    const [controller, speaker] = [
      find(objects, "Deployment", "controller"),
      find(objects, "DaemonSet", "speaker"),
    ].map(podOf);
    const resources = { requests: { cpu: "5m", memory: "32Mi" }, limits: { memory: "128Mi" } };
    assert.deepEqual(controller?.containers?.[0]?.resources, resources);
    assert.deepEqual(speaker?.containers?.[0]?.resources, resources);
    assert.equal(controller?.priorityClassName, "system-cluster-critical");
    assert.equal(speaker?.priorityClassName, "system-node-critical");
    assert.deepEqual(controller?.containers?.[0]?.args, ["--port=9120"]);
    assert.deepEqual(speaker?.containers?.[0]?.args, ["--port=9120", "--ignore-exclude-lb=true"]);
  });

  it("override MetalLB's resources by their full name", () => {
    const changed = { "metallb-system/speaker/speaker": { limits: { memory: "96Mi" } } };
    const objects = transformed({ resourceOverrides: JSON.stringify(changed) });
    assert.deepEqual(podOf(find(objects, "DaemonSet", "speaker")).containers?.[0]?.resources, {
      requests: { cpu: "5m", memory: "32Mi" },
      limits: { memory: "96Mi" },
    });
  });

  it("set the ingress class and the user's keys at creation, and leave examples alone", () => {
    const before = fixture("serving.yaml");
    const knativeConfig = {
      "config-network": { "auto-tls": "Disabled" },
      "config-deployment": { "digest-resolution-timeout": "20s" },
    };
    const objects = transformed({
      resourcePolicy: "scale",
      knativeConfig: JSON.stringify(knativeConfig),
    });
    assert.deepEqual(find(objects, "ConfigMap", "config-network").data, {
      _example: find(before, "ConfigMap", "config-network").data?._example,
      "ingress-class": "kourier.ingress.networking.knative.dev",
      "auto-tls": "Disabled",
    });
    assert.deepEqual(find(objects, "ConfigMap", "config-deployment").data, {
      ...find(before, "ConfigMap", "config-deployment").data,
      "digest-resolution-timeout": "20s",
    });
    assert.deepEqual(
      find(objects, "ConfigMap", "config-domain").data,
      find(before, "ConfigMap", "config-domain").data,
    );
  });

  it("set a fixed domain", () => {
    const { data } = find(
      transformed({ domain: "edge.example.com" }),
      "ConfigMap",
      "config-domain",
    );
    assert.equal(data?.["edge.example.com"], "");
  });

  it("give the load balancer's Service the node's address, and no other Service", () => {
    const service = (name: string, type?: string): KubernetesObject => ({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, namespace: "kourier-system" },
      spec: { ports: [{ port: 80, targetPort: 8080 }], ...(type && { type }) },
    });
    const [kourier, internal] = [service("kourier", "LoadBalancer"), service("internal")];
    const own = testConfig({ loadBalancer: "nodeIp", loadBalancerPool: "" });
    assert.deepEqual(transformAll([kourier, internal], own), [
      {
        ...kourier,
        spec: { ...kourier.spec, type: "ClusterIP", externalIPs: ["192.168.56.10"] },
      },
      internal,
    ]);
    const annotations = { "knative-edge/first-of-pool": "192.168.56.200" };
    const pooled = { ...kourier, metadata: { ...kourier.metadata, annotations } };
    assert.deepEqual(transformAll([kourier, internal], testConfig()), [pooled, internal]);
  });

  it("own every number of a rolling update, so that Recreate can take its place", () => {
    const policy = { resourcePolicy: "upstream" };
    const strategy = (objects: KubernetesObject[], name: string) =>
      find(objects, "Deployment", name).spec?.strategy;
    const rolling = transformed(policy);
    assert.deepEqual(strategy(rolling, "activator"), {
      type: "RollingUpdate",
      rollingUpdate: { maxSurge: "25%", maxUnavailable: "25%" },
    });
    assert.deepEqual(strategy(transformed(), "activator"), { type: "Recreate" });
  });

  it("own the number of a Deployment's pods, by force, but where an autoscaler of the release has it", () => {
    const workload = (kind: string, name: string, replicas?: number): KubernetesObject => ({
      apiVersion: "apps/v1",
      kind,
      metadata: { name, namespace: "knative-serving" },
      spec: { ...(replicas !== undefined && { replicas }), template: { spec: { containers: [] } } },
    });
    const objects: KubernetesObject[] = [
      workload("Deployment", "activator"),
      workload("Deployment", "autoscaler"),
      workload("Deployment", "gateway", 2),
      workload("DaemonSet", "speaker"),
      {
        apiVersion: "autoscaling/v2",
        kind: "HorizontalPodAutoscaler",
        metadata: { name: "scaler", namespace: "knative-serving" },
        spec: { scaleTargetRef: { kind: "Deployment", name: "activator" } },
      },
    ];
    const owned = (changed: Record<string, string>): unknown[] =>
      transformAll(objects, testConfig(changed))
        .filter(({ kind }) => kind !== "HorizontalPodAutoscaler")
        .map(({ metadata, spec }) => [
          metadata.name,
          spec?.replicas,
          metadata.annotations?.["pulumi.com/patchForce"],
        ]);
    const others = [
      ["autoscaler", 1, "true"],
      ["gateway", 2, "true"],
      ["speaker", undefined, undefined],
    ];
    assert.deepEqual(owned({}), [["activator", 1, "true"], ...others]);
    assert.deepEqual(owned({ oneNode: '{"removeAutoscalers":false}' }), [
      ["activator", undefined, undefined],
      ...others,
    ]);
  });

  it("point every image at its mirror", () => {
    const objects = transformed({ imageMirrors: JSON.stringify(mirrors) });
    const queue = "registry.lab/knative/queue:v1.23.0";
    assert.equal(find(objects, "Image", "queue-proxy").spec?.image, queue);
    assert.equal(
      find(objects, "ConfigMap", "config-deployment").data?.["queue-sidecar-image"],
      queue,
    );
    const pod = podOf(find(objects, "Deployment", "activator"));
    assert.equal(pod.containers?.[0]?.image, "registry.lab/knative/activator:v1.23.0");
    assert.equal(pod.initContainers?.[0]?.image, "registry.lab/docker/library/busybox:1.36");
  });

  it("leave other objects, and the objects they are given, as they are", () => {
    const before = fixture("serving.yaml");
    const copy = structuredClone(before);
    const after = transformAll(before, testConfig({ imageMirrors: JSON.stringify(mirrors) }));
    assert.deepEqual(before, copy);
    for (const [kind, name] of [
      ["Secret", "webhook-certs"],
      ["ServiceAccount", "controller"],
      ["Service", "activator-service"],
    ] as const) {
      assert.equal(find(after, kind, name), find(before, kind, name));
    }
  });
});

describe("a configuration against manifests", () => {
  const problems = (changed: Record<string, unknown>): string[] => {
    const raw = Object.fromEntries(
      Object.entries(changed).map(([key, value]) => [key, JSON.stringify(value)]),
    );
    return validateAgainstManifests(testConfig(raw), [
      ...fixture("serving.yaml"),
      ...fixture("metallb.yaml"),
    ]).map(({ key, message }) => `${key}: ${message}`);
  };

  it("may name what is there", () => {
    const resourceOverrides = {
      "activator/prepare": { requests: { cpu: "2m" } },
      "metallb-system/controller/controller": { requests: { cpu: "7m" } },
    };
    assert.deepEqual(
      problems({ resourceOverrides, knativeConfig: { "config-domain": { "a.example": "" } } }),
      [],
    );
  });

  it("is told of containers that are not there", () => {
    assert.deepEqual(
      problems({ resourceOverrides: { "activator/activatr": { requests: { cpu: "2m" } } } }),
      [
        'resourceOverrides.activator/activatr: no such container; did you mean "activator/activator"? The release has ' +
          "activator/activator, activator/bare, activator/prepare, metallb-system/controller/controller, metallb-system/speaker/speaker.",
      ],
    );
  });

  it("is told of a container that stands there by both of its names, of which one would be lost", () => {
    const resourceOverrides = {
      "activator/activator": { requests: { cpu: "2m" } },
      "knative-serving/activator/activator": { limits: { cpu: "900m" } },
    };
    assert.match(
      problems({ resourceOverrides }).join(),
      /^resourceOverrides\.\S+: is the container of resourceOverrides\.\S+ too; write both in one\.$/,
    );
  });

  it("is told of requests above limits that an override leaves", () => {
    assert.match(
      problems({
        resourceOverrides: { "activator/activator": { requests: { cpu: "1200m" } } },
      }).join(),
      /^resourceOverrides.activator\/activator: requests.cpu 1200m is above limits.cpu 1000m;/,
    );
  });

  it("is told of ConfigMaps that Knative does not have", () => {
    assert.match(
      problems({ knativeConfig: { "config-netwrk": { a: "b" } } }).join(),
      /^knativeConfig.config-netwrk: Knative has no such ConfigMap; did you mean "config-network"\?/,
    );
  });
});

describe("a stack", () => {
  const releases = {
    metalLb: fixture("metallb.yaml"),
    serving: fixture("serving.yaml"),
    kourier: [],
    defaultDomain: [],
  };

  it("is not rendered from a configuration that its releases do not fit", () => {
    const config = testConfig({ knativeConfig: JSON.stringify({ "config-x": { a: "b" } }) });
    assert.throws(
      () => renderStack(config, releases),
      (error) =>
        error instanceof ConfigError &&
        new RegExp(`^${project}:knativeConfig.config-x: `).test(error.problems.join()),
    );
  });

  it("has all objects of its releases", () => {
    const { metalLb, serving } = renderStack(testConfig(), releases);
    assert.equal(metalLb.length, releases.metalLb.length);
    const { definitions, core, admitted } = serving;
    assert.equal([...definitions, ...core, ...admitted].length, releases.serving.length);
  });

  it("has its services as they are applied: from a mirror, waited for, and scaled as configured", () => {
    const hello = { image: "gcr.io/team/hello:1", autoscaling: { minScale: 2 } };
    const config = testConfig({
      sample: "false",
      services: JSON.stringify({ hello }),
      imageMirrors: '{"gcr.io/team":"registry.lab"}',
    });
    const [service, ...others] = renderStack(config, releases).services;
    assert.deepEqual(others, []);
    assert.deepEqual(service, {
      name: "hello",
      probe: "/",
      object: {
        apiVersion: "serving.knative.dev/v1",
        kind: "Service",
        metadata: {
          name: "hello",
          namespace: "default",
          annotations: { "pulumi.com/waitFor": "condition=Ready" },
        },
        spec: {
          template: {
            metadata: { annotations: { "autoscaling.knative.dev/min-scale": "2" } },
            spec: {
              automountServiceAccountToken: false,
              containers: [{ image: "registry.lab/hello:1" }],
            },
          },
        },
      },
    });
  });
});

describe("transforms of whole releases", () => {
  it("leave no image outside the mirrors", async () => {
    const config = testConfig({
      imageMirrors: JSON.stringify(mirrors),
      manifestsDir,
    });
    const objects = transformAll(Object.values(await loadReleases(config)).flat(), config);
    assert.ok(objects.length > 90);
    const images = objects
      .flatMap((object) =>
        object.kind === "CustomResourceDefinition"
          ? []
          : stringsOf({ ...object, data: withoutExample(object.data) }),
      )
      .filter((text) => /(gcr|docker|quay)\.io/.test(text));
    assert.deepEqual(images, []);
  });

  it("set only known ConfigMaps, of 1.23 all that there are", async () => {
    const config = testConfig({
      manifestsDir,
      knativeConfig: JSON.stringify({
        "config-gc": { "min-non-active-revisions": "0", "max-non-active-revisions": "2" },
        "config-kourier": { "enable-proxy-protocol": "true" },
        "kourier-bootstrap": { a: "b" },
      }),
    });
    const objects = Object.values(await loadReleases(config)).flat();
    assert.deepEqual(
      validateAgainstManifests(config, objects).map(({ key }) => key),
      ["knativeConfig.kourier-bootstrap"],
    );
  });
});

interface Pod {
  priorityClassName?: string;
  containers?: Record<string, unknown>[];
  initContainers?: Record<string, unknown>[];
}

function podOf(object: KubernetesObject): Pod {
  return (object.spec?.template as unknown as { spec: Pod }).spec;
}

function withoutExample(data: Record<string, string> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(data).filter(([key]) => key !== "_example"));
}

function stringsOf(value: unknown): string[] {
  if (typeof value === "string") {
    return [value];
  }
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(stringsOf) : [];
}
