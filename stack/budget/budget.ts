import { Amounts, formatAmount } from "../../lib/resourceAmounts";
import { budgetWarnings, fitAdvice, memoryFits } from "./budgetAdvice";
import type { Assessment, Budget, BudgetCase, BudgetSettings } from "./budgetTypes";
import { allocatable, HostSize } from "../../components/host/hostSize";
import { k0sPods } from "./k0sPods";
import { KubernetesObject } from "../../components/cluster/kubernetesObject";
import { lostWarnings } from "./nodeAdvice";
import { missingMemory, NodeBudget, nodeBudgets } from "./nodeBudget";
import { BudgetNode, emptyNodes, onNodes, tightPlacement, worstOf } from "./nodes";
import { PodBudget, workloadPods } from "./pods";
import { residentBudget } from "./resident";
import {
  nodesVerdict,
  oneNode,
  rolloutCase,
  roomCase,
  severalNodes,
  workerLostCase,
} from "./cases";
import { Placement } from "../scheduling/placement";
import { servicePods } from "./servicePods";
import { StackObjects } from "../render/renderStack";

export type { Budget, BudgetCase, BudgetSettings };

/** The budget of a stack, from the very objects that are applied. */
export function computeBudget(settings: BudgetSettings, objects: StackObjects): Budget {
  const assessment = assess(settings, objects);
  const changed = (workers: BudgetNode[], hostSize: HostSize): Assessment =>
    assess({ ...settings, workers, hostSize }, objects);
  return {
    ...assessment,
    allowed: {
      overcommit: settings.allowOvercommit,
      memoryShort: settings.allow.includes("memoryShort"),
    },
    advice: fitAdvice(settings, assessment, changed),
    warnings: [
      ...budgetWarnings(objects, assessment.cases),
      ...lostWarnings(settings, assessment, changed),
    ],
  };
}

/** What a stack needs and whether it fits, without what to do about it. */
function assess(settings: BudgetSettings, objects: StackObjects): Assessment {
  const { hostSize, k0s, workers = [], hostName } = settings;
  const nodes = workers.length > 0 ? emptyNodes(hostSize, workers, hostName) : undefined;
  const room = nodes === undefined ? oneNode(allocatable(hostSize)) : severalNodes(nodes);
  const there = (pods: PodBudget[]): PodBudget[] => (nodes ? onNodes(pods, nodes) : pods);
  // A rollout that may end an old pod first does not hang.
  const stuck = (pods: PodBudget[]): PodBudget[] =>
    nodes ? pods.filter(({ endsFirst = false }) => !endsFirst) : pods;
  const own = there(k0sPods(k0s.version, k0s.disabledComponents, 1 + workers.length));
  const core = [...own, ...there(stackPods(objects))];
  const job = workloads("domain Job", objects.defaultDomain);
  const services = objects.services.map(({ object }) =>
    servicePods(object, objects.serving.core, settings.namespaces),
  );
  const running = [...core, ...services];
  const awake = services.length === 1 ? "1 service" : `${services.length} services`;
  const title = services.length > 0 ? `with ${awake} awake` : "without services";

  const steady = roomCase("steady", "Knative without services", core, room.with(core));
  const all = room.with(running);
  const cases = [
    steady,
    ...(services.length > 0 ? [roomCase("services", title, running, all)] : []),
    // The Job runs again whenever its pod changes, as in an upgrade: the services are there then.
    ...(job.length > 0
      ? [roomCase("domainJob", "while the default-domain Job runs", running, all, job)]
      : []),
    rolloutCase("rollout", "largest rollout", running, all, stuck(running.slice(own.length))),
    rolloutCase("k0sUpgrade", "rollout of k0s' own pods", running, all, stuck(own)),
    ...(nodes ? [workerLostCase(workers, running, all)] : []),
  ];
  const requestsFit = cases.every(({ required, fits }) => fits || !required);
  const filled = nodes && fullestNodes(settings, all.outcomes, running, title);
  const resident = filled?.[0]?.resident ?? residentBudget(settings, hostSize, running, title);
  return {
    hostSize,
    allocatable: room.offers,
    pods: [...core, ...job, ...services],
    cases,
    requestsFit,
    resident,
    ...(filled && { nodes: filled }),
    ...(nodes &&
      !all.verdict().fits && {
        roomOtherwise: nodesVerdict([tightPlacement(nodes, running)]).fits,
      }),
    fits: requestsFit && memoryFits({ resident, nodes: filled }),
    running,
  };
}

