import assert from "node:assert/strict";
import { runProgram } from "../../../../cli/recording/recorder";
import { leastConfig, project, testConfig } from "../../../support/config";
import { manifestsDir } from "../../../support/releases";

const image = "registry.example/app:1";
const requests = { cpu: "50m", memory: "32Mi" };

/** What the program registers in a preview. */
const run = (namespaces: object, services: object, changed: Record<string, string> = {}) =>
  runProgram(
    {
      ...leastConfig,
      manifestsDir,
      namespaces: JSON.stringify(namespaces),
      services: JSON.stringify(services),
      ...changed,
    },
    { preview: true },
  );

/** The sentences with which it refuses. */
async function problems(
  namespaces: object,
  services: object,
  changed: Record<string, string> = {},
): Promise<string[]> {
  try {
    await run(namespaces, services, changed);
    return [];
  } catch (error) {
    const { problems: all = [(error as Error).message] } = error as { problems?: string[] };
    return all.map((problem) => problem.replace(`${project}:namespaces`, ""));
  }
}

const shop = (quota: object) => ({ shop: { quota } });
const one = { api: { image, namespace: "shop", requests } };

describe("the key namespaces", () => {
  it("makes a quota and a priority, of which the services' pods have the class and the budget the value", async () => {
    const traits = { quota: { cpu: "500m", memory: "256Mi", pods: 5 }, priority: 100 };
    const graph = await run({ shop: traits }, one);
    assert.deepEqual(graph.find("quota-shop").inputs.spec, {
      hard: { "requests.cpu": "500m", "requests.memory": "256Mi", pods: "5" },
    });
    const priority = graph.find("priority-shop@test@192.168.56.10#1");
    assert.equal(priority.inputs.value, 100);
    const service = graph.find("api-service");
    const { template } = service.inputs.spec as {
      template: { spec: { priorityClassName: string } };
    };
    const { name } = priority.inputs.metadata as { name: string };
    assert.equal(template.spec.priorityClassName, name);
    assert.ok(graph.waitsFor(service, priority));
    assert.ok(graph.waitsFor(graph.find("quota-shop"), graph.find("namespace-shop")));
    const { data } = graph.find("knative-knative-serving/config-features").inputs as {
      data: Record<string, string>;
    };
    assert.equal(data["kubernetes.podspec-priorityclassname"], "enabled");
  });

  it("leaves a service its own class, and makes no namespace default", async () => {
    const from = { ...one.api, namespace: undefined };
    const graph = await run({ default: { quota: { pods: 9 } } }, { api: from });
    assert.equal(graph.registrations.filter(({ name }) => /^namespace-/.test(name)).length, 0);
    assert.ok(graph.waitsFor(graph.find("api-service"), graph.find("quota-default")));
  });

  it("refuses a quota with no room for a new revision beside the old", async () => {
    assert.deepEqual(await problems(shop({ cpu: "120m", memory: "112Mi", pods: 2 }), one), []);
    assert.deepEqual(await problems(shop({ cpu: "119m", memory: "111Mi", pods: 1 }), one), [
      ".shop.quota.cpu: is 119m, and its services request 120m while the largest of them rolls out; raise it, or request less.",
      ".shop.quota.memory: is 111Mi, and its services request 112Mi while the largest of them rolls out; raise it, or request less.",
      ".shop.quota.pods: is 1, and its services request 2 while the largest of them rolls out; raise it, or request less.",
    ]);
  });

  it("refuses containers without a request for what is counted", async () => {
    const bare = { api: { image, namespace: "shop", requests: { cpu: "50m" } } };
    assert.deepEqual(await problems(shop({ memory: "1Gi" }), bare), [
      ".shop.quota.memory: counts requests, and user-container of the service shop/api has none, so that Kubernetes would refuse its pods; set requests.memory.",
    ]);
    const scale = { resourcePolicy: "scale", hostMemoryMiB: "4096", hostCpus: "2" };
    assert.deepEqual(await problems(shop({ memory: "1Gi" }), one, scale), [
      ".shop.quota.memory: counts requests, and queue-proxy of the service shop/api has none, so that Kubernetes would refuse its pods; set queue-sidecar-memory-request in knativeConfig.config-deployment.",
    ]);
  });

  for (const [what, namespaces, message] of [
    ["of nobody", { shp: {} }, '.shp: no service is in it; did you mean "shop"?'],
    [
      "of the system",
      { "kube-system": {} },
      ".kube-system: is the system's; take a namespace of your own.",
    ],
    ["that is no mapping", { shop: 1 }, ".shop: a mapping was expected, with quota or priority."],
    [
      "with another field",
      { shop: { limit: 1 } },
      ".shop.limit: there is no such field; there are quota, priority.",
    ],
    [
      "with an empty quota",
      shop({}),
      ".shop.quota: a mapping was expected, with some of cpu, memory, pods.",
    ],
    [
      "with half a pod",
      shop({ pods: 0.5 }),
      ".shop.quota.pods: 0.5 is not a whole number from 0 to 1000000.",
    ],
    [
      "with a priority of the system's",
      { shop: { priority: 2e9 } },
      ".shop.priority: 2000000000 is not a whole number from -1000000000 to 1000000000.",
    ],
  ] as const) {
    it(`refuses a namespace ${what}`, () => {
      assert.throws(
        () =>
          testConfig({
            namespaces: JSON.stringify(namespaces),
            services: JSON.stringify(one),
          }),
        (error: { problems: string[] }) => {
          assert.ok(
            error.problems.includes(`${project}:namespaces${message}`),
            error.problems.join("\n"),
          );
          return true;
        },
      );
    });
  }
});
