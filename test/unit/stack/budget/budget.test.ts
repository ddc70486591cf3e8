import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import fc from "fast-check";
import { format } from "prettier";
import { formatAmount, sum, times } from "../../../../lib/resourceAmounts";
import { Budget, BudgetCase, budgetOutput, computeBudget } from "../../../../stack/budget/budget";
import { BudgetError, refusal, requireFit } from "../../../../stack/budget/budgetAdvice";
import { budgetMarkdown, budgetText } from "../../../../stack/budget/budgetTable";
import { EdgeConfig } from "../../../../stack/config";
import { leastMemoryMiB } from "../../../../components/host/hostSize";
import { k0sPods } from "../../../../stack/budget/k0sPods";
import { KubernetesObject } from "../../../../components/cluster/kubernetesObject";
import { podBudget, PodBudget, workloadPods } from "../../../../stack/budget/pods";
import { policies } from "../../../../stack/resources/policies";
import { loadReleases } from "../../../../stack/releases/releases";
import { Resources } from "../../../../lib/resources";
import { renderStack, StackObjects } from "../../../../stack/render/renderStack";
import { pageConfig } from "../../../../cli/footprintDocs";
import { releaseFromManifests, releaseTable, withBudgets } from "../../../../cli/lib/footprintPage";
import { project, referenceSetUp, testConfig } from "../../../support/config";
import { manifestsDir } from "../../../support/releases";

const releases = new Map<string, ReturnType<typeof loadReleases>>();

/** The budget of the reference set-up with some keys changed, with the releases in the test's folder. */
function budgetOf(changed: Record<string, string> = {}): Promise<Budget> {
  return plainBudget({ ...referenceSetUp, ...changed });
}

/** The budget of a configuration with the releases in the test's folder. */
async function plainBudget(changed: Record<string, string> = {}): Promise<Budget> {
  const config: EdgeConfig = testConfig({ manifestsDir, ...changed });
  const { knative, loadBalancer } = config;
  const key = [
    knative.version,
    knative.kourierVersion,
    JSON.stringify(loadBalancer),
    knative.domain,
  ].join();
  const loaded = releases.get(key) ?? loadReleases(config);
  releases.set(key, loaded);
  return computeBudget(config, renderStack(config, await loaded));
}

/** CPU and memory requests of components, in m and Mi. */
function requests({ pods }: Budget, ...components: string[]): string {
  const chosen = pods.filter(({ component }) => components.includes(component));
  const total = sum(chosen.map((pod) => times(pod.requests, pod.replicas)));
  return `${formatAmount("cpu", total.cpu, "up")}/${formatAmount("memory", total.memory, "up")}`;
}

/** CPU and memory limits of components, of the containers that have some. */
function limits({ pods }: Budget, ...components: string[]): string {
  const all = pods
    .filter(({ component }) => components.includes(component))
    .flatMap(({ containers }) => containers.map((container) => container.limits));
  const total = (name: "cpu" | "memory"): string =>
    formatAmount(
      name,
      all.reduce((amount, one) => amount + (one[name] ?? 0n), 0n),
      "up",
    );
  return `${total("cpu")}/${total("memory")}`;
}

function caseOf({ cases }: Budget, name: BudgetCase["name"]): BudgetCase {
  const found = cases.find((one) => one.name === name);
  assert.ok(found, name);
  return found;
}

const free = (budget: Budget, name: BudgetCase["name"]): string =>
  formatAmount("cpu", caseOf(budget, name).free.cpu, "down");

