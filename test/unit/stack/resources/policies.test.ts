import assert from "node:assert/strict";
import fc from "fast-check";
import { KubernetesObject } from "../../../../components/cluster/kubernetesObject";
import {
  goMemory,
  idleMemory,
  namedPolicy,
  policies,
  PolicyName,
  queueProxyConfig,
} from "../../../../stack/resources/policies";
import { formatQuantity, parseDecimal, parseQuantity } from "../../../../lib/quantity";
import { loadReleases } from "../../../../stack/releases/releases";
import { resourceErrors, Resources } from "../../../../lib/resources";
import { renderStack } from "../../../../stack/render/renderStack";
import { testConfig } from "../../../support/config";
import { manifestsDir } from "../../../support/releases";

const activator = { namespace: "knative-serving", workload: "activator", container: "activator" };
const speaker = { namespace: "metallb-system", workload: "speaker", container: "speaker" };
const released: Resources = {
  requests: { cpu: "300m", memory: "60Mi" },
  limits: { cpu: "1000m", memory: "600Mi" },
};
const settings = (policy: PolicyName, services = 1): Parameters<typeof namedPolicy>[0] => ({
  policy,
  factor: parseDecimal("0.5"),
  services,
});

describe("resource policies", () => {
  const expected: Record<PolicyName, Resources> = {
    scale: {
      requests: { cpu: "150m", memory: "30Mi" },
      limits: { cpu: "500m", memory: "300Mi" },
    },
    edge: {
      requests: { cpu: "75m", memory: "56Mi" },
      limits: { cpu: "1000m", memory: "144Mi" },
    },
    upstream: released,
    guaranteed: {
      requests: { cpu: "500m", memory: "300Mi" },
      limits: { cpu: "500m", memory: "300Mi" },
    },
  };
  for (const policy of Object.keys(policies) as PolicyName[]) {
    it(`${policy} sizes the activator`, () => {
      assert.deepEqual(namedPolicy(settings(policy))(activator, released), expected[policy]);
    });
  }

  it("edge never limits CPU below one, and keeps what is above", () => {
    const edge = namedPolicy(settings("edge"));
    const limit = (cpu: string): string | undefined =>
      edge(activator, { ...released, limits: { cpu } }).limits?.cpu;
    assert.deepEqual(["250m", "500m", "1", "2"].map(limit), ["1", "1", "1", "2"]);
  });

  it("edge keeps memory requests at the published idle figures for any number of services", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 3000 }), (services) => {
        const decided = namedPolicy(settings("edge", services))(activator, released);
        const idle = idleMemory(activator, services) ?? 0;
        const request = Number(parseQuantity(decided.requests?.memory ?? "0")) / 1024 ** 2 / 1e9;
        assert.ok(request >= idle && request < idle + 8, `${services}: ${request} for ${idle}`);
      }),
    );
  });

  it("edge asks for more memory the more services there are", () => {
    const requests = [0, 100, 500, 1000, 2000].map(
      (services) => namedPolicy(settings("edge", services))(activator, released).requests?.memory,
    );
    assert.deepEqual(requests, ["56Mi", "88Mi", "304Mi", "456Mi", "752Mi"]);
  });

  it("follow the published figures between and beyond their numbers of services", () => {
    const idle = (services: number): number | undefined => idleMemory(activator, services);
    assert.deepEqual([0, 50, 100, 300, 1000, 2000].map(idle), [55, 70.5, 86, 193, 450, 750]);
    assert.equal(idleMemory({ ...activator, container: "other" }, 1), undefined);
  });

  it("give MetalLB, whose release gives it nothing, a little and no CPU limit; but upstream nothing", () => {
    const small = { requests: { cpu: "5m", memory: "32Mi" }, limits: { memory: "128Mi" } };
    assert.deepEqual(namedPolicy(settings("scale"))(speaker, {}), small);
    assert.deepEqual(namedPolicy(settings("edge"))(speaker, {}), small);
    assert.deepEqual(namedPolicy(settings("guaranteed"))(speaker, {}), {
      requests: { cpu: "5m", memory: "128Mi" },
      limits: { memory: "128Mi" },
    });
    assert.deepEqual(namedPolicy(settings("upstream"))(speaker, {}), {});
    assert.deepEqual(namedPolicy(settings("scale"))(speaker, released), released);
  });

  it("never make a request 0 or larger than its limit", () => {
    const amount = fc.bigInt({ min: 1n, max: 10n ** 16n });
    fc.assert(
      fc.property(
        fc.constantFrom(...(Object.keys(policies) as PolicyName[])),
        fc.integer({ min: 1, max: 1000 }).map((thousandths) => String(thousandths / 1000)),
        fc.integer({ min: 0, max: 2000 }),
        fc.constantFrom(activator, { ...activator, container: "unknown" }),
        fc.tuple(amount, amount, amount, amount),
        fc.tuple(fc.boolean(), fc.boolean()),
        (policy, factor, services, container, [a, b, c, d], [hasRequests, hasLimits]) => {
          const list = (cpu: bigint, memory: bigint): Record<string, string> => ({
            cpu: formatQuantity(cpu, "decimal"),
            memory: formatQuantity(memory * 1_000_000_000n, "binary"),
          });
          const given: Resources = {
            ...(hasRequests && { requests: list(a < b ? a : b, c < d ? c : d) }),
            ...(hasLimits && { limits: list(a < b ? b : a, c < d ? d : c) }),
          };
          const decided = namedPolicy({ policy, factor: parseDecimal(factor), services })(
            container,
            given,
          );
          assert.deepEqual(resourceErrors(decided), [], JSON.stringify({ given, decided }));
          for (const [name, text] of Object.entries(decided.requests ?? {})) {
            assert.ok(parseQuantity(text) > 0n, `${name} ${text}`);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it("scale grows with its factor", () => {
    const thousandths = fc.integer({ min: 1, max: 999 });
    fc.assert(
      fc.property(thousandths, thousandths, (a, b) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)].map((factor) =>
          namedPolicy({
            ...settings("scale"),
            factor: { numerator: BigInt(factor), denominator: 1000n },
          })(activator, released),
        );
        for (const list of ["requests", "limits"] as const) {
          for (const name of ["cpu", "memory"]) {
            const [less, more] = [low, high].map((one) => parseQuantity(one?.[list]?.[name] ?? ""));
            assert.ok(less !== undefined && more !== undefined && less <= more, `${list}.${name}`);
          }
        }
      }),
    );
  });

  it("set the queue-proxy's memory, and never Knative's 400Mi", () => {
    assert.deepEqual(queueProxyConfig("scale"), {});
    assert.equal(queueProxyConfig("edge")["queue-sidecar-memory-request"], "24Mi");
    assert.equal(queueProxyConfig("edge")["queue-sidecar-memory-limit"], "96Mi");
    const guaranteed = queueProxyConfig("guaranteed");
    for (const resource of ["cpu", "memory"]) {
      const request = guaranteed[`queue-sidecar-${resource}-request`];
      assert.ok(request);
      assert.equal(guaranteed[`queue-sidecar-${resource}-limit`], request);
    }
  });
});

describe("Go's memory limit", () => {
  const deployment = (container: Record<string, unknown>): KubernetesObject =>
    ({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "activator", namespace: "knative-serving" },
      spec: { template: { spec: { containers: [container] } } },
    }) as unknown as KubernetesObject;
  const env = (container: Record<string, unknown>): unknown =>
    (
      goMemory(deployment(container)).spec?.template as unknown as {
        spec: { containers: { env?: unknown }[] };
      }
    ).spec.containers[0]?.env;

  it("is 85 % of the container's, and GOGC 100 in place of another", () => {
    const container = {
      name: "activator",
      env: [
        { name: "GOGC", value: "500" },
        { name: "POD_NAME", value: "a" },
      ],
      resources: { limits: { memory: "144Mi" } },
    };
    assert.deepEqual(env(container), [
      { name: "POD_NAME", value: "a" },
      { name: "GOGC", value: "100" },
      { name: "GOMEMLIMIT", value: "122MiB" },
    ]);
  });

  it("is not set without a limit, nor for Envoy", () => {
    assert.equal(env({ name: "activator", resources: { limits: { cpu: "1" } } }), undefined);
    assert.equal(
      env({ name: "kourier-gateway", resources: { limits: { memory: "1Gi" } } }),
      undefined,
    );
  });
});

