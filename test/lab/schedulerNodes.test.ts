// The budget over several nodes against the real scheduler: which pods it leaves Pending, and where it puts the others.
import assert from "node:assert/strict";
import { ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { Budget, BudgetCase, computeBudget } from "../../stack/budget/budget";
import { Taint } from "../../components/worker/workerConfig";
import { BudgetNode, emptyNodes, placements } from "../../stack/budget/nodes";
import { Placement } from "../../stack/scheduling/placement";
import { EdgeConfig } from "../../stack/config";
import { loadReleases } from "../../stack/releases/releases";
import { renderStack, StackObjects } from "../../stack/render/renderStack";
import { testConfig } from "../support/config";
import { manifestsDir } from "../support/manifests";
import { Apps, Core, endAll, hasPrograms, startCluster } from "../support/scheduler";
import { wantedPods } from "../support/schedulerCase";
import { Cluster } from "../support/schedulerNodes";

interface Case {
  title: string;
  /** What the budget must say, so that a case shows what its title says. */
  fits: boolean;
  config?: Record<string, string>;
  workers: BudgetNode[];
  /** Services by name: requests as `200m/64Mi`, pods, and fields of the pod. */
  services?: Record<string, ServiceCase>;
  /** Whether the loss of a worker is tried after, and whether the budget says that all workloads go on. */
  survives?: boolean;
  /** Whether there would be room for all. */
  roomOtherwise?: boolean;
}

interface ServiceCase {
  requests: string;
  pods?: number;
  spec?: object;
}

const worker = (
  name: string,
  cpus: string,
  memoryMiB: number,
  more: { labels?: Record<string, string>; taints?: Taint[] } = {},
): BudgetNode => ({ name, size: { cpus, memoryMiB }, labels: {}, taints: [], ...more });

const spot = (effect: Taint["effect"]): Taint => ({ key: "spot", value: "yes", effect });

/** So many services alike. */
const alike = (count: number, one: ServiceCase): Record<string, ServiceCase> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`s${index}`, one]));

/** At most one pod more on a node than on another. */
const spread = (nodeTaintsPolicy?: string): object => ({
  topologySpreadConstraints: [
    {
      topologyKey: "kubernetes.io/hostname",
      maxSkew: 1,
      whenUnsatisfiable: "DoNotSchedule",
      labelSelector: { matchLabels: { "serving.knative.dev/service": "a" } },
      nodeTaintsPolicy,
    },
  ],
});

const apart = {
  affinity: {
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        {
          topologyKey: "kubernetes.io/hostname",
          labelSelector: { matchLabels: { "serving.knative.dev/service": "a" } },
        },
      ],
    },
  },
};

const nodeTerms = (...matchExpressions: object[]): object => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions }] },
    },
  },
});

const prefers = (key: string, ...values: string[]): object => ({
  affinity: {
    nodeAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        { weight: 50, preference: { matchExpressions: [{ key, operator: "In", values }] } },
      ],
    },
  },
});

const gpu = { labels: { gpu: "yes" } };
const scale = { resourcePolicy: "scale" };
const upstream = { resourcePolicy: "upstream" };

