import { formatAmount, sum, times } from "../../lib/resourceAmounts";
import { Budget, BudgetCase } from "./budget";
import { verdict } from "./budgetAdvice";
import { nodesText } from "./nodeAdvice";
import type { NodeBudget } from "./nodeBudget";
import { Limits, PodBudget } from "./pods";
import { Resident } from "./resident";
import { Column, markdownTable, textTable } from "../../lib/table";

type Format = (columns: Column[], rows: string[][]) => string;

const podColumns: Column[] = [
  { title: "part" },
  { title: "pod" },
  { title: "container" },
  { title: "CPU request", align: "right" },
  { title: "CPU limit", align: "right" },
  { title: "memory request", align: "right" },
  { title: "memory limit", align: "right" },
  { title: "QoS" },
];

const residentColumns: Column[] = [
  { title: "part" },
  { title: "what" },
  { title: "anonymous", align: "right" },
  { title: "code", align: "right" },
  { title: "how" },
];

const caseColumns: Column[] = [
  { title: "case" },
  { title: "pods", align: "right" },
  { title: "CPU", align: "right" },
  { title: "free", align: "right" },
  { title: "memory", align: "right" },
  { title: "free", align: "right" },
  { title: "verdict" },
];

const nodeColumns: Column[] = [
  { title: "node" },
  { title: "pods", align: "right" },
  { title: "CPU", align: "right" },
  { title: "free", align: "right" },
  { title: "memory", align: "right" },
  { title: "free", align: "right" },
  { title: "resident needs", align: "right" },
  { title: "verdict" },
];

const placeColumns: Column[] = [
  { title: "node" },
  { title: "pod" },
  { title: "CPU request", align: "right" },
  { title: "memory request", align: "right" },
  { title: "may be on" },
];

/** A budget for a terminal: every container, what each part needs, every case with its verdict, then what to know. */
export function budgetText(budget: Budget): string {
  const { hostSize, allocatable, nodes } = budget;
  const what =
    nodes === undefined
      ? `a host with ${hostSize.cpus} CPU and ${hostSize.memoryMiB} MiB`
      : `${nodes.length} nodes (${nodesText(nodes)})`;
  const notes = budget.warnings.map((warning) => `Note: ${warning}`);
  return [
    `Budget for ${what}, of which pods may request ` +
      `${formatAmount("cpu", allocatable.cpu, "down")} and ${formatAmount("memory", allocatable.memory, "down")}`,
    podTable(budget, textTable),
    ...(nodes === undefined ? [] : nodeTables(nodes, textTable)),
    caseTable(budget, textTable),
    ...(nodes ?? [budget]).flatMap(({ resident }) => [
      `Resident memory ${resident.title}, in MiB`,
      residentTable({ resident }, textTable),
    ]),
    nodes?.map(nodeSentence).join("\n") ?? residentSentence(budget),
    ...(notes.length > 0 ? [notes.join("\n")] : []),
    verdict(budget),
  ].join("\n\n");
}

function nodeSentence({ resident, size }: NodeBudget): string {
  const { anonymous, code, leastMemoryMiB, fits, title } = resident;
  return (
    `Resident memory ${title}: ${anonymous} MiB anonymous and ${code} MiB of program code, which need ` +
    `${leastMemoryMiB} MiB; it has ${size.memoryMiB}, which ${fits ? "is enough" : "is too little"}.`
  );
}

/** What each node has to give, and a row for each workload on it: where the scheduler puts it, and where it might be. */
function nodeTables(nodes: NodeBudget[], format: Format): string[] {
  const summary = nodes.map(({ name, offers, requests, pods, resident, size }) => [
    name,
    String(pods.reduce((total, { count }) => total + count, 0)),
    formatAmount("cpu", requests.cpu, "up"),
    formatAmount("cpu", offers.cpu - requests.cpu, "down"),
    formatAmount("memory", requests.memory, "up"),
    formatAmount("memory", offers.memory - requests.memory, "down"),
    `${resident.leastMemoryMiB} of ${size.memoryMiB} MiB`,
    resident.fits ? "fits" : "is short of memory",
  ]);
  const workloads = nodes.flatMap(({ name: node, pods }) =>
    pods.map(({ name, count, requests, daemon, mayBeOn }, index) => {
      const where = mayBeOn.length === nodes.length ? undefined : mayBeOn.join(", ");
      return [
        index === 0 ? node : "",
        count === 1 ? name : `${name} x${count}`,
        request("cpu", requests.cpu),
        request("memory", requests.memory),
        daemon ? `one on ${where ?? "each"}` : (where ?? "any"),
      ];
    }),
  );
  return [format(nodeColumns, summary), format(placeColumns, workloads)];
}

