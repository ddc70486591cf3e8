// Nodes and pods for a real scheduler, without controllers and kubelets.
import { BudgetNode, emptyNodes } from "../../stack/budget/nodes";
import { formatQuantity } from "../../lib/quantity";
import { EdgeConfig } from "../../stack/config";
import { Apps, Core, until } from "./scheduler";
import { Wanted } from "./schedulerCase";

let made = 0;

/** The nodes of a case and what the scheduler does on them, without controllers and kubelets. */
export class Cluster {
  public readonly names: string[];
  private readonly mark = `m${made++}`;
  private pods: { name: string; wanted: Wanted }[] = [];

  constructor(
    private readonly api: { core: Core; apps: Apps },
    private readonly config: EdgeConfig,
    private readonly workers: BudgetNode[],
  ) {
    this.names = ["host", ...workers.map(({ name }) => name)];
  }

  /** Makes the nodes, and waits until the scheduler knows them, and so that those before are gone. */
  public async start(): Promise<void> {
    for (const { name, labels, taints, offers } of emptyNodes(this.config.hostSize, this.workers)) {
      const offered = {
        cpu: formatQuantity(offers.cpu, "decimal"),
        memory: formatQuantity(offers.memory, "binary"),
        pods: String(offers.pods),
      };
      await this.api.core.createNode({
        body: {
          metadata: { name, labels: { ...labels, made: this.mark } },
          spec: { taints },
          status: {
            allocatable: offered,
            capacity: offered,
            conditions: [{ type: "Ready", status: "True" }],
          },
        },
      });
    }
    for (const node of this.names) {
      await this.probe({ made: this.mark, "kubernetes.io/hostname": node });
    }
  }

  /** Waits until the scheduler puts a pod on the node with these labels. */
  private async probe(nodeSelector: Record<string, string>): Promise<void> {
    const [name, namespace] = [`probe-${made++}`, "default"];
    await this.api.core.createNamespacedPod({
      namespace,
      body: {
        metadata: { name },
        spec: {
          nodeSelector,
          tolerations: [{ operator: "Exists" }],
          containers: [{ name: "a", image: "a" }],
          terminationGracePeriodSeconds: 0,
        },
      },
    });
    await until("the scheduler, of the new node,", async () => {
      const { spec } = await this.api.core.readNamespacedPod({ name, namespace });
      return spec?.nodeName !== undefined;
    });
    await this.api.core.deleteNamespacedPod({ name, namespace, gracePeriodSeconds: 0 });
  }

  /** The ReplicaSets that the pods are of: the scheduler spreads the pods of one. */
  public async createReplicaSets(wanted: Wanted[]): Promise<void> {
    const workloads = new Map(wanted.map((one) => [one.workload, one]));
    for (const { workload, namespace, labels } of workloads.values()) {
      const selector = { matchLabels: labels };
      await this.api.apps.createNamespacedReplicaSet({
        namespace,
        body: {
          metadata: { name: this.replicaSet(workload) },
          spec: {
            replicas: 0,
            selector,
            template: {
              metadata: { labels },
              spec: { containers: [{ name: "a", image: "a" }] },
            },
          },
        },
      });
    }
  }

  private replicaSet(workload: string): string {
    return `${workload.split("/")[1] ?? ""}-${this.mark}`;
  }

  /** Creates pods one after the other, and those anew that are pushed out meanwhile, as their controllers would. */
  public async schedule(wanted: Wanted[]): Promise<void> {
    for (const one of wanted) {
      await this.create(one);
      await this.replaceEvicted();
    }
  }

  private async replaceEvicted(): Promise<void> {
    const present = new Set((await this.list()).map(({ name }) => name));
    const gone = this.pods.filter(({ name }) => !present.has(name));
    this.pods = this.pods.filter(({ name }) => present.has(name));
    for (const { wanted } of gone) {
      await this.create(wanted);
    }
    if (gone.length > 0) {
      await this.replaceEvicted();
    }
  }

  private async create(wanted: Wanted): Promise<void> {
    const name = `pod-${made++}`;
    const { workload, namespace, labels, spec, node } = wanted;
    const replicaSet = this.replicaSet(workload);
    const { metadata } = await this.api.apps.readNamespacedReplicaSet({
      name: replicaSet,
      namespace,
    });
    await this.api.core.createNamespacedPod({
      namespace,
      body: {
        metadata: {
          name,
          labels,
          ownerReferences: [
            {
              apiVersion: "apps/v1",
              kind: "ReplicaSet",
              name: replicaSet,
              uid: metadata?.uid ?? "",
              controller: true,
            },
          ],
        },
        spec: {
          ...placement(spec, node),
          priorityClassName: spec.priorityClassName as string | undefined,
          initContainers: bare(spec.initContainers),
          containers: bare(spec.containers) ?? [],
          // Pushed out, it goes at once: there is no kubelet that would end it.
          terminationGracePeriodSeconds: 0,
        },
      },
    });
    this.pods.push({ name, wanted });
    await this.decided(name, namespace);
  }

