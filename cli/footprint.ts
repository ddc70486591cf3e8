// What a running stack takes, beside what its budget expects: npm run footprint -- --stack <name>
import * as fs from "node:fs";
import { barCharts } from "../lib/chart";
import {
  footprint,
  footprintCharts,
  footprintTables,
  metricsOf,
  type KubeletAnswer,
  type Metrics,
  type NodeObject,
  type StatsSummary,
  withAnonymous,
} from "./lib/footprint";
import { type PodObject } from "../stack/budget/podObject";
import { textTable } from "../lib/table";
import { projectOption, projectUsage, runCommand, runPulumi, UsageError } from "./lib/command";
import { loadStack } from "./lib/loadStack";

const usage = `npm run footprint -- [--stack <name>] [--project <directory>] [--kubeconfig <file>] [--json] [--svg <file>]
  --stack       whose budget is shown beside, from Pulumi.<name>.yaml; its kubeconfig output is used
  --project     ${projectUsage}
  --kubeconfig  use this file in place of the stack's output; without --stack nothing is expected
  --json        print JSON in place of tables; CPU in m, memory in MiB
  --svg         write bar charts to this file too`;

const options = {
  stack: { type: "string" },
  ...projectOption,
  kubeconfig: { type: "string" },
  json: { type: "boolean" },
  svg: { type: "string" },
} as const;

runCommand(usage, options, async ({ stack, project, kubeconfig, json, svg }) => {
  if (stack === undefined && kubeconfig === undefined) {
    throw new UsageError("--stack or --kubeconfig is missing.");
  }
  const expected = stack === undefined ? undefined : await loadStack(stack, project);
  const { pods, nodes, metrics, kubelets } = await read(
    kubeconfig === undefined
      ? stackKubeconfig(stack ?? "", project)
      : fs.readFileSync(kubeconfig, "utf8"),
  );
  const measured = footprint(pods, nodes, metrics, expected?.budget, kubelets);
  if (svg !== undefined) {
    fs.writeFileSync(svg, barCharts(footprintCharts(measured)));
  }
  console.log(json ? JSON.stringify(measured, null, 2) : footprintTables(measured, textTable));
});

/** What a footprint is made from. */
interface Facts {
  pods: PodObject[];
  nodes: NodeObject[];
  metrics: Metrics;
  kubelets: KubeletAnswer[];
}

/** Asks the cluster of a kubeconfig. */
async function read(kubeconfig: string): Promise<Facts> {
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
  // Metrics-server is off, or not up yet.
  if (ofKubelets.status === "rejected") {
    // The rest is still worth printing.
    console.error(
      `Neither the metrics API nor the kubelet answers, so nothing is measured: ${(ofKubelets.reason as Error).message}`,
    );
  }
  return { ...facts, metrics: counted };
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

function stackKubeconfig(stack: string, project: string): string {
  const args = ["stack", "output", "kubeconfig", "--show-secrets", "--stack", stack];
  const { stdout, stderr, status } = runPulumi(args, project);
  if (status !== 0) {
    throw new Error(
      `The stack's kubeconfig cannot be read: ${stderr.trim()} ` +
        `Is the stack up? Otherwise name a file with --kubeconfig.`,
    );
  }
  return stdout;
}