describe("the budget of the releases", function () {
  // Totals of the reference table, by policy: requests and limits of core and Kourier, then with the domain Job.
  const golden: Record<string, [string, string, string, string]> = {
    upstream: ["1000m/760Mi", "5500m/4400Mi", "1100m/860Mi", "6500m/5400Mi"],
    scale: ["500m/380Mi", "2750m/2200Mi", "550m/430Mi", "3250m/2700Mi"],
    guaranteed: ["2750m/2200Mi", "2750m/2200Mi", "3250m/2700Mi", "3250m/2700Mi"],
    edge: ["250m/408Mi", "6000m/1080Mi", "275m/440Mi", "7000m/1208Mi"],
  };
  for (const [version, metallbVersion] of [
    ["1.22.1", "v0.15.3"],
    ["1.23.0", "v0.16.1"],
  ] as const) {
    for (const [resourcePolicy, totals] of Object.entries(golden)) {
      it(`of ${version} with ${resourcePolicy}: ${totals.join(", ")}`, async () => {
        const budget = await budgetOf({
          knativeVersion: version,
          kourierVersion: version,
          metallbVersion,
          resourcePolicy,
        });
        const core = ["Knative", "Kourier"];
        assert.deepEqual(
          [
            requests(budget, ...core),
            limits(budget, ...core),
            requests(budget, ...core, "domain Job"),
            limits(budget, ...core, "domain Job"),
          ],
          totals,
        );
      });
    }
  }

  it("comes to the reference set-up's 860m, and 885m with a service, at half", async () => {
    const budget = await budgetOf();
    assert.equal(requests(budget, "k0s"), "360m/115Mi");
    assert.equal(requests(budget, "k0s", "Knative", "Kourier"), "860m/495Mi");
    assert.equal(requests(budget, "k0s", "Knative", "Kourier", "service"), "885m/495Mi");
    assert.equal(requests(budget, "MetalLB"), "10m/64Mi");
    assert.ok(budget.requestsFit);
    const cases = ["steady", "services", "domainJob", "rollout", "k0sUpgrade"] as const;
    assert.deepEqual(
      cases.map((name) => free(budget, name)),
      ["130m", "105m", "55m", "80m", "5m"],
    );
  });

  it("has room and no warning with no setting, on the host that is declared with none", async () => {
    const budget = await plainBudget();
    assert.equal(requests(budget, "k0s", "MetalLB", "Knative", "Kourier"), "610m/558Mi");
    assert.ok(budget.fits);
    assert.deepEqual(budget.warnings, []);
  });

  it("with the node's own address has neither MetalLB's pods nor the domain's Job", async () => {
    const budget = await budgetOf({ loadBalancer: "nodeIp", loadBalancerPool: "" });
    assert.equal(requests(budget, "MetalLB", "domain Job"), "0m/0Mi");
    assert.deepEqual(
      budget.cases.map(({ name }) => [name, free(budget, name)]),
      [
        ["steady", "140m"],
        ["services", "115m"],
        ["rollout", "90m"],
        ["k0sUpgrade", "15m"],
      ],
    );
  });

  it("at half finds no room for the activator's rollout unless it is recreated", async () => {
    const budget = await budgetOf({ oneNode: '{"recreateRollouts":false}' });
    const rollout = caseOf(budget, "rollout");
    assert.equal(rollout.title, "largest rollout: knative-serving/activator");
    assert.equal(free(budget, "services"), "105m");
    assert.equal(free(budget, "rollout"), "-45m");
    assert.deepEqual(rollout.pending, ["knative-serving/activator (new pod)"]);
    assert.ok(!budget.fits);
    assert.match(budget.advice[0] ?? "", /^Set oneNode.recreateRollouts to true/);
  });

  it("leaves Kourier Pending with upstream, as a real run of k0s did", async () => {
    const budget = await budgetOf({ resourcePolicy: "upstream" });
    assert.deepEqual(caseOf(budget, "services").pending, [
      "knative-serving/net-kourier-controller",
      "kourier-system/3scale-kourier-gateway",
    ]);
    assert.equal(requests(budget, "MetalLB"), "0m/0Mi");
    assert.throws(
      () => requireFit(budget),
      (error) =>
        error instanceof BudgetError &&
        /needs 1360m of CPU where there are 1000m/.test(error.message) &&
        /Set resourcePolicy to scale or edge/.test(error.message) &&
        /Take a host with 2 CPUs/.test(error.message),
    );
  });

  it("takes upstream on two CPUs, and names the autoscalers that may add pods", async () => {
    const budget = await budgetOf({
      resourcePolicy: "upstream",
      hostCpus: "2",
      hostMemoryMiB: "4096",
    });
    assert.ok(budget.fits);
    requireFit(budget);
    assert.deepEqual(
      budget.warnings.map((warning) =>
        /Autoscaler (\S+) may add up to (\d+)/.exec(warning)?.slice(1),
      ),
      [
        ["activator", "19"],
        ["webhook", "4"],
        ["3scale-kourier-gateway", "9"],
      ],
    );
  });

  it("counts services, and advises fewer where they do not fit", async () => {
    const services = (count: number, minScale: number): string =>
      JSON.stringify(
        Object.fromEntries(
          Array.from({ length: count }, (_, index) => [
            `s${index}`,
            { image: "app", autoscaling: { minScale } },
          ]),
        ),
      );
    const few = await budgetOf({ services: services(3, 0), sample: "false" });
    assert.equal(requests(few, "service"), "75m/0Mi");
    assert.ok(few.requestsFit);
    const many = await budgetOf({ services: services(3, 2), sample: "false" });
    assert.equal(requests(many, "service"), "150m/0Mi");
    assert.deepEqual(caseOf(many, "services").pending, ["default/s2"]);
    assert.ok(many.advice.some((text) => /^Declare fewer services/.test(text)));
    const small = await budgetOf({ services: services(20, 1), resourcePolicy: "edge" });
    assert.ok(small.requestsFit);
  });

  it("finds no room for a Job that runs again beside the services", async () => {
    const services = Object.fromEntries(["a", "b", "c"].map((name) => [name, { image: "app" }]));
    const budget = await budgetOf({ services: JSON.stringify(services) });
    assert.ok(caseOf(budget, "services").fits && caseOf(budget, "rollout").fits);
    assert.deepEqual(caseOf(budget, "domainJob").pending, ["knative-serving/default-domain"]);
    assert.ok(!budget.fits);
    assert.ok(budget.advice.includes("Set domain, with which no Job is needed."));
    const known = await budgetOf({
      services: JSON.stringify(services),
      domain: "edge.example.com",
    });
    assert.ok(known.requestsFit);
  });

  it("advises no larger host where the number of pods is what is short", async () => {
    const names = Array.from({ length: 100 }, (_, index) => [`s${index}`, { image: "app" }]);
    const services = JSON.stringify(Object.fromEntries(names));
    const size = { hostCpus: "64", hostMemoryMiB: "65536" };
    const { advice } = await budgetOf({ ...size, services, resourcePolicy: "edge" });
    assert.match(advice.join("\n"), /^Declare fewer services/m);
    assert.doesNotMatch(advice.join("\n"), /Take a host/);
  });

  it("counts each revision that shares the traffic", async () => {
    const split = async (minScale: number, ...traffic: object[]): Promise<string> => {
      const spec = { image: "app", revisionName: "a-v2", autoscaling: { minScale }, traffic };
      const budget = await budgetOf({ services: JSON.stringify({ a: spec }), sample: "false" });
      return requests(budget, "service");
    };
    const [old, latest] = [{ revisionName: "a-v1" }, { latestRevision: true }];
    assert.equal(await split(2, { ...old, percent: 80 }, { ...latest, percent: 20 }), "100m/0Mi");
    assert.equal(
      await split(2, { revisionName: "a-v2", percent: 50 }, { ...latest, percent: 50 }),
      "50m/0Mi",
    );
  });

  it("counts a revision that has a tag alone where it keeps pods", async () => {
    const tagged = async (minScale: number | undefined, least = "0"): Promise<string> => {
      const traffic = [
        { revisionName: "a-v1", percent: 100 },
        { latestRevision: true, tag: "next" },
      ];
      const spec = { image: "app", revisionName: "a-v2", autoscaling: { minScale }, traffic };
      const budget = await budgetOf({
        services: JSON.stringify({ a: spec }),
        sample: "false",
        knativeConfig: JSON.stringify({ "config-autoscaler": { "min-scale": least } }),
      });
      return requests(budget, "service");
    };
    assert.equal(await tagged(2), "100m/0Mi");
    assert.equal(await tagged(undefined, "2"), "100m/0Mi");
    assert.equal(await tagged(undefined), "25m/0Mi");
    assert.equal(await tagged(0, "2"), "25m/0Mi");
  });

  it("counts each container of a service, and the largest that runs before them", async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "knative-edge-budget-"));
    const container = (name: string, cpu: string, memory: string, more = {}): object => ({
      name,
      image: "app",
      resources: { requests: { cpu, memory } },
      ...more,
    });
    const spec = {
      priorityClassName: "system-cluster-critical",
      initContainers: [container("migrate", "10m", "300Mi"), container("seed", "900m", "1Mi")],
      containers: [
        container("log", "5m", "8Mi"),
        container("web", "20m", "32Mi", { ports: [{ containerPort: 8080 }] }),
      ],
    };
    const from = path.join(folder, "service.json");
    const [apiVersion, kind] = ["serving.knative.dev/v1", "Service"];
    fs.writeFileSync(from, JSON.stringify({ apiVersion, kind, spec: { template: { spec } } }));
    const services = JSON.stringify({ a: { from } });
    const budget = await budgetOf({ services, sample: "false", resourcePolicy: "edge" });
    fs.rmSync(folder, { recursive: true });
    const pod = budget.pods.find(({ component }) => component === "service");
    const names = ["migrate", "seed", "web", "log", "queue-proxy"];
    assert.deepEqual(
      pod?.containers.map(({ name }) => name),
      names,
    );
    assert.equal(requests(budget, "service"), "900m/300Mi");
    assert.equal(pod?.priority, 2_000_000_000);
    const row = budget.resident.rows.find(({ name }) => name === "default/a");
    assert.equal(row?.anonymous, 40);
  });

  it("counts queue-proxy and service containers as Knative's ConfigMaps say", async () => {
    const pod = ({ pods }: Budget): PodBudget | undefined =>
      pods.find(({ component }) => component === "service");
    const changed = async (
      knativeConfig: object,
      requested?: object,
      resourcePolicy = "scale",
    ): Promise<string | undefined> => {
      const budget = await budgetOf({
        resourcePolicy,
        knativeConfig: JSON.stringify(knativeConfig),
        ...(requested && {
          sample: "false",
          services: JSON.stringify({ a: { image: "app", ...requested } }),
        }),
      });
      const found = pod(budget);
      return found && `${requests({ ...budget, pods: [found] }, "service")} ${found.qos}`;
    };
    assert.equal(await changed({}), "25m/0Mi Burstable");
    assert.equal(
      await changed({ "config-features": { "queueproxy.resource-defaults": "Enabled" } }),
      "25m/400Mi Burstable",
    );
    assert.equal(
      await changed({ "config-deployment": { "queue-sidecar-cpu-request": "12m" } }),
      "12m/0Mi Burstable",
    );
    assert.equal(
      await changed({ "config-defaults": { "revision-cpu-request": "100m" } }),
      "125m/0Mi Burstable",
    );
    const own = { requests: { cpu: "50m" }, limits: { memory: "64Mi" } };
    assert.equal(
      await changed({ "config-defaults": { "revision-cpu-request": "100m" } }, own),
      "75m/64Mi Burstable",
    );
    const same = { cpu: "50m", memory: "64Mi" };
    const both = { requests: same, limits: same };
    assert.equal(await changed({}, both, "guaranteed"), "150m/160Mi Guaranteed");
    assert.equal(await changed({}, both, "edge"), "60m/88Mi Burstable");
    assert.equal(
      await changed({ "config-autoscaler": { "min-scale": "2" } }, {}),
      "50m/0Mi Burstable",
    );
    assert.equal(
      await changed({ "config-autoscaler": { "initial-scale": "3" } }, {}),
      "75m/0Mi Burstable",
    );
    assert.equal(
      await changed(
        {
          "config-autoscaler": {
            "min-scale": "2",
            "initial-scale": "0",
            "allow-zero-initial-scale": "true",
          },
        },
        {},
      ),
      "50m/0Mi Burstable",
    );
  });

  it("is not made where a request is above its limit only with what Knative's ConfigMaps add", async () => {
    await assert.rejects(
      budgetOf({
        resourcePolicy: "edge",
        knativeConfig: '{"config-deployment":{"queue-sidecar-memory-request":"200Mi"}}',
      }),
      new RegExp(
        `^Error: The configuration has a problem:\n${project}:knativeConfig.config-deployment: of queue-proxy [^\n]*requests.memory 200Mi is above limits.memory 96Mi; `,
      ),
    );
    await assert.rejects(
      budgetOf({
        knativeConfig: '{"config-defaults":{"revision-memory-request":"200Mi"}}',
        services: '{"a":{"image":"app","limits":{"memory":"100Mi"}},"b":{"image":"other"}}',
      }),
      new RegExp(
        `^Error: The configuration has a problem:\n${project}:services.a: .*config-defaults.*requests.memory 200Mi is above`,
      ),
    );
  });

  it("has no Job with a fixed domain, and fewer k0s pods where they are switched off", async () => {
    const fixed = await budgetOf({ domain: "edge.example.com" });
    assert.ok(!fixed.cases.some(({ name }) => name === "domainJob"));
    const off = await budgetOf({ k0sDisabledComponents: '["metrics-server"]' });
    assert.equal(requests(off, "k0s"), "350m/86Mi");
  });

  it("adds up: every part, every case, for every policy and size", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...Object.keys(policies)),
        fc.integer({ min: 1, max: 100 }).map((hundredths) => String(hundredths / 100)),
        fc.integer({ min: 100, max: 8000 }),
        fc.integer({ min: leastMemoryMiB, max: 16384 }),
        async (resourcePolicy, resourceFactor, milli, memory) => {
          const budget = await budgetOf({
            resourcePolicy,
            ...(["scale", "guaranteed"].includes(resourcePolicy) && { resourceFactor }),
            hostCpus: `${milli}m`,
            hostMemoryMiB: String(memory),
          });
          const all = sum(budget.pods.map((pod) => times(pod.requests, pod.replicas)));
          const job = budget.pods.filter(({ component }) => component === "domain Job");
          const services = caseOf(budget, "services");
          assert.deepEqual(sum([services.requests, ...job.map((pod) => pod.requests)]), all);
          for (const one of budget.cases) {
            assert.deepEqual(sum([one.requests, one.free]), budget.allocatable);
            assert.equal(one.fits, one.pending.length === 0, one.title);
          }
          for (const { containers, requests: podRequests } of budget.pods) {
            const own = sum(containers.map((container) => container.requests));
            assert.deepEqual({ ...own, pods: 1n }, podRequests);
          }
          const fits = (["cpu", "memory", "pods"] as const).every(
            (name) => services.free[name] >= 0n,
          );
          assert.equal(services.fits, fits);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("fits a larger host wherever it fits a smaller one", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...Object.keys(policies)),
        fc.integer({ min: 100, max: 4000 }),
        fc.integer({ min: 0, max: 4000 }),
        async (resourcePolicy, milli, more) => {
          const size = { resourcePolicy, hostMemoryMiB: "4096" };
          const small = await budgetOf({ ...size, hostCpus: `${milli}m` });
          const large = await budgetOf({ ...size, hostCpus: `${milli + more}m` });
          assert.ok(!small.fits || large.fits);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("is told as text, as Markdown and as data", async () => {
    const budget = await budgetOf();
    const text = budgetText(budget);
    assert.match(
      text,
      /^Knative +knative-serving\/activator +activator +150m +500m +30Mi +300Mi +Burstable$/m,
    );
    assert.match(text, /^k0s +all pods +360m +none +115Mi +none$/m);
    assert.match(text, /^with 1 service awake +13 +895m +105m +559Mi +877Mi +fits$/m);
    assert.doesNotMatch(text, / $/m);
    assert.match(
      budgetMarkdown(budget),
      /^\| Knative \| knative-serving\/activator \| activator \| 150m \|/m,
    );
    const { fits, allocatable, requests } = budgetOutput(budget);
    // For its requests it does, for its memory it does not.
    assert.equal(fits, false);
    assert.equal(allocatable, "1000m CPU, 1436Mi");
    assert.equal(requests.services, "895m CPU, 559Mi");
    const refused = await budgetOf({ resourcePolicy: "upstream" });
    assert.match(budgetText(refused), /does not fit: 2 Pending/);
    assert.ok(budgetText(refused).endsWith(refusal(refused)));
  });
});

