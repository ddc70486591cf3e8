import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { formatAmount } from "../../../../lib/resourceAmounts";
import { Budget, BudgetCase, budgetOutput, computeBudget } from "../../../../stack/budget/budget";
import {
  BudgetError,
  goingOn,
  isRefused,
  refusal,
  requireFit,
} from "../../../../stack/budget/budgetAdvice";
import { budgetText } from "../../../../stack/budget/budgetTable";
import type { NodeBudget } from "../../../../stack/budget/nodeBudget";
import { BudgetNode } from "../../../../stack/budget/nodes";
import { k0sPods } from "../../../../stack/budget/k0sPods";
import { KubernetesObject } from "../../../../components/cluster/kubernetesObject";
import { loadReleases, ReleaseObjects } from "../../../../stack/releases/releases";
import { renderStack, StackObjects } from "../../../../stack/render/renderStack";
import { testConfig } from "../../../support/config";
import { manifestsDir } from "../../../support/releases";

const files = fs.mkdtempSync(path.join(os.tmpdir(), "budget-nodes-"));
let releases: ReleaseObjects;

interface Given {
  config?: Record<string, string>;
  hostName?: string;
  services?: Record<string, string>;
  /** Fields of the services' pods. */
  spec?: object;
  change?: (objects: StackObjects) => StackObjects;
}

/** The budget of a stack with workers, by default with nothing but the sample. */
function budgetOf(workers: BudgetNode[] | undefined, given: Given = {}): Budget {
  const services = Object.fromEntries(
    Object.entries(given.services ?? {}).map(([name, requests]) => [
      name,
      { from: serviceFile(name, requests, given.spec) },
    ]),
  );
  const config = testConfig({
    manifestsDir,
    ...given.config,
    ...(given.services && { services: JSON.stringify(services) }),
  });
  const objects = renderStack(config, releases);
  const { hostName, change = (same: StackObjects): StackObjects => same } = given;
  return computeBudget({ ...config, workers, hostName }, change(objects));
}

function serviceFile(name: string, requests: string, spec = {}): string {
  const [cpu, memory] = requests.split("/");
  const containers = [{ image: "app", resources: { requests: { cpu, memory } } }];
  const file = path.join(files, `${name}.json`);
  const [apiVersion, kind] = ["serving.knative.dev/v1", "Service"];
  const template = { spec: { ...spec, containers } };
  fs.writeFileSync(file, JSON.stringify({ apiVersion, kind, spec: { template } }));
  return file;
}

const worker = (
  name: string,
  cpus = "1",
  memoryMiB = 1536,
  more: Partial<BudgetNode> = {},
): BudgetNode => ({ name, size: { cpus, memoryMiB }, labels: {}, taints: [], ...more });

const tainted = worker("edge2", "2", 4096, {
  taints: [{ key: "spot", value: "yes", effect: "NoSchedule" }],
});

function caseOf({ cases }: Budget, name: BudgetCase["name"]): BudgetCase {
  const found = cases.find((one) => one.name === name);
  assert.ok(found, name);
  return found;
}

function nodeOf({ nodes = [] }: Budget, name: string): NodeBudget {
  const found = nodes.find((one) => one.name === name);
  assert.ok(found, name);
  return found;
}

const on = (budget: Budget, name: string): string[] =>
  nodeOf(budget, name).pods.map((pod) => pod.name);

const replicas = (budget: Budget, name: string): number | undefined =>
  budget.pods.find((pod) => pod.name === name)?.replicas;

before(async () => {
  releases = await loadReleases(testConfig({ manifestsDir }));
});

after(() => fs.rmSync(files, { recursive: true }));

