import * as fs from "node:fs";
import * as path from "node:path";
import { formatAmount, sum } from "../../lib/resourceAmounts";
import { computeBudget } from "../../stack/budget/budget";
import { budgetMarkdown, residentSentence, residentTable } from "../../stack/budget/budgetTable";
import { EdgeConfig } from "../../stack/config";
import { parseDecimal } from "../../lib/quantity";
import { parseManifest } from "../../components/cluster/manifests";
import { KubernetesObject } from "../../components/cluster/kubernetesObject";
import { allMemoryMeasures, memoryMeasures } from "../../components/host/lowMemory";
import { PodBudget, workloadPods } from "../../stack/budget/pods";
import { namedPolicy, policies, PolicyName } from "../../stack/resources/policies";
import {
  kourierRelease,
  loadRelease,
  loadReleases,
  servingRelease,
} from "../../stack/releases/releases";
import { leastMemory, roomForCode } from "../../stack/budget/resident";
import { measuredRuns } from "../../stack/budget/residentRuns";
import { allTweaks } from "../../stack/resources/singleNodeTweaks";
import { renderStack } from "../../stack/render/renderStack";
import { Column, markdownTable } from "../../lib/table";
import { resources } from "../../stack/render/transforms";

/** The workloads of a release of Knative Serving and the Kourier of its time. */
export interface ReleaseWorkloads {
  /** `1.23.0`. */
  version: string;
  core: KubernetesObject[];
  domainJob: KubernetesObject[];
}

const releaseColumns: Column[] = [
  { title: "Knative" },
  ...["default", "with the domain Job", "scale 0.5", "with the domain Job", "edge"].map(
    (title): Column => ({ title, align: "right" }),
  ),
];

/** Requests (CPU/memory) and limits of releases by policy, one row for each. */
export function releaseTable(releases: ReleaseWorkloads[]): string {
  return markdownTable(
    releaseColumns,
    releases.map(({ version, core, domainJob }) => [
      version,
      totals("upstream", core),
      totals("upstream", [...core, ...domainJob]),
      totals("scale", core),
      totals("scale", [...core, ...domainJob]),
      totals("edge", core),
    ]),
  );
}

/** The budget of a stack by each policy, on the reference host. */
export async function policyTables(config: (policy: PolicyName) => EdgeConfig): Promise<string> {
  const sections = Object.keys(policies).map(async (name) => {
    const policy = config(name as PolicyName);
    const budget = computeBudget(policy, renderStack(policy, await loadReleases(policy)));
    const verdict = budget.fits ? "It fits." : "It does not fit, so a preview refuses it.";
    return `### \`${name}\`\n\n${budgetMarkdown(budget)}\n\n${residentSentence(budget)}\n\n${verdict}`;
  });
  return (await Promise.all(sections)).join("\n\n");
}

const runColumns: Column[] = [
  { title: "k0s" },
  { title: "what runs, with one service" },
  { title: "memory", align: "right" },
  { title: "seen" },
  { title: "anonymous", align: "right" },
  { title: "code", align: "right" },
  { title: "room for code", align: "right" },
  { title: "by the rule", align: "right" },
  { title: "verdict" },
];

/** The measured runs, each with what the rule says of it. */
export function runTable(): string {
  return markdownTable(
    runColumns,
    measuredRuns.map(({ k0s, what, memoryMiB, held, seen }) => {
      const least = leastMemory(held);
      return [
        k0s,
        what,
        `${memoryMiB} MiB`,
        seen,
        String(held.anonymous),
        String(held.code),
        `${Math.round(roomForCode(held, memoryMiB) * 100)} %`,
        `${least} MiB`,
        least <= memoryMiB ? "fits" : "refused",
      ];
    }),
  );
}

const leastColumns: Column[] = [
  { title: "policy" },
  { title: "measures" },
  { title: "load balancer" },
  ...["anonymous", "code", "least host"].map((title): Column => ({ title, align: "right" })),
];

/**
 * The least host by policy, measures and load balancer, with the sample awake.
 * @param config The stack's configuration with these keys.
 */