/** What the resident memory of a stack comes to, and the host that it needs. */
export function residentSentence({ resident, hostSize }: Budget): string {
  const { anonymous, code, leastMemoryMiB, fits } = resident;
  return (
    `Resident memory ${resident.title}: ${anonymous} MiB anonymous and ${code} MiB of program code, which ` +
    `need a host of ${leastMemoryMiB} MiB; hostMemoryMiB is ${hostSize.memoryMiB}, which ${fits ? "is enough" : "is too little"}.`
  );
}

/** A row for each process, pod and saving, then the sum. */
export function residentTable(
  { resident: { rows, anonymous, code } }: Pick<Budget, "resident">,
  format: Format,
): string {
  const amounts = (amount: Resident): string[] => [String(amount.anonymous), String(amount.code)];
  return format(residentColumns, [
    ...rows.map((row, index) => [
      row.part === rows[index - 1]?.part ? "" : row.part,
      row.name,
      ...amounts(row),
      row.how,
    ]),
    ["all", "", ...amounts({ anonymous, code }), ""],
  ]);
}

/** The two tables of a budget in Markdown. */
export function budgetMarkdown(budget: Budget): string {
  return `${podTable(budget, markdownTable)}\n\n${caseTable(budget, markdownTable)}`;
}

/** One row for each container, then the sum of each part with its pods' number. */
function podTable({ pods }: Budget, format: Format): string {
  const rows = pods.flatMap(({ component, name, replicas, qos, containers }) =>
    containers.map((container, index) => [
      index === 0 ? component : "",
      index === 0 ? (replicas === 1 ? name : `${name} x${replicas}`) : "",
      container.name,
      request("cpu", container.requests.cpu),
      limit("cpu", container.limits),
      request("memory", container.requests.memory),
      limit("memory", container.limits),
      index === 0 ? qos : "",
    ]),
  );
  const parts = [...new Set(pods.map(({ component }) => component))];
  const sums = parts.map((part) => [
    part,
    "all pods",
    "",
    ...sumCells(pods.filter(({ component }) => component === part)),
  ]);
  return format(podColumns, [...rows, ...sums, ["all", "", "", ...sumCells(pods)]]);
}

function caseTable({ cases }: Budget, format: Format): string {
  return format(
    caseColumns,
    cases.map((one) => [
      one.title,
      String(one.requests.pods),
      formatAmount("cpu", one.requests.cpu, "up"),
      formatAmount("cpu", one.free.cpu, "down"),
      formatAmount("memory", one.requests.memory, "up"),
      formatAmount("memory", one.free.memory, "down"),
      caseVerdict(one),
    ]),
  );
}

function caseVerdict({ fits, pending }: BudgetCase): string {
  if (fits && pending.length > 0) {
    return `fits, with fewer pods of ${pending.join(", ")}`;
  }
  return fits ? "fits" : `does not fit: ${pending.length} Pending`;
}

function sumCells(pods: PodBudget[]): string[] {
  const requests = sum(pods.map((pod) => times(pod.requests, pod.replicas)));
  return [
    request("cpu", requests.cpu),
    limitSum("cpu", pods),
    request("memory", requests.memory),
    limitSum("memory", pods),
  ];
}

function request(name: "cpu" | "memory", amount: bigint): string {
  return amount === 0n ? "-" : formatAmount(name, amount, "up");
}

function limit(name: "cpu" | "memory", { [name]: amount }: Limits): string {
  return amount === undefined ? "none" : formatAmount(name, amount, "up");
}

/** The sum of the limits there are; a plus sign says that some container has none. */
function limitSum(name: "cpu" | "memory", pods: PodBudget[]): string {
  const limits = pods.flatMap(({ containers, replicas }) =>
    containers.map((container) => ({ amount: container.limits[name], replicas })),
  );
  const known = limits.reduce(
    (total, { amount = 0n, replicas }) => total + amount * BigInt(replicas),
    0n,
  );
  const open = limits.some(({ amount }) => amount === undefined);
  return open
    ? known === 0n
      ? "none"
      : `${formatAmount(name, known, "up")}+`
    : formatAmount(name, known, "up");
}
