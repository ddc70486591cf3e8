// The budget against the real scheduler: its verdict on a node of each size, policy and number of services.
import assert from "node:assert/strict";
import { ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { Budget, computeBudget } from "../../stack/budget/budget";
import { formatQuantity } from "../../lib/quantity";
import { KubernetesObject } from "../../components/cluster/kubernetesObject";
import { ContainerBudget, PodBudget } from "../../stack/budget/pods";
import { loadReleases } from "../../stack/releases/releases";
import { renderStack, StackObjects } from "../../stack/render/renderStack";
import { podSpec } from "../../components/cluster/workloads";
import { testConfig } from "../support/config";
import { manifestsDir } from "../support/manifests";
import { Core, endAll, hasPrograms, startCluster, until } from "../support/scheduler";

const namespace = "default";

/** One pod to schedule: what the budget calls it, and what runs. */
interface Wanted {
  name: string;
  spec: Record<string, unknown>;
}

interface Case {
  title: string;
  config: Record<string, string>;
  /** Deployment whose rollout is tried after everything runs. */
  rollout?: string;
}

const services = (count: number, minScale = 1, cpu = "0"): string =>
  JSON.stringify(
    Object.fromEntries(
      Array.from({ length: count }, (_, index) => [
        `s${index}`,
        { image: "app", requests: { cpu }, autoscaling: { minScale } },
      ]),
    ),
  );

/** Containers of a service by their requests: `20m/32Mi`; none where it is empty. */
interface Parts {
  containers: string[];
  initContainers?: string[];
  /** A volume, which the first container mounts. */
  volume?: object;
}

/** A service from a file, with a container that answers and others. */
function composed({ containers, initContainers = [], volume }: Parts, minScale = 1): string {
  const container = (requests: string, index: number, more: object = {}): object => {
    const [cpu, memory] = requests.split("/");
    const resources = requests === "" ? {} : { requests: { cpu, memory } };
    return { name: `c${index}`, image: "app", resources, ...more };
  };
  const first = {
    ports: [{ containerPort: 8080 }],
    ...(volume && { volumeMounts: [{ name: "v", mountPath: "/v" }] }),
  };
  const spec = {
    ...(volume && { volumes: [{ name: "v", ...volume }] }),
    ...(initContainers.length > 0 && {
      initContainers: initContainers.map((requests, index) =>
        container(requests, index + containers.length),
      ),
    }),
    containers: containers.map((requests, index) =>
      container(requests, index, index === 0 ? first : {}),
    ),
  };
  const from = path.join(
    files,
    `${createHash("sha256").update(JSON.stringify(spec)).digest("hex")}.json`,
  );
  const [apiVersion, kind] = ["serving.knative.dev/v1", "Service"];
  fs.writeFileSync(from, JSON.stringify({ apiVersion, kind, spec: { template: { spec } } }));
  return JSON.stringify({ s: { from, autoscaling: { minScale } } });
}

/** Where the files of services are. */
const files = fs.mkdtempSync(path.join(os.tmpdir(), "scheduler-services-"));

const scale = { resourcePolicy: "scale" };
const keepSurge = '{"recreateRollouts":false}';
const cases: Case[] = [
  { title: "nothing set, on the reference host", config: {} },
  { title: "scale on the reference host", config: scale },
  { title: "upstream on the reference host", config: { resourcePolicy: "upstream" } },
  {
    title: "upstream with safety",
    config: { resourcePolicy: "upstream", oneNode: '{"raisePriorities":true}' },
  },
  { title: "upstream on two CPUs", config: { resourcePolicy: "upstream", hostCpus: "2" } },
  {
    title: "upstream on two CPUs and little memory",
    config: {
      resourcePolicy: "upstream",
      hostCpus: "2",
      hostMemoryMiB: "1280",
      services: '{"a":{"image":"app","requests":{"memory":"600Mi"}}}',
    },
  },
  { title: "edge on the reference host", config: { resourcePolicy: "edge" } },
  { title: "edge on the smallest CPU", config: { resourcePolicy: "edge", hostCpus: "630m" } },
  { title: "edge on 1m less", config: { resourcePolicy: "edge", hostCpus: "629m" } },
  { title: "edge with 30 services", config: { resourcePolicy: "edge", services: services(30) } },
  { title: "edge with 40 services", config: { resourcePolicy: "edge", services: services(40) } },
  { title: "scale with five services", config: { ...scale, services: services(4) } },
  { title: "scale with six services", config: { ...scale, services: services(5) } },
  {
    title: "scale with a service of two pods",
    config: { ...scale, sample: "false", services: services(1, 2, "40m") },
  },
  {
    title: "scale with a service of three pods",
    config: { ...scale, sample: "false", services: services(1, 3, "40m") },
  },
  { title: "scale 0.7", config: { ...scale, resourceFactor: "0.7" } },
  {
    title: "guaranteed on four CPUs",
    config: { resourcePolicy: "guaranteed", hostCpus: "4", hostMemoryMiB: "4096" },
  },
  {
    title: "guaranteed on 2 GB",
    config: { resourcePolicy: "guaranteed", hostCpus: "4", hostMemoryMiB: "2048" },
  },
  {
    title: "the activator's rollout at half",
    config: { ...scale, oneNode: keepSurge },
    rollout: "activator",
  },
  {
    title: "the webhook's rollout at half",
    config: { ...scale, oneNode: keepSurge },
    rollout: "webhook",
  },
  {
    title: "the activator's rollout with edge",
    config: { oneNode: keepSurge, resourcePolicy: "edge" },
    rollout: "activator",
  },
  {
    title: "a service of two containers",
    config: { sample: "false", services: composed({ containers: ["20m/32Mi", "50m/64Mi"] }) },
  },
  {
    title: "a service whose second container finds no room",
    config: { sample: "false", services: composed({ containers: ["20m/32Mi", "900m/64Mi"] }) },
  },
  {
    title: "a service whose containers together find no room",
    config: { sample: "false", services: composed({ containers: ["200m/1Mi", "200m/1Mi"] }) },
  },
  {
    title: "a service with an init container that is larger than the rest",
    config: {
      sample: "false",
      services: composed({ containers: ["20m/32Mi"], initContainers: ["300m/64Mi"] }),
    },
  },
  {
    title: "a service with an init container that finds no room",
    config: {
      sample: "false",
      services: composed({ containers: ["20m/32Mi"], initContainers: ["10m/8Mi", "900m/8Mi"] }),
    },
  },
  {
    title: "a service whose init containers would only together find no room",
    config: {
      sample: "false",
      services: composed({
        containers: ["20m/32Mi"],
        initContainers: ["300m/8Mi", "300m/8Mi", "300m/8Mi"],
      }),
    },
  },
  {
    title: "a service with a volume in memory, which requests nothing",
    config: {
      sample: "false",
      services: composed({
        containers: ["20m/32Mi", ""],
        volume: { emptyDir: { medium: "Memory", sizeLimit: "2Gi" } },
      }),
    },
  },
  {
    title: "two pods of a service of two containers",
    config: {
      sample: "false",
      services: composed({ containers: ["100m/32Mi", "50m/64Mi"] }, 2),
    },
  },
  {
    title: "three pods of a service of two containers",
    config: {
      sample: "false",
      services: composed({ containers: ["100m/32Mi", "50m/64Mi"] }, 3),
    },
  },
];

describe("the scheduler agrees with the budget", function () {
  const running: ChildProcess[] = [];
  let directory: string;
  let core: Core;

  before(async function () {
    if (manifestsDir === undefined || !hasPrograms()) {
      console.log(
        "SKIPPED: needs release manifests and the lab's programs; run `npm run lab` once.",
      );
      this.skip();
    }
    directory = fs.mkdtempSync(path.join(os.tmpdir(), "scheduler-"));
    ({ core } = await startCluster(directory, running));
  });

  after(async () => {
    await endAll(running);
    if (directory !== undefined) {
      fs.rmSync(directory, { recursive: true });
    }
    fs.rmSync(files, { recursive: true });
  });

  for (const { title, config: changed, rollout } of cases) {
    it(title, async () => {
      const config = testConfig({ manifestsDir: manifestsDir ?? "", ...changed });
      const objects = renderStack(config, await loadReleases(config));
      const budget = computeBudget(config, objects);
      const wanted = pods(budget, objects);
      await core.createNode({ body: node(budget) });
      try {
        await schedulerKnows(core);
        const pending = await schedule(core, wanted);
        const expected = budget.cases.find(({ name }) => name === "services");
        if (rollout === undefined) {
          assert.deepEqual(pending, names(expected?.pending ?? []), "Pending with every service");
          assert.equal(expected?.fits, pending.length === 0);
          return;
        }
        assert.deepEqual(pending, []);
        const name = `knative-serving/${rollout}`;
        const added = wanted.find((pod) => pod.name === name);
        assert.ok(added);
        const surge = `${name} (new pod)`;
        const stuck = await schedule(core, [{ ...added, name: surge }]);
        const predicted = budget.cases.find((one) => one.name === "rollout");
        assert.equal(stuck.includes(surge), predicted?.pending.includes(surge));
      } finally {
        await core.deleteCollectionNamespacedPod({ namespace, gracePeriodSeconds: 0 });
        await core.deleteNode({ name: "edge1" });
      }
    });
  }
});

/** A node that offers what the budget says a host of that size does. */
function node({ allocatable }: Budget): object {
  const offered = {
    cpu: formatQuantity(allocatable.cpu, "decimal"),
    memory: formatQuantity(allocatable.memory, "binary"),
    pods: String(allocatable.pods),
  };
  return {
    metadata: { name: "edge1", labels: { "kubernetes.io/os": "linux", made: String(++madeNodes) } },
    status: {
      allocatable: offered,
      capacity: offered,
      conditions: [{ type: "Ready", status: "True" }],
    },
  };
}

/** The pods with every service awake: of the stack's own workloads as rendered, of the others as the budget has them. */
function pods(budget: Budget, { metalLb, serving, kourier }: StackObjects): Wanted[] {
  const rendered = [...metalLb, ...serving.core, ...kourier];
  return budget.pods
    .filter(({ component }) => component !== "domain Job")
    .flatMap((pod) =>
      Array.from({ length: pod.replicas }, (): Wanted => {
        const object = rendered.find(
          (one) => named(one) === pod.name && podSpec(one) !== undefined,
        );
        return { name: pod.name, spec: (object && podSpec(object)) ?? specOf(pod) };
      }),
    );
}

function named({ metadata }: KubernetesObject): string {
  return `${metadata.namespace}/${metadata.name}`;
}

function specOf({ containers, priority }: PodBudget): Record<string, unknown> {
  const classes: Record<number, string> = {
    2_000_001_000: "system-node-critical",
    2_000_000_000: "system-cluster-critical",
  };
  const built = ({ name, requests }: ContainerBudget): object => ({
    name,
    image: "a",
    resources: {
      requests: {
        cpu: formatQuantity(requests.cpu, "decimal"),
        memory: formatQuantity(requests.memory, "binary"),
      },
    },
  });
  return {
    priorityClassName: classes[priority],
    initContainers: containers.filter(({ role }) => role === "init").map(built),
    containers: containers.filter(({ role }) => role === undefined).map(built),
  };
}

let made = 0;
let madeNodes = 0;

/**
 * Waits until the scheduler has seen the node, which it is told of on its own, and so that the one before and its pods are
 * gone: a pod that asks for that very node is put there. Before, it would judge by the old node, or say that there is none.
 */
async function schedulerKnows(core: Core): Promise<void> {
  const name = `pod-${made++}`;
  await core.createNamespacedPod({
    namespace,
    body: {
      metadata: { name },
      spec: {
        nodeSelector: { made: String(madeNodes) },
        containers: [{ name: "a", image: "a" }],
        terminationGracePeriodSeconds: 0,
      },
    },
  });
  await until("the scheduler, of the new node,", async () => {
    const { spec } = await core.readNamespacedPod({ name, namespace });
    return spec?.nodeName !== undefined;
  });
  await core.deleteNamespacedPod({ name, namespace, gracePeriodSeconds: 0 });
}

/**
 * Creates pods one after the other, as the stack does, and waits for the scheduler's word on each.
 * @returns Names of those that found no place, also of those that others pushed out.
 */
async function schedule(core: Core, wanted: Wanted[]): Promise<string[]> {
  let created = await create(core, wanted);
  for (;;) {
    const { items } = await core.listNamespacedPod({ namespace });
    const present = new Map(items.map(({ metadata, spec }) => [metadata?.name, spec?.nodeName]));
    const gone = created.filter(({ pod }) => !present.has(pod));
    if (gone.length === 0) {
      const pending = created.filter(({ pod }) => present.get(pod) === undefined);
      return pending.map(({ wanted: { name } }) => name).sort();
    }
    // Their controllers would make them anew.
    const remade = await create(
      core,
      gone.map((one) => one.wanted),
    );
    created = [...created.filter(({ pod }) => present.has(pod)), ...remade];
  }
}

async function create(core: Core, wanted: Wanted[]): Promise<{ pod: string; wanted: Wanted }[]> {
  const created = [];
  for (const one of wanted) {
    const pod = `pod-${made++}`;
    await core.createNamespacedPod({
      namespace,
      body: {
        metadata: { name: pod },
        spec: {
          priorityClassName: one.spec.priorityClassName as string | undefined,
          initContainers: bare(one.spec.initContainers),
          containers: bare(one.spec.containers) ?? [],
          // Pushed out, it goes at once: there is no kubelet that would end it.
          terminationGracePeriodSeconds: 0,
        },
      },
    });
    await decided(core, pod);
    created.push({ pod, wanted: one });
  }
  return created;
}

/** Containers with nothing but what a scheduler looks at. */
function bare(
  containers: unknown,
): { name: string; image: string; resources?: object }[] | undefined {
  return (containers as { name: string; resources?: object }[] | undefined)?.map(
    ({ name, resources }) => ({ name, image: "a", resources }),
  );
}

async function decided(core: Core, name: string): Promise<void> {
  for (const start = Date.now(); Date.now() - start < 20_000;) {
    const pod = await core.readNamespacedPod({ name, namespace });
    const { spec, status } = pod;
    if (spec?.nodeName !== undefined) {
      // As kubelet would: of pods alike, those that run longer are pushed out last.
      const startTime = new Date(1_000_000_000_000 + made * 1000);
      await core.replaceNamespacedPodStatus({
        name,
        namespace,
        body: { ...pod, status: { ...status, phase: "Running", startTime } },
      });
      return;
    }
    const refused =
      status?.conditions?.find(({ type }) => type === "PodScheduled")?.status === "False";
    // A pod for which others are pushed out is refused first, and named to the node.
    if (refused && status?.nominatedNodeName === undefined) {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`The scheduler says nothing about ${name}.`);
}

/** `a x2` names two pods. */
function names(pending: string[]): string[] {
  return pending
    .flatMap((text) => {
      const [, name = text, count = "1"] = /^(.*) x(\d+)$/.exec(text) ?? [];
      return Array.from({ length: Number(count) }, () => name);
    })
    .sort();
}