describe("pods", () => {
  const pod = (...containers: Parameters<typeof podBudget>[0]["containers"]): PodBudget =>
    podBudget({ component: "a", name: "a/a", replicas: 1, surge: 0, priority: 0, containers });
  const both = { cpu: "1", memory: "1Gi" };

  it("have the class that Kubernetes gives them", () => {
    const classOf = (...resources: Resources[]): string =>
      pod(...resources.map((one, index) => ({ name: String(index), resources: one }))).qos;
    assert.equal(classOf({}), "BestEffort");
    assert.equal(classOf({ requests: { "ephemeral-storage": "1Gi" } }), "BestEffort");
    assert.equal(classOf({ requests: { cpu: "1m" } }), "Burstable");
    assert.equal(classOf({ limits: { memory: "1Gi" } }), "Burstable");
    assert.equal(classOf({ limits: both }), "Guaranteed");
    assert.equal(classOf({ requests: both, limits: both }), "Guaranteed");
    assert.equal(classOf({ requests: { ...both, cpu: "500m" }, limits: both }), "Burstable");
    assert.equal(classOf({ limits: both }, {}), "Burstable");
    assert.equal(
      classOf({ requests: { cpu: "1000m", memory: "1024Mi" }, limits: both }),
      "Guaranteed",
    );
  });

  it("request what their limits say where they request nothing", () => {
    assert.equal(
      pod({ name: "a", resources: { limits: { cpu: "2" } } }).requests.cpu,
      2_000_000_000n,
    );
  });

  it("request what runs together, or the largest that starts before", () => {
    const cpu = (...containers: Parameters<typeof pod>): string =>
      formatAmount("cpu", pod(...containers).requests.cpu, "up");
    const one = (amount: string, role?: "init" | "sidecar"): Parameters<typeof pod>[0] => ({
      name: amount,
      role,
      resources: { requests: { cpu: amount } },
    });
    assert.equal(cpu(one("100m"), one("50m")), "150m");
    assert.equal(cpu(one("300m", "init"), one("100m")), "300m");
    assert.equal(cpu(one("300m", "init"), one("200m", "init"), one("400m")), "400m");
    assert.equal(cpu(one("10m", "sidecar"), one("100m")), "110m");
    assert.equal(cpu(one("10m", "sidecar"), one("300m", "init"), one("100m")), "310m");
  });

  it("request whole m and whole bytes, a container at a time", () => {
    const half = { requests: { cpu: "0.5m", memory: "0.5" } };
    const { requests } = pod({ name: "a", resources: half }, { name: "b", resources: half });
    assert.deepEqual(requests, { cpu: 2_000_000n, memory: 2_000_000_000n, pods: 1n });
  });

  it("surge as their Deployment's strategy says", () => {
    const surge = (
      strategy: object | undefined,
      replicas = 1,
      kind = "Deployment",
    ): number | undefined =>
      workloadPods(
        "a",
        {
          apiVersion: "apps/v1",
          kind,
          metadata: { name: "a" },
          spec: { ...(strategy && { strategy }), template: { spec: { containers: [] } } },
        } as KubernetesObject,
        replicas,
      )?.surge;
    const rolling = (rollingUpdate: object): object => ({ type: "RollingUpdate", rollingUpdate });
    assert.equal(surge(undefined), 1);
    assert.equal(surge(undefined, 8), 2);
    assert.equal(surge({ type: "Recreate" }), 0);
    assert.equal(surge(rolling({ maxSurge: 0, maxUnavailable: 1 })), 0);
    assert.equal(surge(rolling({ maxSurge: "100%" }), 3), 3);
    assert.equal(surge(rolling({ maxUnavailable: 0 }), 3), 1);
    assert.equal(surge(undefined, 1, "DaemonSet"), 0);
    assert.equal(surge(undefined, 1, "ConfigMap"), undefined);
  });

  it("of k0s are those of its releases", () => {
    const names = (version: string, off: string[] = []): string[] =>
      k0sPods(version, off).map(({ name }) => name);
    const all = ["kube-router", "kube-proxy", "coredns", "metrics-server"].map(
      (name) => `kube-system/${name}`,
    );
    for (const version of ["v1.26.2+k0s.0", "v1.34.2+k0s.0", "v1.36.3+k0s.2"]) {
      assert.deepEqual(names(version), all, version);
      const cpu = sum(k0sPods(version, []).map((one) => one.requests)).cpu;
      assert.equal(formatAmount("cpu", cpu, "up"), "360m", version);
    }
    assert.deepEqual(names("v1.35.7+k0s.0", ["metrics-server", "autopilot"]), all.slice(0, 3));
    const dns = (version: string): unknown => k0sPods(version, [])[2]?.limits.memory;
    assert.deepEqual(
      [dns("v1.26.2+k0s.0"), dns("v1.34.2+k0s.0")],
      [170n * 1024n ** 2n * 10n ** 9n, undefined],
    );
  });
});

