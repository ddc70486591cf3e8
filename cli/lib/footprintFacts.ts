import { type PodObject } from "../../stack/budget/podObject";
import {
  metricsOf,
  type KubeletAnswer,
  type Metrics,
  type NodeObject,
  type StatsSummary,
  withAnonymous,
} from "./footprint";

/** What a footprint is made from. */
export interface FootprintFacts {
  pods: PodObject[];
  nodes: NodeObject[];
  metrics: Metrics;
  kubelets: KubeletAnswer[];
  /** Why nothing is measured, in a sentence; undefined where something is. */
  unmeasured?: string;
}

/** Asks the cluster of a kubeconfig. */
export async function footprintFacts(kubeconfig: string): Promise<FootprintFacts> {
  // An ES module, which CommonJS must import so.
  const { CoreV1Api, KubeConfig, Metrics: MetricsApi } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  config.loadFromString(kubeconfig);
  const core = config.makeApiClient(CoreV1Api);
  const api = new MetricsApi(config);
  const [pods, nodes] = await Promise.all([core.listPodForAllNamespaces(), core.listNode()]);
  const [ofPods, ofNodes, ofKubelets] = await Promise.allSettled([
    api.getPodMetrics(),
    api.getNodeMetrics(),
    Promise.all(nodes.items.map((node) => askKubelet(core, node))),
  ]);
  const kubelets = ofKubelets.status === "fulfilled" ? ofKubelets.value : [];
  const facts = { pods: pods.items, nodes: nodes.items, kubelets };
  const counted = metricsOf(kubelets.map(({ summary }) => summary));
  if (ofPods.status === "fulfilled" && ofNodes.status === "fulfilled") {
    const metrics = { pods: ofPods.value.items, nodes: ofNodes.value.items } as unknown as Metrics;
    return { ...facts, metrics: withAnonymous(metrics, counted) };
  }
  // Metrics-server is off, or not up yet. Without the kubelet's answer too, the rest is still worth printing.
  const unmeasured =
    ofKubelets.status === "rejected"
      ? `Neither the metrics API nor the kubelet answers, so nothing is measured: ${(ofKubelets.reason as Error).message}`
      : undefined;
  return { ...facts, metrics: counted, unmeasured };
}

/** The one call of the Kubernetes client that a kubelet is asked with; JSON it parses, whatever its own type says. */
interface NodeProxy {
  connectGetNodeProxyWithPath(request: { name: string; path: string }): Promise<unknown>;
}

/** What a node's kubelet counts, and when it evicts, by way of the API server. */
async function askKubelet(core: NodeProxy, { metadata }: NodeObject): Promise<KubeletAnswer> {
  const ask = (path: string): Promise<unknown> =>
    core.connectGetNodeProxyWithPath({ name: metadata?.name ?? "", path });
  const [summary, configz] = await Promise.all([
    ask("stats/summary") as Promise<StatsSummary>,
    (ask("configz") as Promise<Configz>).catch(() => undefined),
  ]);
  return { summary, evictionHard: configz?.kubeletconfig?.evictionHard };
}

/** A kubelet's configuration, as far as a footprint reads it. */
interface Configz {
  kubeletconfig?: { evictionHard?: Record<string, string> };
}