describe("the edge policy on a whole stack", () => {
  const render = async (
    policy: PolicyName,
    more: Record<string, string> = {},
  ): Promise<KubernetesObject[]> => {
    const config = testConfig({
      manifestsDir,
      resourcePolicy: policy,
      ...more,
    });
    const { metalLb, serving, kourier } = renderStack(config, await loadReleases(config));
    return [...metalLb, ...serving.core, ...kourier];
  };
  const goMemLimits = (objects: KubernetesObject[]): string[] =>
    [...JSON.stringify(objects).matchAll(/"GOMEMLIMIT","value":"(\w+)"/g)].map(
      ([, limit]) => limit ?? "",
    );

  it("tells every Go program its limit, overrides included, and only there", async () => {
    assert.deepEqual(goMemLimits(await render("scale")), []);
    assert.deepEqual(goMemLimits(await render("edge")), [
      "108MiB",
      "108MiB",
      "122MiB",
      "122MiB",
      "224MiB",
      "136MiB",
      "204MiB",
    ]);
    const resourceOverrides = '{"activator/activator":{"limits":{"memory":"200Mi"}}}';
    assert.equal(goMemLimits(await render("edge", { resourceOverrides }))[2], "170MiB");
  });

  it("writes the queue-proxy's resources, which the user's keys override", async () => {
    const data = (objects: KubernetesObject[]): Record<string, string> | undefined =>
      objects.find(({ metadata }) => metadata.name === "config-deployment")?.data;
    assert.equal(data(await render("edge"))?.["queue-sidecar-memory-request"], "24Mi");
    const knativeConfig = '{"config-deployment":{"queue-sidecar-memory-request":"32Mi"}}';
    assert.equal(
      data(await render("edge", { knativeConfig }))?.["queue-sidecar-memory-request"],
      "32Mi",
    );
    assert.equal(data(await render("scale"))?.["queue-sidecar-memory-request"], undefined);
  });
});