/** Of all outcomes the one that leaves most without a place, and then the one whose nodes lack most memory. */
function fullestNodes(
  settings: BudgetSettings,
  outcomes: Placement[],
  running: PodBudget[],
  title: string,
): NodeBudget[] {
  const waiting = worstOf(outcomes)?.pending.length;
  return outcomes
    .filter(({ pending }) => pending.length === waiting)
    .map((outcome) => nodeBudgets(settings, outcome, running, title))
    .reduce((worst, next) => (missingMemory(next) > missingMemory(worst) ? next : worst));
}

/** A budget as a stack output: a few lines, since each `up` prints them. `npm run plan` has every pod. */
export interface BudgetOutput {
  fits: boolean;
  /** What the node offers pods, or all nodes together. */
  allocatable: string;
  /** What is requested, by case. */
  requests: Record<string, string>;
  /** What is held in memory, and the least host that is calm with it. */
  resident: string;
  /** Of each node what is requested there and what it needs; only where there are workers. */
  nodes?: Record<string, string>;
}

/** A budget as plain data, quantities as texts: `895m CPU, 559Mi`. */
export function budgetOutput(budget: Budget): BudgetOutput {
  const { allocatable: node, cases, fits, resident, nodes } = budget;
  return {
    fits,
    allocatable: amountsText(node, "down"),
    requests: Object.fromEntries(
      cases.map(({ name, requests }) => [name, amountsText(requests, "up")]),
    ),
    resident:
      `${resident.anonymous}Mi anonymous, ${resident.code}Mi code, ` +
      `needs a host of ${resident.leastMemoryMiB}Mi`,
    ...(nodes && {
      nodes: Object.fromEntries(nodes.map((one) => [one.name, nodeText(one)])),
    }),
  };
}

function nodeText({ size, offers, requests, resident }: NodeBudget): string {
  return (
    `${amountsText(requests, "up")} of ${amountsText(offers, "down")}, ` +
    `needs ${resident.leastMemoryMiB}Mi of ${size.memoryMiB}Mi`
  );
}

/** The pods of MetalLB, Knative and Kourier, in the order in which they start. */
function stackPods({ metalLb, serving, kourier }: StackObjects): PodBudget[] {
  return [
    ...workloads("MetalLB", metalLb),
    ...workloads("Knative", serving.core),
    ...workloads("Kourier", kourier),
  ];
}

/** The pods of a part, as many as its HorizontalPodAutoscalers keep at least. */
function workloads(component: string, objects: KubernetesObject[]): PodBudget[] {
  return objects.flatMap((object) => {
    const scaler = objects.find((candidate) => scales(candidate, object));
    const least = Number(scaler?.spec?.minReplicas ?? 1);
    const replicas = Math.max(Number(object.spec?.replicas ?? 1), scaler === undefined ? 0 : least);
    return workloadPods(component, object, replicas) ?? [];
  });
}

function scales(scaler: KubernetesObject, { kind, metadata }: KubernetesObject): boolean {
  const target = scaler.spec?.scaleTargetRef as { kind?: string; name?: string } | undefined;
  return (
    scaler.kind === "HorizontalPodAutoscaler" &&
    scaler.metadata.namespace === metadata.namespace &&
    target?.kind === kind &&
    target.name === metadata.name
  );
}

/** CPU and memory in words: `895m CPU, 559Mi`. */
export function amountsText({ cpu, memory }: Amounts, round: "up" | "down"): string {
  return `${formatAmount("cpu", cpu, round)} CPU, ${formatAmount("memory", memory, round)}`;
}