describe("the scheduler's view", () => {
  const settings = testConfig(referenceSetUp);
  const workload = (name: string, cpu: string, more: object = {}): KubernetesObject =>
    ({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name, namespace: "a" },
      spec: {
        strategy: { type: "Recreate" },
        template: { spec: { containers: [{ name, resources: { requests: { cpu } } }], ...more } },
      },
    }) as unknown as KubernetesObject;
  const stack = (...core: KubernetesObject[]): StackObjects => ({
    metalLb: [],
    serving: { definitions: [], core, admitted: [] },
    kourier: [],
    defaultDomain: [],
    services: [],
  });
  const pending = (...core: KubernetesObject[]): string[] =>
    computeBudget(settings, stack(...core)).cases[0]?.pending ?? [];

  it("takes exactly what the node has, and not 1m more", () => {
    assert.deepEqual(pending(workload("a", "640m")), []);
    assert.deepEqual(pending(workload("a", "641m")), ["a/a"]);
  });

  it("lets a smaller pod in after one that finds no place", () => {
    assert.deepEqual(pending(workload("a", "600m"), workload("b", "100m"), workload("c", "40m")), [
      "a/b",
    ]);
  });

  it("puts higher priorities first", () => {
    const first = workload("b", "600m", { priorityClassName: "system-cluster-critical" });
    assert.deepEqual(pending(workload("a", "600m"), first), ["a/a"]);
  });

  it("counts the pods that an autoscaler keeps, and no more than 110 in all", () => {
    const scaler = (minReplicas: number): KubernetesObject =>
      ({
        apiVersion: "autoscaling/v2",
        kind: "HorizontalPodAutoscaler",
        metadata: { name: "a", namespace: "a" },
        spec: { minReplicas, scaleTargetRef: { kind: "Deployment", name: "a" } },
      }) as unknown as KubernetesObject;
    assert.deepEqual(pending(workload("a", "1m"), scaler(106)), []);
    assert.deepEqual(pending(workload("a", "1m"), scaler(108)), ["a/a x2"]);
  });
});

describe("docs/footprint.md", () => {
  it("has the tables that this program computes: npx tsx cli/footprintDocs.ts", async function () {
    const directory = manifestsDir;
    const page = fs.readFileSync(path.join(__dirname, "../../../../docs/footprint.md"), "utf8");
    const budgets = await withBudgets(page, (changed) => pageConfig(changed, directory));
    const computed = await format(budgets, { parser: "markdown" });
    assert.equal(computed, page);
    const versions = ["1.22.1", "1.23.0"];
    const newest = await Promise.all(
      versions.map((version) => releaseFromManifests(version, directory)),
    );
    const cells = (text: string): string[] =>
      text.split("\n").map((line) => line.replace(/\s*\|\s*/g, "|"));
    for (const row of cells(releaseTable(newest)).slice(2)) {
      assert.ok(cells(page).includes(row), row);
    }
  });
});