// What stays Pending in a case must not depend on which of two nodes with one score the scheduler takes.
const cases: Case[] = [
  {
    title: "nothing set, and a small worker",
    fits: true,
    workers: [worker("edge2", "1", 1024)],
    survives: true,
  },
  {
    title: "upstream, which one CPU has no room for, on two",
    fits: true,
    config: upstream,
    workers: [worker("edge2", "1100m", 1792)],
    survives: false,
  },
  {
    title: "upstream on two nodes that are too small",
    fits: false,
    config: { ...upstream, hostCpus: "800m" },
    workers: [worker("edge2", "600m", 1280)],
  },
  {
    title: "upstream on three nodes of three sizes",
    fits: true,
    config: upstream,
    workers: [worker("edge2", "2", 2048), worker("edge3", "700m", 1024)],
    survives: false,
  },
  {
    title: "ten services on four nodes",
    fits: true,
    config: scale,
    workers: [worker("edge2", "1", 1536), worker("edge3", "2", 1536), worker("edge4", "1", 3072)],
    services: alike(10, { requests: "150m/64Mi" }),
    survives: false,
  },
  {
    title: "more services than two nodes have room for",
    fits: false,
    config: scale,
    workers: [worker("edge2", "1", 1536)],
    services: alike(6, { requests: "150m/64Mi" }),
  },
  {
    title: "a service that is larger than any node",
    fits: false,
    workers: [worker("edge2", "1", 1536), worker("edge3", "1", 1536)],
    services: { a: { requests: "900m/64Mi" } },
  },
  {
    title: "a service that finds no room because small ones are spread",
    fits: false,
    roomOtherwise: true,
    workers: [worker("edge2", "1", 1536)],
    services: { ...alike(3, { requests: "110m/32Mi" }), z: { requests: "460m/32Mi" } },
  },
  {
    title: "memory that is short where CPU is not",
    fits: false,
    config: { hostCpus: "4" },
    workers: [worker("edge2", "4", 1024)],
    services: alike(4, { requests: "10m/600Mi" }),
  },
  {
    title: "a worker whose taint keeps everything off",
    fits: false,
    config: upstream,
    workers: [worker("edge2", "2", 2048, { taints: [spot("NoSchedule")] })],
  },
  {
    title: "a service that tolerates the taint",
    fits: true,
    workers: [worker("edge2", "2", 2048, { taints: [spot("NoExecute")] })],
    services: {
      a: {
        requests: "600m/64Mi",
        spec: { tolerations: [{ key: "spot", operator: "Equal", value: "yes" }] },
      },
    },
    survives: false,
  },
  {
    title: "a service that tolerates another value of the taint",
    fits: false,
    workers: [worker("edge2", "2", 2048, { taints: [spot("NoSchedule")] })],
    services: {
      a: {
        requests: "600m/64Mi",
        spec: { tolerations: [{ key: "spot", operator: "Equal", value: "no" }] },
      },
    },
  },
  {
    title: "a worker that pods had better avoid",
    fits: true,
    workers: [
      worker("edge2", "4", 4096, { taints: [spot("PreferNoSchedule")] }),
      worker("edge3", "1", 1536),
    ],
    services: alike(4, { requests: "100m/64Mi" }),
    survives: true,
  },
  {
    title: "services that want the node with a label",
    fits: false,
    workers: [worker("edge2", "1", 1536, gpu), worker("edge3", "4", 4096)],
    services: alike(3, { requests: "300m/64Mi", spec: { nodeSelector: { gpu: "yes" } } }),
  },
  {
    title: "a service that may be on all nodes but two",
    fits: true,
    workers: [worker("edge2", "1", 1536, gpu), worker("edge3", "1", 1536)],
    services: {
      a: {
        requests: "300m/64Mi",
        spec: nodeTerms(
          { key: "gpu", operator: "DoesNotExist" },
          { key: "node-role.kubernetes.io/control-plane", operator: "NotIn", values: ["true"] },
        ),
      },
    },
    survives: false,
  },
  {
    title: "services that prefer a node",
    fits: true,
    config: { hostCpus: "2" },
    workers: [worker("edge2", "1", 1536, gpu), worker("edge3", "2", 2048)],
    services: alike(3, { requests: "100m/64Mi", spec: prefers("gpu", "yes") }),
    survives: true,
  },
  {
    title: "a service whose pods are spread over nodes of which one is full",
    fits: false,
    config: { hostCpus: "2" },
    workers: [worker("edge2", "380m", 1024)],
    services: { a: { requests: "100m/64Mi", pods: 4, spec: spread() } },
  },
  {
    title: "a service whose three pods are apart on two nodes",
    fits: false,
    workers: [worker("edge2", "1", 1536)],
    services: { a: { requests: "10m/16Mi", pods: 3, spec: apart } },
  },
  {
    title: "pods of Kourier that push out others",
    fits: false,
    config: { ...upstream, hostCpus: "800m", oneNode: '{"raisePriorities":true}' },
    workers: [worker("edge2", "700m", 1280)],
  },
  {
    title: "a spread service whose lost pod waits for the lost node",
    fits: true,
    workers: [worker("edge2", "2", 2048), worker("edge3", "2", 2560)],
    services: { a: { requests: "10m/16Mi", pods: 3, spec: spread() } },
    survives: true,
  },
  {
    title: "a spread service that does not count nodes with taints",
    fits: true,
    workers: [worker("edge2", "2", 2048), worker("edge3", "2", 2560)],
    services: { a: { requests: "10m/16Mi", pods: 3, spec: spread("Honor") } },
    survives: true,
  },
  {
    title: "four nodes of which the lost one held too much",
    fits: true,
    config: scale,
    workers: [worker("edge2", "1", 1024), worker("edge3", "1", 1024), worker("edge4", "4", 4096)],
    services: alike(6, { requests: "300m/64Mi" }),
    survives: false,
  },
];

