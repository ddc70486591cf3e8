// What a running stack takes, beside what its budget expects: npm run footprint -- --stack <name>
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { parseArgs } from "node:util";
import { barCharts } from "../edge/chart";
import {
  footprint,
  footprintCharts,
  footprintTables,
  metricsOf,
  type KubeletAnswer,
  type Metrics,
  type NodeObject,
  type PodObject,
  type StatsSummary,
  withAnonymous,
} from "../edge/footprint";
import { textTable } from "../edge/table";
import { loadStack } from "./stack";

const usage = `npm run footprint -- [--stack <name>] [--cwd <directory>] [--kubeconfig <file>] [--json] [--svg <file>]
  --stack       whose budget is shown beside, from Pulumi.<name>.yaml; its kubeconfig output is used
  --cwd         where that file and Pulumi.yaml are; by default here
  --kubeconfig  use this file in place of the stack's output; without --stack nothing is expected
  --json        print JSON in place of tables; CPU in m, memory in MiB
  --svg         write bar charts to this file too`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      stack: { type: "string" },
      cwd: { type: "string", default: process.cwd() },
      kubeconfig: { type: "string" },
      json: { type: "boolean" },
      svg: { type: "string" },
      help: { type: "boolean" },
    },
  });
  const { stack, cwd, kubeconfig } = values;
  if (values.help || (stack === undefined && kubeconfig === undefined)) {
    throw new Error(usage);
  }
  const expected = stack === undefined ? undefined : await loadStack(stack, cwd);
  const { pods, nodes, metrics, kubelets } = await read(
    kubeconfig === undefined
      ? stackKubeconfig(stack ?? "", cwd)
      : fs.readFileSync(kubeconfig, "utf8"),
  );
  const measured = footprint(pods, nodes, metrics, expected?.budget, kubelets);
  if (values.svg !== undefined) {
    fs.writeFileSync(values.svg, barCharts(footprintCharts(measured)));
  }
  console.log(
    values.json ? JSON.stringify(measured, null, 2) : footprintTables(measured, textTable),
  );
}

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

function stackKubeconfig(stack: string, cwd: string): string {
  try {
    return execFileSync(
      "pulumi",
      ["stack", "output", "kubeconfig", "--show-secrets", "--stack", stack],
      { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] },
    );
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    throw new Error(
      `The stack's kubeconfig cannot be read: ${(stderr || message).trim()} ` +
        `Is the stack up? Otherwise name a file with --kubeconfig.`,
      { cause: error },
    );
  }
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