describe("the budget over nodes", () => {
  it("is that of the host alone without workers", () => {
    const alone = budgetOf(undefined);
    assert.equal(alone.nodes, undefined);
    assert.equal(budgetText(budgetOf([])), budgetText(alone));
    assert.deepEqual(budgetOutput(budgetOf([])), budgetOutput(alone));
    assert.match(budgetText(alone), /^Budget for a host with 1 CPU and 1536 MiB,/);
  });

  it("has one pod of each DaemonSet on each node that takes it", () => {
    const budget = budgetOf([tainted, worker("edge3")]);
    const daemons = (name: string): string[] =>
      nodeOf(budget, name)
        .pods.filter(({ daemon }) => daemon)
        .map((pod) => pod.name);
    const k0s = ["kube-system/kube-router", "kube-system/kube-proxy"];
    assert.deepEqual(daemons("host"), [...k0s, "metallb-system/speaker"]);
    assert.deepEqual(daemons("edge2"), k0s, "MetalLB's speaker does not tolerate the taint");
    assert.deepEqual(daemons("edge3"), [...k0s, "metallb-system/speaker"]);
    assert.equal(replicas(budget, "kube-system/kube-router"), 3);
    assert.equal(replicas(budget, "metallb-system/speaker"), 2);
    assert.equal(replicas(budget, "metallb-system/controller"), 1);
  });

  it("adds up what the nodes offer and what is requested on them", () => {
    const budget = budgetOf([worker("edge2", "500m", 1024), worker("edge3", "2", 2048)]);
    assert.equal(formatAmount("cpu", budget.allocatable.cpu, "down"), "3500m");
    assert.equal(formatAmount("memory", budget.allocatable.memory, "down"), "4308Mi");
    const total = (budget.nodes ?? []).reduce((sum, { requests }) => sum + requests.cpu, 0n);
    assert.equal(total, caseOf(budget, "services").requests.cpu);
  });

  it("counts k0s' CoreDNS as k0s does, on a node each", () => {
    const count = (nodes: number): number | undefined =>
      k0sPods("v1.35.7+k0s.0", [], nodes).find(({ name }) => name.endsWith("/coredns"))?.replicas;
    assert.deepEqual([1, 2, 10, 11, 21].map(count), [1, 2, 2, 3, 4]);
    const budget = budgetOf([worker("edge2"), worker("edge3")]);
    const found = (budget.nodes ?? []).filter(({ name }) =>
      on(budget, name).includes("kube-system/coredns"),
    );
    assert.equal(found.length, 2);
  });

  it("does not refuse a stack whose second CoreDNS has no node", () => {
    const budget = budgetOf([tainted]);
    assert.deepEqual(caseOf(budget, "services").pending, ["kube-system/coredns"]);
    assert.equal(budget.fits, true);
    assert.match(budgetText(budget), /fits, with fewer pods of kube-system\/coredns/);
  });

  it("takes what one node has no room for, and says where each pod may be", () => {
    const upstream = { resourcePolicy: "upstream" };
    assert.equal(budgetOf(undefined, { config: upstream }).requestsFit, false);
    const activator = (edge2: BudgetNode): string[] | undefined =>
      (budgetOf([edge2], { config: upstream }).nodes ?? [])
        .flatMap(({ pods }) => pods)
        .find(({ name }) => name === "knative-serving/activator")?.mayBeOn;
    const large = worker("edge2", "2");
    assert.equal(budgetOf([large], { config: upstream }).requestsFit, true);
    assert.deepEqual(activator(large), ["host", "edge2"]);
    assert.deepEqual(activator(worker("edge2", "280m")), ["host"]);
  });

  it("follows the rules of a service's file, and names its pod where no node is right", () => {
    const services = { a: "300m/64Mi" };
    const gpu = worker("edge2", "1", 1536, { labels: { gpu: "yes" } });
    const spec = { nodeSelector: { gpu: "yes" } };
    const found = budgetOf([gpu, worker("edge3", "4", 4096)], { services, spec });
    assert.ok(on(found, "edge2").includes("default/a"));
    const none = budgetOf([worker("edge3", "4", 4096)], { services, spec });
    assert.deepEqual(caseOf(none, "services").pending, ["default/a"]);
    const text = refusal(none);
    assert.match(
      text,
      /with 2 services awake: no single node has room; Pending would be default\/a\./,
    );
    assert.doesNotMatch(text, /Add a worker|Give the/, "no size helps");
  });

  it("knows the labels of the host, and its name where it has one", () => {
    const services = { a: "10m/64Mi" };
    const where = { "node-role.kubernetes.io/control-plane": "true" };
    const onHost = budgetOf([worker("edge2", "8", 8192)], {
      services,
      spec: { nodeSelector: where },
      hostName: "edge1",
    });
    assert.ok(on(onHost, "edge1").includes("default/a"));
    const named = budgetOf([worker("edge2")], {
      services,
      spec: { nodeSelector: { "kubernetes.io/hostname": "edge2", "kubernetes.io/os": "linux" } },
    });
    assert.ok(on(named, "edge2").includes("default/a"));
  });

  it("says where there would be room for all, but not as the scheduler goes", () => {
    const services = { a: "110m/32Mi", b: "110m/32Mi", c: "110m/32Mi", z: "460m/32Mi" };
    const budget = budgetOf([worker("edge2")], { services });
    assert.deepEqual(caseOf(budget, "services").pending, ["default/z"]);
    assert.match(refusal(budget), /Placed otherwise all pods would find room/);
    const larger = budgetOf([worker("edge2")], { services: { ...services, z: "900m/32Mi" } });
    assert.doesNotMatch(refusal(larger), /Placed otherwise/);
  });

  it("finds no room for a rollout of pods that are apart, unless an old one may end first", () => {
    const rollout = (rollingUpdate: object): BudgetCase => {
      const change = (objects: StackObjects): StackObjects => ({
        ...objects,
        serving: { ...objects.serving, core: objects.serving.core.map(twoApart(rollingUpdate)) },
      });
      return caseOf(budgetOf([worker("edge2")], { change }), "rollout");
    };
    assert.deepEqual(rollout({ maxSurge: 1, maxUnavailable: 0 }).pending, [
      "knative-serving/activator (new pod)",
    ]);
    assert.equal(rollout({ maxSurge: 1, maxUnavailable: 1 }).fits, true);
  });
});

