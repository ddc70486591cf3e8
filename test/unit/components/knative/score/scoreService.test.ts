import assert from "node:assert/strict";
import { admitService } from "../../../../../components/knative/admission/serviceAdmission";
import { isScore, scoreService } from "../../../../../components/knative/score/scoreService";

/** A workload with other parts than an image. */
function workload(container: object = {}, more: object = {}): Record<string, unknown> {
  return {
    apiVersion: "score.dev/v1b1",
    metadata: { name: "api", team: "shop" },
    containers: { main: { image: "ghcr.io/team/api:1", ...container } },
    ...more,
  };
}

describe("a Score workload", () => {
  it("is known by its version", () => {
    assert.ok(isScore(workload()));
    assert.ok(!isScore({ apiVersion: "serving.knative.dev/v1", kind: "Service" }));
  });

  it("has files with placeholders, but for those that want none and those that the stack gives", () => {
    const files = {
      "/etc/app": { content: "${metadata.name} for $$5" },
      "/etc/raw": { content: "${metadata.name}", noExpand: true },
      "/etc/given": { content: "${resources.db.url}" },
    };
    const found = scoreService(workload({ files }), ["/etc/given"]);
    assert.ok("files" in found, JSON.stringify(found));
    assert.deepEqual(found.files, { "/etc/app": "api for $5", "/etc/raw": "${metadata.name}" });
  });

  it("is a Knative Service that Knative admits", () => {
    const probe = { httpGet: { path: "/healthz", port: 8080 } };
    const resources = { requests: { cpu: "20m" }, limits: { memory: "64Mi" } };
    const found = scoreService(
      workload(
        {
          command: ["/api"],
          args: ["--log", "json"],
          variables: { GREETING: "I am ${metadata.name} of ${metadata.team}, for $$5" },
          volumes: { "/cache": { source: "${resources.cache}" } },
          resources,
          livenessProbe: probe,
          readinessProbe: probe,
        },
        {
          metadata: { name: "api", team: "shop", annotations: { "example.com/owner": "shop" } },
          service: { ports: { www: { port: 80, targetPort: 8080 } } },
          resources: { cache: { type: "volume" }, www: { type: "route" } },
        },
      ),
      [],
    );
    assert.ok("service" in found, JSON.stringify(found));
    assert.deepEqual(found.service, {
      apiVersion: "serving.knative.dev/v1",
      kind: "Service",
      metadata: { name: "api", annotations: { "example.com/owner": "shop" } },
      spec: {
        template: {
          spec: {
            containers: [
              {
                name: "main",
                image: "ghcr.io/team/api:1",
                command: ["/api"],
                args: ["--log", "json"],
                env: [{ name: "GREETING", value: "I am api of shop, for $5" }],
                volumeMounts: [{ mountPath: "/cache", name: "cache" }],
                resources,
                livenessProbe: probe,
                readinessProbe: probe,
                ports: [{ containerPort: 8080 }],
              },
            ],
            volumes: [{ name: "cache", emptyDir: {} }],
          },
        },
      },
    });
    assert.deepEqual(admitService(found.service).problems, []);
  });

  it("leaves an image that who deploys names, and variables that the stack sets", () => {
    const variables = { DB: "${resources.db.url}", MODE: "x" };
    const resources = { db: { type: "postgres" } };
    const found = scoreService(workload({ image: ".", variables }, { resources }), ["DB"]);
    assert.ok("service" in found, JSON.stringify(found));
    assert.deepEqual(found.service.spec, {
      template: { spec: { containers: [{ name: "main", env: [{ name: "MODE", value: "x" }] }] } },
    });
  });

  it("has its port at its first container, and others beside it", () => {
    const containers = { web: { image: "web" }, log: { image: "log" } };
    const ports = { www: { port: 9000 } };
    const found = scoreService(workload({}, { containers, service: { ports } }), []);
    assert.ok("service" in found, JSON.stringify(found));
    assert.deepEqual(found.service.spec, {
      template: {
        spec: {
          containers: [
            { name: "web", image: "web", ports: [{ containerPort: 9000 }] },
            { name: "log", image: "log" },
          ],
        },
      },
    });
  });

  const wrong: [what: string, document: Record<string, unknown>, problem: RegExp][] = [
    [
      "another version",
      { ...workload(), apiVersion: "score.dev/v2" },
      /^apiVersion: "score\.dev\/v2" is not score\.dev\/v1b1/,
    ],
    ["no name", { ...workload(), metadata: {} }, /^metadata\.name: is missing/],
    ["no containers", { ...workload(), containers: undefined }, /^containers: is missing/],
    ["a container without an image", workload({ image: undefined }), /main\.image: is missing/],
    [
      "a field that is none",
      workload({ imgae: "x" }),
      /main\.imgae: there is no such field; did you/,
    ],
    [
      "files as an older specification had them",
      workload({ files: [{ target: "/etc/app", content: "x" }] }),
      /^containers\.main\.files: this is not a mapping/,
    ],
    [
      "a file of its own folder",
      workload({ files: { "/etc/app": { source: "./app.json" } } }),
      /^containers\.main\.files\.\/etc\/app\.source: cannot be here; write the text in content/,
    ],
    [
      "a file of a resource that nobody makes",
      workload(
        { files: { "/etc/app": { content: "${resources.db.url}" } } },
        { resources: { db: { type: "postgres" } } },
      ),
      /files\.\/etc\/app\.content: refers to a resource of type postgres, .*; give the variable or the file in the stack/,
    ],
    [
      "a file of another container",
      {
        ...workload(),
        containers: {
          main: { image: "a/b" },
          beside: { image: "a/c", files: { "/etc/app": { content: "x" } } },
        },
      },
      /^containers\.beside\.files\.\/etc\/app: is of another container than the first/,
    ],
    [
      "a variable of a resource that nobody makes",
      workload(
        { variables: { DB: "${resources.db.url}" } },
        { resources: { db: { type: "postgres" } } },
      ),
      /^containers\.main\.variables\.DB: refers to a resource of type postgres, which the program does not make; give the variable/,
    ],
    [
      "a resource that nobody makes and nothing names",
      workload({}, { resources: { queue: { type: "rabbitmq" } } }),
      /^resources\.queue\.type: the program makes no rabbitmq; refer to it in a variable/,
    ],
    [
      "a variable of a resource that is not there",
      workload({ variables: { DB: "${resources.db.url}" } }),
      /variables\.DB: refers to \$\{resources\.db\.url\}, and there is no such resource/,
    ],
    [
      "a placeholder of nothing",
      workload({ variables: { A: "${metadata.owner}" } }),
      /variables\.A: refers to \$\{metadata\.owner\}, which is not there/,
    ],
    [
      "a volume that is no resource",
      workload({ volumes: { "/data": { source: "${resources.data}" } } }),
      /volumes\.\/data\.source: "\$\{resources\.data\}" is no resource of type volume/,
    ],
    [
      "two ports",
      workload({}, { service: { ports: { a: { port: 1 }, b: { port: 2 } } } }),
      /^service\.ports: has 2 ports, and a Knative Service has one/,
    ],
    [
      "a port of UDP",
      workload({}, { service: { ports: { a: { port: 53, protocol: "UDP" } } } }),
      /^service\.ports\.a\.protocol: "UDP" is not TCP/,
    ],
  ];
  for (const [what, document, problem] of wrong) {
    it(`is refused with ${what}`, () => {
      const found = scoreService(document, []);
      assert.ok("problems" in found);
      const [first = "", ...others] = found.problems.map(
        ({ key, message }) => `${key}: ${message}`,
      );
      assert.match(first, problem);
      assert.deepEqual(others, []);
    });
  }
});