  private async decided(name: string, namespace: string): Promise<void> {
    for (const start = Date.now(); Date.now() - start < 20_000;) {
      const pod = await this.api.core.readNamespacedPod({ name, namespace });
      const { spec, status } = pod;
      if (spec?.nodeName !== undefined) {
        // As kubelet would: of pods alike, those that run longer are pushed out last.
        const startTime = new Date(1_000_000_000_000 + made * 1000);
        await this.api.core.replaceNamespacedPodStatus({
          name,
          namespace,
          body: { ...pod, status: { ...status, phase: "Running", startTime } },
        });
        return;
      }
      const scheduled = status?.conditions?.find(({ type }) => type === "PodScheduled");
      // A pod for which others are pushed out is refused first, and named to the node.
      if (scheduled?.status === "False" && status?.nominatedNodeName === undefined) {
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`The scheduler says nothing about ${name}.`);
  }

  /** Waits until nothing has moved for as long as the scheduler waits before it tries a pod again. */
  public async settled(): Promise<void> {
    const state = async (): Promise<string> => JSON.stringify(await this.list());
    if ((await this.pending()).length === 0) {
      return;
    }
    for (let [before, now] = ["", await state()]; before !== now;) {
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      [before, now] = [now, await state()];
    }
  }

  private async list(): Promise<{ name: string; node?: string }[]> {
    const { items } = await this.api.core.listPodForAllNamespaces();
    return items.map(({ metadata, spec }) => ({
      name: metadata?.name ?? "",
      node: spec?.nodeName,
    }));
  }

  /** Workloads of the pods that have no node, one for each pod, without those of DaemonSets. */
  public async pending(): Promise<string[]> {
    const present = new Map((await this.list()).map(({ name, node }) => [name, node]));
    return this.pods
      .filter(({ name, wanted }) => wanted.node === undefined && present.get(name) === undefined)
      .map(({ wanted }) => wanted.workload)
      .sort();
  }

  /** Workloads by node, one for each pod. */
  public async placed(): Promise<Record<string, string[]>> {
    const nodes = new Map((await this.list()).map(({ name, node }) => [name, node]));
    return Object.fromEntries(
      [...this.names].sort().map((node) => [
        node,
        this.pods
          .filter(({ name }) => nodes.get(name) === node)
          .map(({ wanted }) => wanted.workload)
          .sort(),
      ]),
    );
  }

  /** A worker that does not answer: it has taints, and the pods on it are made anew, the most important ones first. */
  public async lose(name: string): Promise<void> {
    const node = await this.api.core.readNode({ name });
    const taints = (["NoSchedule", "NoExecute"] as const).map((effect) => ({
      key: "node.kubernetes.io/unreachable",
      effect,
    }));
    await this.api.core.replaceNode({
      name,
      body: { ...node, spec: { ...node.spec, taints: [...(node.spec?.taints ?? []), ...taints] } },
    });
    const nodes = new Map((await this.list()).map((one) => [one.name, one.node]));
    const moving = this.pods.filter(
      (pod) => pod.wanted.node === undefined && nodes.get(pod.name) === name,
    );
    this.pods = this.pods.filter((pod) => !moving.includes(pod));
    for (const pod of moving) {
      await this.api.core.deleteNamespacedPod({
        name: pod.name,
        namespace: pod.wanted.namespace,
        gracePeriodSeconds: 0,
      });
    }
    await this.schedule(moving.map(({ wanted }) => wanted).sort((a, b) => b.priority - a.priority));
  }

  /** Takes all of it away. */
  public async end(): Promise<void> {
    const namespaces = new Set(["default", ...this.pods.map(({ wanted }) => wanted.namespace)]);
    await Promise.all(
      [...namespaces].map(async (namespace) => {
        await this.api.core.deleteCollectionNamespacedPod({ namespace, gracePeriodSeconds: 0 });
        await this.api.apps.deleteCollectionNamespacedReplicaSet({ namespace });
      }),
    );
    for (const name of this.names) {
      await this.api.core.deleteNode({ name });
    }
  }
}

/** The fields of a pod that say where it may be. A DaemonSet's pod names its node as the DaemonSet controller does. */
function placement(spec: Record<string, unknown>, node: string | undefined): object {
  const { nodeSelector, tolerations, affinity, topologySpreadConstraints } = spec;
  const pinned = {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [
          { matchFields: [{ key: "metadata.name", operator: "In", values: [node] }] },
        ],
      },
    },
  };
  return {
    nodeSelector,
    tolerations,
    affinity: node === undefined ? affinity : pinned,
    topologySpreadConstraints,
  };
}

/** Containers with nothing but what a scheduler looks at. */
function bare(
  containers: unknown,
): { name: string; image: string; resources?: object }[] | undefined {
  return (containers as { name: string; resources?: object }[] | undefined)?.map(
    ({ name, resources }) => ({ name, image: "a", resources }),
  );
}
