import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { dump } from "js-yaml";
import { ConfigError, EdgeConfig } from "../../../../stack/config";
import { project, testConfig } from "../../../support/config";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "knative-edge-services-"));

/** A file in the test's folder. */
function file(name: string, text: string): string {
  const target = path.join(folder, name);
  fs.writeFileSync(target, text);
  return target;
}

/** A file with a Service whose template has this `spec`. */
function serviceFile(name: string, pod: object, metadata: object = {}): string {
  const service = {
    apiVersion: "serving.knative.dev/v1",
    kind: "Service",
    metadata: { name: "api", ...metadata },
    spec: { template: { spec: pod } },
  };
  return file(name, dump(service));
}

function config(api: object, more: Record<string, string> = {}): EdgeConfig {
  return testConfig({ sample: "false", services: JSON.stringify({ api }), ...more });
}

/** What the first container of a service has mounted, and the file's text. */
function mounted({ services }: EdgeConfig): Record<string, string> {
  const { object, fileData = {} } = services.api ?? {};
  const { template } = object?.spec as {
    template: {
      spec: {
        containers: { volumeMounts: { mountPath: string; subPath: string }[] }[];
        volumes: { configMap: { items: { key: string; path: string }[] } }[];
      };
    };
  };
  const [{ volumeMounts = [] } = {}] = template.spec.containers;
  const items = template.spec.volumes.flatMap(({ configMap }) => configMap.items);
  return Object.fromEntries(
    volumeMounts.map(({ mountPath, subPath }) => [
      mountPath,
      fileData[items.find(({ path: each }) => each === subPath)?.key ?? ""] ?? "",
    ]),
  );
}

function problems(api: object, more: Record<string, string> = {}): string[] {
  try {
    config(api, more);
    return [];
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.problems.map((problem) =>
      problem.replace(`${project}:`, "").replaceAll(`${folder}/`, ""),
    );
  }
}

const image = "ghcr.io/team/api:1";

after(() => fs.rmSync(folder, { recursive: true }));