/** Two activators, each on a node of its own. */
function twoApart(rollingUpdate: object): (object: KubernetesObject) => KubernetesObject {
  return (object) => {
    if (object.kind !== "Deployment" || object.metadata.name !== "activator") {
      return object;
    }
    const changed = structuredClone(object);
    const rule = {
      topologyKey: "kubernetes.io/hostname",
      labelSelector: { matchLabels: { app: "activator" } },
    };
    const template = changed.spec?.template as unknown as { spec: Record<string, unknown> };
    template.spec.affinity = {
      podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [rule] },
    };
    return {
      ...changed,
      spec: {
        ...changed.spec,
        replicas: 2,
        strategy: { type: "RollingUpdate", rollingUpdate },
      },
    } as KubernetesObject;
  };
}

describe("the loss of a worker", () => {
  it("leaves pods Pending that have no place elsewhere, which is a warning alone", () => {
    const services = { a: "600m/64Mi" };
    const budget = budgetOf([worker("edge2", "2", 2048), worker("edge3", "400m", 1024)], {
      services,
    });
    const lost = caseOf(budget, "workerLost");
    assert.equal(lost.title, "worker edge2 lost");
    assert.deepEqual(lost.pending, ["default/a"]);
    assert.deepEqual([lost.fits, lost.required, budget.fits], [false, false, true]);
    requireFit(budget);
    assert.deepEqual(budget.warnings, [
      "With the worker edge2 lost, these pods find no place: default/a. One more worker with 2 CPUs and 768 MiB would " +
        "have room for them.",
    ]);
  });

  it("does no harm where another pod of the same runs, or where there is room", () => {
    const two = caseOf(budgetOf([worker("edge2")]), "workerLost");
    assert.deepEqual(two.pending, ["kube-system/coredns"]);
    assert.equal(two.fits, true);
    const three = budgetOf([worker("edge2"), worker("edge3", "2", 2048)]);
    assert.equal(caseOf(three, "workerLost").title, "worker edge3 lost", "the largest");
    assert.deepEqual(caseOf(three, "workerLost").pending, []);
    assert.deepEqual(three.warnings, []);
  });

  it("is that of the worker which is missed most, be it smaller", () => {
    const gpu = worker("edge2", "1", 1024, { labels: { gpu: "yes" } });
    const budget = budgetOf([worker("edge3", "4", 4096), gpu], {
      services: { a: "100m/64Mi" },
      spec: { nodeSelector: { gpu: "yes" } },
    });
    assert.equal(caseOf(budget, "workerLost").title, "worker edge2 lost");
    assert.deepEqual(caseOf(budget, "workerLost").pending, ["default/a"]);
  });

  it("counts what the others offer, without the DaemonSets of the lost one", () => {
    const budget = budgetOf([worker("edge2", "2", 2048)]);
    const [lost, all] = [caseOf(budget, "workerLost"), caseOf(budget, "services")];
    // kube-router's 250m and the speaker's 5m.
    assert.equal(formatAmount("cpu", all.requests.cpu - lost.requests.cpu, "up"), "255m");
    assert.equal(formatAmount("cpu", all.free.cpu - lost.free.cpu, "up"), "1745m");
  });
});

