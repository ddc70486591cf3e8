import assert from "node:assert/strict";
import { probePath, serviceUrl } from "../../../../../components/knative/service/configuredService";
import { ServiceSpec } from "../../../../../components/knative/service/serviceSpec";
import { checkService } from "../../../../../components/knative/service/serviceChecks";
import { Check } from "../../../../../lib/check";
import { Problem } from "../../../../../lib/problem";
import { knativeService } from "../../../../../components/knative/service/serviceObject";

describe("Knative Service", () => {
  it("has only what is said", () => {
    assert.deepEqual(knativeService("hello", "default", { image: "a/b:1" }), {
      apiVersion: "serving.knative.dev/v1",
      kind: "Service",
      metadata: { name: "hello", namespace: "default" },
      spec: { template: { metadata: {}, spec: { containers: [{ image: "a/b:1" }] } } },
    });
  });

  const full: ServiceSpec = {
    image: "a/b:1",
    env: { TARGET: "Edge!!" },
    port: 9000,
    protocol: "h2c",
    requests: { cpu: "25m" },
    limits: { memory: "64Mi" },
    containerConcurrency: 10,
    autoscaling: {
      class: "kpa",
      metric: "rps",
      target: 50,
      minScale: 0,
      maxScale: 3,
      window: "30s",
      retention: "1m30s",
    },
    revisionName: "hello-v2",
    traffic: [
      { revisionName: "hello-v1", percent: 80 },
      { latestRevision: true, percent: 20, tag: "next" },
    ],
    timeoutSeconds: 60,
    serviceAccountName: "runner",
    labels: { team: "edge" },
    annotations: { note: "x" },
    probe: "/healthz?deep=1",
  };

  it("has all that can be said, in Knative's terms", () => {
    assert.deepEqual(knativeService("hello", "apps", full), {
      apiVersion: "serving.knative.dev/v1",
      kind: "Service",
      metadata: {
        name: "hello",
        namespace: "apps",
        labels: { team: "edge" },
        annotations: { note: "x" },
      },
      spec: {
        template: {
          metadata: {
            name: "hello-v2",
            annotations: {
              "autoscaling.knative.dev/class": "kpa.autoscaling.knative.dev",
              "autoscaling.knative.dev/metric": "rps",
              "autoscaling.knative.dev/target": "50",
              "autoscaling.knative.dev/min-scale": "0",
              "autoscaling.knative.dev/max-scale": "3",
              "autoscaling.knative.dev/window": "30s",
              "autoscaling.knative.dev/scale-to-zero-pod-retention-period": "1m30s",
            },
          },
          spec: {
            containers: [
              {
                image: "a/b:1",
                env: [{ name: "TARGET", value: "Edge!!" }],
                ports: [{ name: "h2c", containerPort: 9000 }],
                resources: { requests: { cpu: "25m" }, limits: { memory: "64Mi" } },
              },
            ],
            containerConcurrency: 10,
            timeoutSeconds: 60,
            serviceAccountName: "runner",
          },
        },
        traffic: [
          { revisionName: "hello-v1", percent: 80 },
          { latestRevision: true, percent: 20, tag: "next" },
        ],
      },
    });
    assert.deepEqual(serviceProblems("hello", full), []);
  });

  const wrong: [what: string, spec: unknown, problem: RegExp][] = [
    [
      "no mapping",
      "nginx",
      /^services.hello: a mapping with image or from was expected, not "nginx"/,
    ],
    ["no image", {}, /^services.hello.image: a container image was expected/],
    ["a file whose name is no text", { from: 1 }, /^services.hello.from: 1 is not a text/],
    [
      "a namespace that cannot be",
      { image: "a", namespace: "My Shop" },
      /^services.hello.namespace: "My Shop" cannot be a namespace; take up to 63 lower-case/,
    ],
    [
      "a namespace of the system",
      { image: "a", namespace: "knative-serving" },
      /^services.hello.namespace: "knative-serving" is the system's; take a namespace of your own/,
    ],
    ["an image that is none", { image: "https://a" }, /^services.hello.image:/],
    [
      "an unknown field",
      { image: "a", imgae: "b" },
      /^services.hello.imgae: there is no such field; did you mean "image"\?/,
    ],
    [
      "a port out of range",
      { image: "a", port: 70000 },
      /^services.hello.port: 70000 is not a whole number from 1 to 65535/,
    ],
    [
      "an unknown protocol",
      { image: "a", protocol: "http2" },
      /^services.hello.protocol: "http2" is none of http1, h2c/,
    ],
    [
      "a number in env",
      { image: "a", env: { A: 1 } },
      /^services.hello.env.A: a text was expected/,
    ],
    [
      "a bad env name",
      { image: "a", env: { "A B": "1" } },
      /^services.hello.env.A B: this cannot be an environment/,
    ],
    [
      "a bad quantity",
      { image: "a", limits: { cpu: "1x" } },
      /^services.hello: limits.cpu: "1x" is not a Kubernetes quantity/,
    ],
    [
      "a list in place of quantities",
      { image: "a", limits: ["1"] },
      /^services.hello.limits: a mapping with quantities was expected, such as \{cpu: "50m"\}/,
    ],
    [
      "an unknown resource",
      { image: "a", requests: { cpus: 1 } },
      /^services.hello: Kubernetes has no resource cpus; did you mean "cpu"\?/,
    ],
    [
      "a request above its limit",
      { image: "a", requests: { cpu: "2" }, limits: { cpu: "1" } },
      /requests.cpu 2 is above/,
    ],
    [
      "negative concurrency",
      { image: "a", containerConcurrency: -1 },
      /^services.hello.containerConcurrency: -1/,
    ],
    [
      "too long a timeout",
      { image: "a", timeoutSeconds: 601 },
      /^services.hello.timeoutSeconds: 601/,
    ],
    [
      "too short a time to become ready",
      { image: "a", readyTimeoutSeconds: 5 },
      /^services.hello.readyTimeoutSeconds: 5 is not a whole number from 10 to 7200/,
    ],
    [
      "an unknown class",
      { image: "a", autoscaling: { class: "vpa" } },
      /^services.hello.autoscaling.class: "vpa" is none of kpa\./,
    ],
    [
      "the class that is not installed",
      { image: "a", autoscaling: { class: "hpa" } },
      /autoscaling.class: "hpa" needs serving-hpa.yaml, which this program does not install; take kpa/,
    ],
    [
      "a metric of that class",
      { image: "a", autoscaling: { metric: "cpu" } },
      /autoscaling.metric: "cpu" is none of concurrency, rps/,
    ],
    [
      "a target of 0",
      { image: "a", autoscaling: { target: 0 } },
      /autoscaling.target: 0 is not a number of 0.01 or more/,
    ],
    [
      "min above max",
      { image: "a", autoscaling: { minScale: 3, maxScale: 2 } },
      /autoscaling.minScale: 3 is above maxScale 2/,
    ],
    [
      "too short a window",
      { image: "a", autoscaling: { window: "5s" } },
      /autoscaling.window: "5s" is no duration from 6s/,
    ],
    [
      "a retention without unit",
      { image: "a", autoscaling: { retention: "5" } },
      /autoscaling.retention: "5" is no duration/,
    ],
    [
      "an empty retention",
      { image: "a", autoscaling: { retention: "" } },
      /autoscaling.retention: "" is no duration/,
    ],
    [
      "an unknown scaling field",
      { image: "a", autoscaling: { minScal: 1 } },
      /autoscaling.minScal: .*"minScale"/,
    ],
    [
      "a revision of another service",
      { image: "a", revisionName: "bye-v1" },
      /revisionName: "bye-v1" .* like hello-v1/,
    ],
    [
      "traffic below 100",
      { image: "a", traffic: [{ latestRevision: true, percent: 99 }] },
      /^services.hello.traffic: the percents add to 99/,
    ],
    [
      "percents in quotes, without adding them as texts",
      { image: "a", traffic: [{ latestRevision: true, percent: "100" }] },
      /^services.hello.traffic\[0\].percent: "100" is not a whole number from 0 to 100\.$/,
    ],
    [
      "traffic to nowhere",
      { image: "a", traffic: [{ percent: 100 }] },
      /^services.hello.traffic\[0\]: exactly one of/,
    ],
    [
      "traffic to two places in one",
      { image: "a", traffic: [{ percent: 100, latestRevision: true, revisionName: "hello-v1" }] },
      /traffic\[0\]: exactly one of/,
    ],
    ["no traffic", { image: "a", traffic: [] }, /^services.hello.traffic: a list of targets/],
    [
      "one tag twice",
      {
        image: "a",
        traffic: [
          { latestRevision: true, percent: 100, tag: "t" },
          { revisionName: "hello-v1", tag: "t" },
        ],
      },
      /two targets have the same tag/,
    ],
    [
      "a tag that is none",
      { image: "a", traffic: [{ latestRevision: true, percent: 100, tag: "A" }] },
      /traffic\[0\].tag: "A"/,
    ],
    [
      "a variable that Knative sets",
      { image: "a", env: { K_REVISION: "x" } },
      /^services.hello.env.K_REVISION: Knative itself sets this variable; take another name/,
    ],
    [
      "the variable of the port",
      { image: "a", env: { PORT: "80" } },
      /^services.hello.env.PORT: .*; set port\.$/,
    ],
    [
      "a port of queue-proxy",
      { image: "a", port: 8012 },
      /^services.hello.port: 8012 is reserved for Knative's own .*, 9091; take another/,
    ],
    [
      "a label key that is none",
      { image: "a", labels: { "a b": "c" } },
      /^services.hello.labels.a b: this cannot be a key; .* example.com\/team/,
    ],
    [
      "an annotation key with two domains",
      { image: "a", annotations: { "a/b/c": "d" } },
      /^services.hello.annotations.a\/b\/c: this cannot be a key/,
    ],
    [
      "a label that is none",
      { image: "a", labels: { a: "b c" } },
      /^services.hello.labels.a: "b c" cannot be a label's value/,
    ],
    [
      "an unknown visibility",
      { image: "a", labels: { "networking.knative.dev/visibility": "local" } },
      /visibility: "local" is not cluster-local/,
    ],
    [
      "a probe that is no path",
      { image: "a", probe: "healthz" },
      /^services.hello.probe: "healthz" is neither a path, such as \/healthz, nor false/,
    ],
    [
      "a probe that is true",
      { image: "a", probe: true },
      /^services.hello.probe: true is neither a path/,
    ],
    [
      "a probe of what does not answer outside",
      { image: "a", probe: "/", labels: { "networking.knative.dev/visibility": "cluster-local" } },
      /^services.hello.probe: does nothing with the label networking.knative.dev\/visibility/,
    ],
    ["labels that are none", { image: "a", labels: ["a"] }, /^services.hello.labels: a mapping/],
  ];
  for (const [what, spec, problem] of wrong) {
    it(`with ${what} is told so`, () => {
      const problems = serviceProblems("hello", spec).map(
        ({ key, message }) => `${key}: ${message}`,
      );
      assert.equal(problems.length, 1, problems.join("\n"));
      assert.match(problems[0] ?? "", problem);
    });
  }

  it("is told all at once", () => {
    const keys = serviceProblems("Hello", { port: 0, prot: 1 }).map(({ key }) => key);
    assert.deepEqual(keys.sort(), [
      "services.Hello",
      "services.Hello.image",
      "services.Hello.port",
      "services.Hello.prot",
    ]);
  });

  it("takes labels and annotations in every form of Kubernetes", () => {
    const labels = { a: "", "example.com/A_b.c-d": "x_Y.z-1", networking: "a".repeat(63) };
    const annotations = { "example.com/note": "any text, even: this" };
    assert.deepEqual(serviceProblems("a", { image: "a", labels, annotations }), []);
  });

  it("is asked at / unless it says otherwise, and not where it answers only the cluster", () => {
    const local = { "networking.knative.dev/visibility": "cluster-local" };
    assert.equal(probePath(undefined, undefined), "/");
    assert.equal(probePath("/healthz?deep=1", {}), "/healthz?deep=1");
    assert.equal(probePath(false, {}), undefined);
    assert.equal(probePath(undefined, local), undefined);
    const own = { serviceName: "app", namespace: "shop" };
    const urls = [{}, local].map((labels) => serviceUrl(own, labels, "example.com", "https"));
    assert.deepEqual(urls, ["https://app.shop.example.com", "http://app.shop.svc.cluster.local"]);
  });

  it("takes durations in every form", () => {
    for (const window of ["6s", "90s", "5m", "1m30s", "1h"]) {
      assert.deepEqual(serviceProblems("a", { image: "a", autoscaling: { window } }), []);
    }
  });
});

/** What is wrong with a service of that name. */
function serviceProblems(name: string, value: unknown): Problem[] {
  const check = new Check(`services.${name}`);
  checkService(check, name, value);
  return check.problems;
}
