import {
  Amounts,
  difference,
  formatAmount,
  lacking,
  resourceNames,
  sum,
  times,
} from "../../lib/resourceAmounts";
import { budgetWarnings, fitAdvice } from "./budgetAdvice";
import type { Budget, BudgetCase, BudgetSettings } from "./budgetTypes";
import { allocatable } from "../../components/host/hostSize";
import { k0sPods } from "./k0sPods";
import { KubernetesObject } from "../../components/cluster/kubernetesObject";
import { PodBudget, workloadPods } from "./pods";
import { residentBudget } from "./resident";
import { servicePods } from "./servicePods";
import { StackObjects } from "../render/renderStack";

export type { Budget, BudgetCase, BudgetSettings };

/** The budget of a stack, from the very objects that are applied. */
export function computeBudget(settings: BudgetSettings, objects: StackObjects): Budget {
  const { hostSize, k0s } = settings;
  const node = allocatable(hostSize);
  const own = k0sPods(k0s.version, k0s.disabledComponents);
  const core = [...own, ...stackPods(objects)];
  const job = workloads("domain Job", objects.defaultDomain);
  const services = objects.services.map(({ object }) =>
    servicePods(object, objects.serving.core, settings.namespaces),
  );
  const running = [...core, ...services];
  const awake = services.length === 1 ? "1 service" : `${services.length} services`;

  const cases = [
    budgetCase("steady", "Knative without services", core, node),
    ...(services.length > 0 ? [budgetCase("services", `with ${awake} awake`, running, node)] : []),
    // The Job runs again whenever its pod changes, as in an upgrade: the services are there then.
    ...(job.length > 0
      ? [budgetCase("domainJob", "while the default-domain Job runs", [...running, ...job], node)]
      : []),
    rolloutCase("rollout", "largest rollout", running, running.slice(own.length), node),
    rolloutCase("k0sUpgrade", "rollout of k0s' own pods", running, own, node),
  ];
  const title = services.length > 0 ? `with ${awake} awake` : "without services";
  const resident = residentBudget(settings, hostSize, running, title);
  const requestsFit = cases.every(({ required, fits }) => fits || !required);
  return {
    hostSize,
    allocatable: node,
    pods: [...core, ...job, ...services],
    cases,
    requestsFit,
    resident,
    fits: requestsFit && resident.fits,
    allowed: {
      overcommit: settings.allowOvercommit,
      memoryShort: settings.allow.includes("memoryShort"),
    },
    advice: fitAdvice(settings, node, cases, resident, running),
    warnings: budgetWarnings(objects, cases),
  };
}

/** A budget as a stack output: a few lines, since each `up` prints them. `npm run plan` has every pod. */
export interface BudgetOutput {
  fits: boolean;
  /** What the node offers pods. */
  allocatable: string;
  /** What is requested, by case. */
  requests: Record<string, string>;
  /** What is held in memory, and the least host that is calm with it. */
  resident: string;
}

/** A budget as plain data, quantities as texts: `895m CPU, 559Mi`. */
export function budgetOutput({ allocatable: node, cases, fits, resident }: Budget): BudgetOutput {
  return {
    fits,
    allocatable: amountsText(node, "down"),
    requests: Object.fromEntries(
      cases.map(({ name, requests }) => [name, amountsText(requests, "up")]),
    ),
    resident:
      `${resident.anonymous}Mi anonymous, ${resident.code}Mi code, ` +
      `needs a host of ${resident.leastMemoryMiB}Mi`,
  };
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

function budgetCase(
  name: BudgetCase["name"],
  title: string,
  pods: PodBudget[],
  node: Amounts,
): BudgetCase {
  const requests = sum(pods.map((pod) => times(pod.requests, pod.replicas)));
  const pending = unschedulable(pods, node);
  return {
    name,
    title,
    requests,
    free: difference(node, requests),
    fits: pending.length === 0,
    required: name !== "k0sUpgrade",
    pending,
  };
}

/**
 * The one rollout that needs most. Of two rollouts that do not fit at once, one waits for the other. A rollout that does
 * not fit by itself never ends.
 */
function rolloutCase(
  name: BudgetCase["name"],
  title: string,
  running: PodBudget[],
  candidates: PodBudget[],
  node: Amounts,
): BudgetCase {
  const rollouts = candidates
    .filter(({ surge }) => surge > 0)
    .map((pod) => {
      const added = { ...pod, name: `${pod.name} (new pod)`, replicas: pod.surge };
      return budgetCase(name, `${title}: ${pod.name}`, [...running, added], node);
    });
  const [first = budgetCase(name, `${title}: none adds a pod`, running, node), ...others] =
    rollouts;
  const worst = others.reduce(
    (most, next) => (share(next, node) > share(most, node) ? next : most),
    first,
  );
  return {
    ...worst,
    fits: worst.fits && rollouts.every(({ fits }) => fits),
    pending: [...new Set([worst, ...rollouts].flatMap(({ pending }) => pending))],
  };
}

/** The scarcest resource's part of what the node has, in millionths. */
function share({ requests }: BudgetCase, node: Amounts): bigint {
  return resourceNames
    .map((name) => (requests[name] * 1_000_000n) / node[name])
    .reduce((most, next) => (next > most ? next : most));
}

/** The pods that find no place. Higher priorities are placed first. A pod without a place does not stop a smaller one. */
function unschedulable(pods: PodBudget[], node: Amounts): string[] {
  let free = node;
  const pending: string[] = [];
  for (const { name, replicas, requests } of [...pods].sort((a, b) => b.priority - a.priority)) {
    let left = 0;
    for (let pod = 0; pod < replicas; pod++) {
      if (lacking(requests, free).length === 0) {
        free = difference(free, requests);
      } else {
        left += 1;
      }
    }
    if (left > 0) {
      pending.push(left === 1 ? name : `${name} x${left}`);
    }
  }
  return pending;
}

/** CPU and memory in words: `895m CPU, 559Mi`. */
export function amountsText({ cpu, memory }: Amounts, round: "up" | "down"): string {
  return `${formatAmount("cpu", cpu, round)} CPU, ${formatAmount("memory", memory, round)}`;
}