describe("resident memory of nodes", () => {
  const anonymous = (budget: Budget): number[] =>
    (budget.nodes ?? []).map(({ resident }) => resident.anonymous);

  it("has the control plane on the host, and a kubelet and a containerd on each", () => {
    const [host, edge2] = budgetOf([worker("edge2")]).nodes ?? [];
    const rows = ({ resident }: NodeBudget): string[] => resident.rows.map(({ name }) => name);
    assert.ok(host && edge2);
    assert.ok(rows(host).includes("kube-apiserver") && !rows(edge2).includes("kube-apiserver"));
    for (const name of ["kubelet", "containerd", "kube-system/kube-router", "the node's own"]) {
      assert.ok(rows(host).includes(name) && rows(edge2).includes(name), name);
    }
    assert.ok(rows(edge2).includes("k0s worker"));
    const measured = edge2.resident.rows.filter(
      ({ part, how }) => part === "k0s" && /k0s/.test(how),
    );
    assert.deepEqual(
      measured.map(({ name }) => name),
      ["kube-system/kube-router", "kube-system/kube-proxy"],
      "nobody has measured a worker's own programs",
    );
  });

  it("comes to that of a single node if everything is on the host", () => {
    const alone = budgetOf(undefined).resident;
    const [host] = budgetOf([tainted]).nodes ?? [];
    assert.ok(host);
    assert.equal(host.resident.anonymous, alone.anonymous);
    assert.equal(host.resident.code, alone.code);
  });

  it("is moved from one node to the other with a pod", () => {
    const spec = (node: string): object => ({
      nodeSelector: { "kubernetes.io/hostname": node },
    });
    const services = { a: "10m/200Mi" };
    const [hostWith = 0, workerWithout = 0] = anonymous(
      budgetOf([tainted], { services, spec: spec("host") }),
    );
    const there = { ...spec("edge2"), tolerations: [{ operator: "Exists" }] };
    const [hostWithout = 0, workerWith = 0] = anonymous(
      budgetOf([tainted], { services, spec: there }),
    );
    // The request, a queue-proxy and a shim.
    assert.equal(hostWith - hostWithout, 200 + 4 + 5);
    assert.equal(workerWith - workerWithout, 200 + 4 + 5);
  });

  it("refuses a worker that is short of it, unless that is allowed", () => {
    const services = { a: "10m/60Mi" };
    const spec = { nodeSelector: { "kubernetes.io/hostname": "edge2" } };
    const short = budgetOf([worker("edge2", "1", 768)], { services, spec });
    assert.deepEqual([short.requestsFit, short.fits, isRefused(short)], [true, false, true]);
    assert.throws(
      () => requireFit(short),
      (error) =>
        error instanceof BudgetError &&
        /does not fit its nodes \(host: 1 CPU and 1536 MiB; edge2: 1 CPU and 768 MiB\)/.test(
          error.message,
        ) &&
        /resident memory on edge2 with 2 services awake: needs a host of/.test(error.message) &&
        /Give the worker edge2 1 CPU and 1024 MiB or more \(now 1 and 768\)\./.test(error.message),
    );
    const allow = '["memoryShort"]';
    const allowed = budgetOf([worker("edge2", "1", 768)], { services, spec, config: { allow } });
    assert.equal(isRefused(allowed), false);
    assert.match(
      goingOn(allowed),
      /^Memory is short, and memoryShort is in allow: edge2 needs \d+ MiB and has 768\./,
    );
  });
});