describe("the scheduler agrees with the budget over several nodes", function () {
  const running: ChildProcess[] = [];
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "scheduler-nodes-"));
  let api: { core: Core; apps: Apps };
  let compared = 0;

  before(async function () {
    if (manifestsDir === undefined || !hasPrograms()) {
      console.log(
        "SKIPPED: needs release manifests and the lab's programs; run `npm run lab` once.",
      );
      this.skip();
    }
    api = await startCluster(directory, running);
    for (const name of ["metallb-system", "knative-serving", "kourier-system"]) {
      await api.core.createNamespace({ body: { metadata: { name } } });
    }
  });

  after(async () => {
    await endAll(running);
    fs.rmSync(directory, { recursive: true });
  });

  for (const one of cases) {
    it(one.title, async () => {
      const { config, objects, budget } = await budgetOf(one);
      assert.equal(caseOf(budget, "services").fits, one.fits, "the budget says so");
      assert.equal(budget.roomOtherwise ?? false, one.roomOtherwise ?? false);
      const cluster = new Cluster(api, config, one.workers);
      await cluster.start();
      try {
        const wanted = wantedPods(budget, objects, cluster.names);
        await cluster.createReplicaSets(wanted);
        await cluster.schedule(wanted);
        await cluster.settled();
        assert.deepEqual(await cluster.pending(), names(caseOf(budget, "services").pending));
        const nodes = emptyNodes(config.hostSize, one.workers);
        const expected = expectedNodes(placements(nodes, budget.running));
        if (expected !== undefined) {
          compared += 1;
          assert.deepEqual(await cluster.placed(), expected);
        }
        if (one.survives !== undefined) {
          const lost = caseOf(budget, "workerLost");
          assert.equal(lost.fits, one.survives, "the budget says so of a worker's loss");
          await cluster.lose(/^worker (\S+) lost$/.exec(lost.title)?.[1] ?? "");
          await cluster.settled();
          assert.deepEqual(await cluster.pending(), names(lost.pending), lost.title);
        }
      } finally {
        await cluster.end();
      }
    });
  }

  it("puts each pod where the budget has it, in at least eight of these cases", () => {
    // In the others some nodes have the same score, and the scheduler takes any.
    assert.ok(compared >= 8, `${compared} of ${cases.length}`);
  });

  async function budgetOf(
    one: Case,
  ): Promise<{ config: EdgeConfig; objects: StackObjects; budget: Budget }> {
    const services = Object.fromEntries(
      Object.entries(one.services ?? {}).map(([name, service]) => [
        name,
        { from: serviceFile(name, service), autoscaling: { minScale: service.pods ?? 1 } },
      ]),
    );
    const config = testConfig({
      manifestsDir: manifestsDir ?? "",
      ...one.config,
      ...(one.services && { services: JSON.stringify(services) }),
    });
    const objects = renderStack(config, await loadReleases(config));
    return { config, objects, budget: computeBudget({ ...config, workers: one.workers }, objects) };
  }

  function serviceFile(name: string, { requests, spec = {} }: ServiceCase): string {
    const [cpu, memory] = requests.split("/");
    const container = { image: "app", resources: { requests: { cpu, memory } } };
    const file = path.join(fs.mkdtempSync(path.join(directory, "service-")), `${name}.json`);
    const [apiVersion, kind] = ["serving.knative.dev/v1", "Service"];
    const template = { spec: { ...spec, containers: [container] } };
    fs.writeFileSync(file, JSON.stringify({ apiVersion, kind, spec: { template } }));
    return file;
  }
});

function caseOf({ cases: all }: Budget, name: BudgetCase["name"]): BudgetCase {
  const found = all.find((one) => one.name === name);
  assert.ok(found);
  return found;
}

/** `a x2` names two pods. A DaemonSet's pod without a node is none of these. */
function names(pending: string[]): string[] {
  return pending
    .filter((text) => !text.includes(" on "))
    .flatMap((text) => {
      const [, name = text, count = "1"] = /^(.*) x(\d+)$/.exec(text) ?? [];
      return Array.from({ length: Number(count) }, () => name);
    })
    .sort();
}

/**
 * Where every pod is, if that does not depend on which of several nodes with one score the scheduler takes: then its scores
 * are those of the budget.
 */
function expectedNodes(outcomes: Placement[]): Record<string, string[]> | undefined {
  const all = outcomes.map(({ nodes }) =>
    Object.fromEntries(
      [...nodes]
        .sort((a, b) => a.name.localeCompare(b.name))
        .map(({ name, pods }) => [name, pods.map(({ workload }) => workload).sort()]),
    ),
  );
  const [first] = all;
  return all.every((one) => JSON.stringify(one) === JSON.stringify(first)) ? first : undefined;
}