describe("a service from a file", () => {
  it("is what kubectl writes, without what only a cluster has", () => {
    const from = file(
      "kubectl.yaml",
      `---
apiVersion: serving.knative.dev/v1
kind: Service
metadata:
  name: api
  namespace: shop
  uid: 0b0f
  resourceVersion: "12"
  generation: 3
  creationTimestamp: "2026-01-01T00:00:00Z"
  annotations:
    serving.knative.dev/creator: admin
    serving.knative.dev/lastModifier: admin
    kubectl.kubernetes.io/last-applied-configuration: "{}"
spec:
  template:
    metadata:
      creationTimestamp: null
    spec:
      containers:
        - image: ${image}
status:
  url: http://api.shop.example.com
`,
    );
    const { services } = config({ from });
    assert.deepEqual(services.api, {
      object: {
        apiVersion: "serving.knative.dev/v1",
        kind: "Service",
        metadata: { name: "api", namespace: "shop" },
        spec: { template: { metadata: {}, spec: { containers: [{ image }] } } },
      },
      probe: "/",
    });
  });

  it("has the stack's fields over its own, in the container that answers", () => {
    const from = serviceFile("fields.yaml", {
      containers: [
        { name: "log", image: "ghcr.io/team/log:1" },
        {
          name: "web",
          image,
          env: [
            { name: "MODE", value: "test" },
            { name: "PASSWORD", valueFrom: { secretKeyRef: { name: "db", key: "password" } } },
          ],
          ports: [{ containerPort: 8080 }],
          resources: { requests: { cpu: "10m", memory: "16Mi" } },
        },
      ],
    });
    const { services } = config({
      from,
      namespace: "shop",
      image: "ghcr.io/team/api:2",
      env: { MODE: "edge", MORE: "x" },
      requests: { cpu: "20m" },
      port: 9000,
      autoscaling: { minScale: 1 },
      traffic: [{ latestRevision: true, percent: 100, tag: "now" }],
      labels: { "networking.knative.dev/visibility": "cluster-local" },
    });
    assert.deepEqual(services.api, {
      object: {
        apiVersion: "serving.knative.dev/v1",
        kind: "Service",
        metadata: {
          name: "api",
          namespace: "shop",
          labels: { "networking.knative.dev/visibility": "cluster-local" },
        },
        spec: {
          template: {
            metadata: { annotations: { "autoscaling.knative.dev/min-scale": "1" } },
            spec: {
              containers: [
                { name: "log", image: "ghcr.io/team/log:1" },
                {
                  name: "web",
                  image: "ghcr.io/team/api:2",
                  env: [
                    {
                      name: "PASSWORD",
                      valueFrom: { secretKeyRef: { name: "db", key: "password" } },
                    },
                    { name: "MODE", value: "edge" },
                    { name: "MORE", value: "x" },
                  ],
                  ports: [{ containerPort: 9000 }],
                  resources: { requests: { cpu: "20m", memory: "16Mi" } },
                },
              ],
            },
          },
          traffic: [{ latestRevision: true, percent: 100, tag: "now" }],
        },
      },
    });
  });

  it("turns on the feature that a field of it needs, unless the user decided", () => {
    const from = serviceFile("init.yaml", {
      initContainers: [{ image: "ghcr.io/team/migrate:1" }],
      containers: [{ image }],
    });
    const flag = "kubernetes.podspec-init-containers";
    const features = { "multi-container": "disabled" };
    const { knative } = config(
      { from },
      { knativeConfig: JSON.stringify({ "config-features": features }) },
    );
    assert.deepEqual(knative.configMaps, {
      "config-features": { ...features, [flag]: "enabled" },
    });
    const off = JSON.stringify({ "config-features": { [flag]: "disabled" } });
    const [problem = "", ...others] = problems({ from }, { knativeConfig: off });
    assert.match(
      problem,
      /^services\.api\.from: init\.yaml: spec\.template\.spec\.initContainers: needs kubernetes\.podspec-init-containers/,
    );
    assert.deepEqual(others, []);
  });

  const wrong: [what: string, from: () => string, problem: RegExp][] = [
    [
      "is not there",
      () => path.join(folder, "none.yaml"),
      /from: there is no file none\.yaml; its path begins at the folder of the stack's file\.$/,
    ],
    ["is a folder", () => folder, /cannot be read \(EISDIR\)/],
    ["is no YAML", () => file("no.yaml", "a: [b"), /no\.yaml is no YAML: unexpected end/],
    [
      "is empty",
      () => file("empty.yaml", ""),
      /empty\.yaml has something else, not a Knative Service/,
    ],
    [
      "has a Service of Kubernetes",
      () => file("core.yaml", "apiVersion: v1\nkind: Service\n"),
      /core\.yaml has a v1 Service, not a Knative Service \(apiVersion: serving/,
    ],
    [
      "has two documents",
      () => file("two.yaml", "a: 1\n---\nb: 2\n"),
      /two\.yaml has 2 documents; leave the service alone in it/,
    ],
    [
      "names another service",
      () => serviceFile("name.yaml", { containers: [{ image }] }, { name: "shop" }),
      /from: name\.yaml has the service "shop"; write services\.shop\.$/,
    ],
    [
      "puts it among the system's pods",
      () => serviceFile("system.yaml", { containers: [{ image }] }, { namespace: "kube-system" }),
      /system\.yaml puts its service into "kube-system", which is the system's; set namespace/,
    ],
    [
      "has a field of another type",
      () => serviceFile("type.yaml", { containers: "web" }),
      /type\.yaml: spec\.template\.spec\.containers: "web" is not a list/,
    ],
    [
      "has a field that Knative does not take",
      () => serviceFile("field.yaml", { containers: [{ image }], nodeName: "edge" }),
      /field\.yaml: spec\.template\.spec\.nodeName: Knative does not take this field of Kubernetes; set nodeSelector/,
    ],
    [
      "scales in the annotations of the Service",
      () =>
        serviceFile(
          "scale.yaml",
          { containers: [{ image }] },
          { annotations: { "autoscaling.knative.dev/min-scale": "1" } },
        ),
      /scale\.yaml: metadata\.annotations\.autoscaling\.knative\.dev\/min-scale: has no effect on the Service; write it into spec\.template/,
    ],
    [
      "wants the autoscaler that is not installed",
      () =>
        file(
          "hpa.yaml",
          dump({
            apiVersion: "serving.knative.dev/v1",
            kind: "Service",
            spec: {
              template: {
                metadata: {
                  annotations: { "autoscaling.knative.dev/class": "hpa.autoscaling.knative.dev" },
                },
                spec: { containers: [{ image }] },
              },
            },
          }),
        ),
      /hpa\.yaml: spec\.template.*class: "hpa\.autoscaling\.knative\.dev" needs serving-hpa\.yaml, which this program/,
    ],
  ];
  for (const [what, from, problem] of wrong) {
    it(`is refused if the file ${what}`, () => {
      const [first = "", ...others] = problems({ from: from() });
      assert.match(first, problem);
      assert.deepEqual(others, []);
    });
  }

  it("is told with all that is wrong, in the file and in the fields", () => {
    const from = serviceFile("much.yaml", {
      containers: [{ image: "https://ghcr.io/api", ports: [{ containerPort: 8012 }] }],
    });
    assert.equal(problems({ from }, { hostCpus: "0" }).length, 3);
  });
});

describe("a service from a Score workload", () => {
  const score = (variables: object): string =>
    file(
      "score.yaml",
      dump({
        apiVersion: "score.dev/v1b1",
        metadata: { name: "api" },
        containers: { main: { image: ".", variables } },
        service: { ports: { www: { port: 80, targetPort: 9000 } } },
        resources: { db: { type: "postgres" } },
      }),
    );

  it("has its image, its secrets and its scale from the stack", () => {
    const from = score({ DB: "postgres://${resources.db.host}" });
    const { services } = config(
      { from, image, autoscaling: { minScale: 1 } },
      { serviceSecrets: JSON.stringify({ api: { DB: "postgres://edge:hush@192.0.2.1" } }) },
    );
    const { template } = services.api?.object.spec as unknown as {
      template: { metadata: { annotations: object }; spec: { containers: object[] } };
    };
    const valueFrom = { secretKeyRef: { name: "api-secrets", key: "DB" } };
    assert.deepEqual(template.spec.containers, [
      {
        name: "main",
        image,
        env: [{ name: "DB", valueFrom }],
        ports: [{ containerPort: 9000 }],
      },
    ]);
    assert.ok("autoscaling.knative.dev/min-scale" in template.metadata.annotations);
  });

  it("is refused without what only the stack can say", () => {
    const [variable = "", ...others] = problems({
      from: score({ DB: "${resources.db.host}" }),
      image,
    });
    assert.match(
      variable,
      /^services\.api\.from: score\.yaml: containers\.main\.variables\.DB: refers to/,
    );
    assert.deepEqual(others, []);
    const [noImage = ""] = problems({
      from: score({ A: "${resources.db.host}" }),
      env: { A: "x" },
    });
    assert.match(noImage, /^services\.api\.from: score\.yaml: spec\.template.*image: is missing/);
  });
});

describe("a service with domains of its own", () => {
  it("has them in the configuration", () => {
    const { services } = config({ image, domains: ["api.example.com"] });
    assert.deepEqual(services.api?.domains, ["api.example.com"]);
  });

  const stack = { domain: "edge.example.com" };
  const wrong: [what: string, domains: unknown, problem: RegExp][] = [
    ["no list", "api.example.com", /^services\.api\.domains: a list of domains was expected/],
    ["a number", [1], /^services\.api\.domains: 1 is not a text/],
    ["an address", ["192.168.56.50"], /"192\.168\.56\.50" is an address or a number/],
    ["the machine itself", ["a.localhost"], /is a name inside of one machine or cluster/],
    ["the cluster's own", ["api.svc.cluster.local"], /is a name inside of one machine or cluster/],
    ["capital letters", ["API.example.com"], /is not a domain; write it in lower case/],
    ["a label of 64", [`${"a".repeat(64)}.com`], /is not a domain/],
    ["254 characters", [`${"a.".repeat(126)}com`], /is not a domain/],
    ["one label", ["intranet"], /"intranet" has one label, and Knative takes no less than two/],
    ["its own URL", ["api.default.edge.example.com"], /is the domain of this service already/],
    ["a domain twice", ["a.example.com", "a.example.com"], /is the domain of this service already/],
  ];
  for (const [what, domains, problem] of wrong) {
    it(`is refused with ${what}`, () => {
      const [first = "", ...others] = problems({ image, domains }, stack);
      assert.match(first, problem);
      assert.deepEqual(others, []);
    });
  }

  it("is refused where another service has the domain", () => {
    const api = { image, domains: ["a.example.com"] };
    const services = JSON.stringify({ api, web: { ...api } });
    assert.deepEqual(problems({}, { services }), [
      'services.web.domains: "a.example.com" is the domain of services.api; remove one of them.',
    ]);
  });
});

describe("a service of a few fields", () => {
  it("is refused as Knative's webhook would refuse it", () => {
    const tag = "a".repeat(64);
    assert.deepEqual(problems({ image, traffic: [{ latestRevision: true, percent: 100, tag }] }), [
      `services.api: spec.traffic[0].tag: "${tag}" cannot be a tag; take up to 63 lower-case letters, digits and dashes, a letter first.`,
    ]);
  });
});

describe("files of a service", () => {
  const image = "ghcr.io/team/api:1";
  const template = ({ services }: EdgeConfig): string =>
    JSON.stringify((services.api?.object.spec as { template: object }).template);

  it("are mounted one by one, and another text makes another revision", () => {
    const files = { "/etc/app/b.json": "{}", "/etc/app/a.conf": "x" };
    assert.deepEqual(mounted(config({ image, files })), files);
    const other = { ...files, "/etc/app/b.json": "{ }" };
    assert.notEqual(template(config({ image, files })), template(config({ image, files: other })));
  });

  it("come from a Score workload, under those of the stack", () => {
    const workload = {
      apiVersion: "score.dev/v1b1",
      metadata: { name: "api" },
      containers: {
        main: { image, files: { "/etc/a": { content: "score" }, "/etc/b": { content: "score" } } },
      },
    };
    const from = file("files.yaml", dump(workload));
    const read = config({ from, files: { "/etc/b": "stack" } });
    assert.deepEqual(mounted(read), { "/etc/a": "score", "/etc/b": "stack" });
  });

  it("are refused where they cannot be", () => {
    assert.deepEqual(problems({ image, files: { "etc/a": "x", "/etc/b/": "x", "/etc/c": 1 } }), [
      "services.api.files./etc/c: a text was expected; put the value in quotes.",
    ]);
    assert.deepEqual(problems({ image, files: { "etc/a": "x", "/etc/b/": "x" } }), [
      "services.api.files.etc/a: is no absolute path of a file; write it like /etc/app/config.json.",
      "services.api.files./etc/b/: is no absolute path of a file; write it like /etc/app/config.json.",
    ]);
    const large = { "/etc/a": "x".repeat(1024 * 1024 + 1) };
    assert.match(problems({ image, files: large }).join(), /larger than a Kubernetes ConfigMap/);
    const serviceSecrets = '{"api":{"/etc/a":"hush"}}';
    assert.deepEqual(problems({ image, files: { "/etc/a": "x" } }, { serviceSecrets }), [
      "serviceSecrets.api./etc/a: services.api has this file in plain text too; remove one of them.",
    ]);
  });
});
