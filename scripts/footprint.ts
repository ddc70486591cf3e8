// What a running stack takes, beside what its budget expects: npm run footprint -- --stack <name>
import * as fs from "node:fs";
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
} from "../edge/footprint";
import { textTable } from "../edge/table";
import { projectOption, projectUsage, runCommand, runPulumi, UsageError } from "./command";
import { loadStack } from "./stack";

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
  const facts = await read(
    kubeconfig === undefined
      ? stackKubeconfig(stack ?? "", project)
      : fs.readFileSync(kubeconfig, "utf8"),
  );
  const measured = footprint(...facts, expected?.budget);
  if (svg !== undefined) {
    fs.writeFileSync(svg, barCharts(footprintCharts(measured)));
  }
  console.log(json ? JSON.stringify(measured, null, 2) : footprintTables(measured, textTable));
});

/** What a footprint is made from, asked of the cluster of a kubeconfig. */
async function read(kubeconfig: string): Promise<[PodObject[], NodeObject[], Metrics]> {
  // An ES module, which CommonJS must import so.
  const { CoreV1Api, KubeConfig, Metrics: MetricsApi } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  config.loadFromString(kubeconfig);
  const core = config.makeApiClient(CoreV1Api);
  const api = new MetricsApi(config);
  const [pods, nodes] = await Promise.all([core.listPodForAllNamespaces(), core.listNode()]);
  const metrics = await Promise.all([api.getPodMetrics(), api.getNodeMetrics()]).then(
    ([ofPods, ofNodes]) => ({ pods: ofPods.items, nodes: ofNodes.items }) as unknown as Metrics,
    // Where metrics-server is off, or not up yet.
    () => kubeletMetrics(core, nodes.items),
  );
  return [pods.items, nodes.items, metrics];
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
  return Promise.all(summaries).then(metricsOf, ({ message }: Error) => {
    // The rest is still worth printing.
    console.error(
      `Neither the metrics API nor the kubelet answers, so nothing is measured: ${message}`,
    );
    return { pods: [], nodes: [] };
  });
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