export async function leastHostTable(
  config: (changed: Record<string, string>) => EdgeConfig,
): Promise<string> {
  const names = Object.keys(memoryMeasures);
  const choices = [
    ["none", []],
    ...names.map((name): [string, string[]] => [name, [name]]),
    ["all", names],
  ] as [string, string[]][];
  const rows = (["scale", "edge"] as const).flatMap((resourcePolicy) =>
    choices.flatMap(([title, on]) =>
      (["metallb", "nodeIp"] as const).map(async (loadBalancer) => {
        const lowMemory = JSON.stringify(
          Object.fromEntries(names.map((name) => [name, on.includes(name)])),
        );
        const pool: Record<string, string> =
          loadBalancer === "nodeIp" ? { loadBalancerPool: "" } : {};
        const stack = config({ resourcePolicy, lowMemory, loadBalancer, ...pool });
        const { resident } = computeBudget(stack, renderStack(stack, await loadReleases(stack)));
        return [
          `\`${resourcePolicy}\``,
          title,
          `\`${loadBalancer}\``,
          String(resident.anonymous),
          String(resident.code),
          `${resident.leastMemoryMiB} MiB`,
        ];
      }),
    ),
  );
  return markdownTable(leastColumns, await Promise.all(rows));
}

/** The rows of the stack that was measured as a whole: nothing that saves memory, and full definitions. */
export async function residentRowsTable(
  config: (changed: Record<string, string>) => EdgeConfig,
): Promise<string> {
  const stack = config({
    resourcePolicy: "upstream",
    lowMemory: JSON.stringify(allMemoryMeasures(false)),
    oneNode: JSON.stringify(allTweaks(false)),
  });
  const budget = computeBudget(stack, renderStack(stack, await loadReleases(stack)));
  return residentTable(budget, markdownTable);
}

/** A release from a directory with release folders. */
export async function releaseFromManifests(
  version: string,
  manifestsDir: string,
): Promise<ReleaseWorkloads> {
  const source = { manifestsDir };
  const serving = await loadRelease(servingRelease(version), source);
  const kourier = await loadRelease(kourierRelease(version), source);
  const parse = (file: string): KubernetesObject[] =>
    parseManifest({ ...serving, ...kourier }[file] ?? "", file);
  return {
    version,
    core: [...parse("serving-core.yaml"), ...parse("kourier.yaml")],
    domainJob: parse("serving-default-domain.yaml"),
  };
}

/**
 * A release from the source of its Go module knative.dev/serving, which holds what the release is made from, and the
 * Kourier that it was tested with.
 */
export function releaseFromModule(version: string, module: string): ReleaseWorkloads {
  const read = (file: string): KubernetesObject[] =>
    parseManifest(fs.readFileSync(path.join(module, file), "utf8"), file);
  const deployments = fs
    .readdirSync(path.join(module, "config/core/deployments"))
    .filter((file) => file.endsWith(".yaml"));
  return {
    version,
    core: [
      ...deployments.flatMap((file) => read(`config/core/deployments/${file}`)),
      ...read("third_party/kourier-latest/kourier.yaml"),
    ],
    domainJob: read("config/post-install/default-domain.yaml"),
  };
}

/**
 * A page with the text between `<!-- computed: <name> -->` and `<!-- end -->` replaced.
 * @throws Error for a name that the page does not have.
 */
export function withComputed(page: string, name: string, text: string): string {
  const block = new RegExp(`(<!-- computed: ${name} -->)[^]*?(<!-- end -->)`);
  if (!block.test(page)) {
    throw new Error(`The page has no place for ${name}.`);
  }
  return page.replace(block, (_, start: string, end: string) => `${start}\n\n${text}\n\n${end}`);
}

function totals(policy: PolicyName, objects: KubernetesObject[]): string {
  const decide = resources(namedPolicy({ policy, factor: parseDecimal("0.5"), services: 1 }));
  const pods = objects.map(decide).flatMap((object) => workloadPods("", object, 1) ?? []);
  const requests = sum(pods.map((pod) => pod.requests));
  return [
    formatAmount("cpu", requests.cpu, "up"),
    limitTotal("cpu", pods),
    formatAmount("memory", requests.memory, "up"),
    limitTotal("memory", pods),
  ].join("/");
}

function limitTotal(name: "cpu" | "memory", pods: PodBudget[]): string {
  return formatAmount(
    name,
    pods.reduce((total, { limits }) => total + (limits[name] ?? 0n), 0n),
    "up",
  );
}

/**
 * A page with everything but the releases computed anew, which needs no more than the newest manifests.
 * @param config The stack of the page with some keys changed.
 */
export async function withBudgets(
  page: string,
  config: (changed: Record<string, string>) => EdgeConfig,
): Promise<string> {
  const parts: [name: string, text: string][] = [
    ["policies", await policyTables((resourcePolicy) => config({ resourcePolicy }))],
    ["resident rows", await residentRowsTable(config)],
    ["least hosts", await leastHostTable(config)],
    ["runs", runTable()],
  ];
  return parts.reduce((text, [name, part]) => withComputed(text, name, part), page);
}
