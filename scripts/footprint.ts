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
  const facts = await read(
    kubeconfig === undefined
      ? stackKubeconfig(stack ?? "", cwd)
      : fs.readFileSync(kubeconfig, "utf8"),
  );
  const measured = footprint(...facts, expected?.budget);
  if (values.svg !== undefined) {
    fs.writeFileSync(values.svg, barCharts(footprintCharts(measured)));
  }
  console.log(
    values.json ? JSON.stringify(measured, null, 2) : footprintTables(measured, textTable),
  );
}

/** What a footprint is made from, asked of the cluster of a kubeconfig. */
async function read(kubeconfig: string): Promise<[PodObject[], NodeObject[], Metrics]> {
  // An ES module, which CommonJS must import so.
  const { CoreV1Api, KubeConfig, Metrics: MetricsApi } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  config.loadFromString(kubeconfig);
  const core = config.makeApiClient(CoreV1Api);
  const api = new MetricsApi(config);
  const [pods, nodes] = await Promise.all([core.listPodForAllNamespaces(), core.listNode()]);
  const [metricsApi, kubelets] = await Promise.allSettled([
    Promise.all([api.getPodMetrics(), api.getNodeMetrics()]),
    kubeletMetrics(core, nodes.items),
  ]);
  const counted = kubelets.status === "fulfilled" ? kubelets.value : { pods: [], nodes: [] };
  if (metricsApi.status === "fulfilled") {
    const [ofPods, ofNodes] = metricsApi.value;
    const metrics = { pods: ofPods.items, nodes: ofNodes.items } as unknown as Metrics;
    return [pods.items, nodes.items, withAnonymous(metrics, counted)];
  }
  // metrics-server is off, or not up yet.
  if (kubelets.status === "rejected") {
    // The rest is still worth printing.
    console.error(
      "Neither the metrics API nor the kubelet answers, so nothing is measured: " +
        (kubelets.reason as Error).message,
    );
  }
  return [pods.items, nodes.items, counted];
}

/** The one call of the Kubernetes client that a kubelet is asked with; JSON it parses, whatever its own type says. */
interface NodeProxy {
  connectGetNodeProxyWithPath(request: { name: string; path: string }): Promise<unknown>;
}

/** What the nodes' kubelets count, by way of the API server. */
async function kubeletMetrics(core: NodeProxy, nodes: NodeObject[]): Promise<Metrics> {
  const summaries = nodes.map(async ({ metadata }) => {
    const name = metadata?.name ?? "";
    return (await core.connectGetNodeProxyWithPath({
      name,
      path: "stats/summary",
    })) as StatsSummary;
  });
  return metricsOf(await Promise.all(summaries));
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