describe("advice in nodes", () => {
  it("names sizes with which the stack fits, and no smaller ones do", () => {
    const services = { a: "500m/300Mi", b: "500m/300Mi", c: "500m/300Mi" };
    // By default these follow the host's size.
    const lowMemory = '{"collectGarbage":true,"removeMetricsServer":true}';
    const given = { services, config: { lowMemory } };
    const budget = budgetOf([worker("edge2", "500m", 1024)], given);
    const text = refusal(budget);
    const sizes = [
      ...text.matchAll(
        /(Add a worker with|Give the (?:worker edge2|host)) (\d+) CPUs? and (\d+) MiB/g,
      ),
    ];
    assert.deepEqual(
      sizes.map(([, what]) => what),
      ["Add a worker with", "Give the worker edge2", "Give the host"],
    );
    const tried = (what = "", cpus: number, memoryMiB: number): Budget => {
      const size = { cpus: String(cpus), memoryMiB };
      const small = worker("edge2", "500m", 1024);
      if (what === "Give the host") {
        const config = { lowMemory, hostCpus: size.cpus, hostMemoryMiB: String(memoryMiB) };
        return budgetOf([small], { ...given, config });
      }
      return budgetOf(
        what === "Add a worker with"
          ? [small, { ...small, name: "edge3", size }]
          : [{ ...small, size }],
        given,
      );
    };
    for (const [, what, cpus, memory] of sizes) {
      assert.equal(tried(what, Number(cpus), Number(memory)).fits, true, what);
      assert.equal(tried(what, Number(cpus) / 2, Number(memory)).fits, false, what);
    }
  });

  it("has what lowers requests and memory, too, and the consent", () => {
    const services = { a: "500m/300Mi", b: "500m/300Mi", c: "500m/300Mi" };
    const config = { resourcePolicy: "upstream" };
    const { advice } = budgetOf([worker("edge2", "500m", 1024)], { services, config });
    assert.ok(advice.includes("Set resourcePolicy to scale or edge."));
    assert.ok(advice.some((text) => text.startsWith("Or set allowOvercommit to true")));
    assert.doesNotMatch(advice.join("\n"), /Take a host with/);
  });
});

describe("the budget over nodes in words", () => {
  it("has a table of the nodes, and one of what is where", () => {
    const text = budgetText(budgetOf([tainted, worker("edge3", "2", 2048)]));
    assert.match(
      text,
      /^Budget for 3 nodes \(host: 1 CPU and 1536 MiB; edge2: 2 CPUs and 4096 MiB; edge3: 2 CPUs and 2048 MiB\), of which pods may request 5000m and 7380Mi/,
    );
    assert.match(text, /^edge2 +2 +250m +1750m +16Mi +3980Mi +\d+ of 4096 MiB +fits$/m);
    assert.match(text, /^host +kube-system\/kube-router +250m +16Mi +one on each$/m);
    assert.match(text, /^ +metallb-system\/speaker +5m +32Mi +one on host, edge3$/m);
    assert.match(text, /^ +knative-serving\/activator +75m +56Mi +host, edge3$/m);
    assert.match(text, /^worker edge2 lost +16 +975m +2025m /m);
    assert.match(text, /^Resident memory on edge2 with 1 service awake, in MiB$/m);
    assert.match(text, /^Resident memory on edge3 .*; it has 2048, which is enough\.$/m);
    assert.doesNotMatch(text, / $/m);
  });

  it("has each node in the stack's output", () => {
    const { nodes, allocatable, requests } = budgetOutput(budgetOf([tainted]));
    assert.equal(allocatable, "3000m CPU, 5432Mi");
    assert.match(requests.workerLost ?? "", /^\d+m CPU, \d+Mi$/);
    assert.match(
      nodes?.edge2 ?? "",
      /^250m CPU, 16Mi of 2000m CPU, 3996Mi, needs \d+Mi of 4096Mi$/,
    );
    assert.deepEqual(Object.keys(nodes ?? {}), ["host", "edge2"]);
  });
});
