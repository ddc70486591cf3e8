import { Amounts, difference, lacking, resourceNames, sum, times } from "../../lib/resourceAmounts";
import { wholeCpus } from "../../components/host/hostSize";
import type { BudgetCase } from "./budgetTypes";
import { FilledNode, Placement } from "../scheduling/placement";
import { BudgetNode, pendingNames, placedBeside, placements, withoutNode, worstOf } from "./nodes";
import { PodBudget } from "./pods";

/** Where the pods of a stack are to run. */
export interface Room {
  /** What it offers pods. */
  offers: Amounts;
  /** With these pods in it. */
  with(running: PodBudget[]): FilledRoom;
}

/** A room with pods in it. */
export interface FilledRoom {
  offers: Amounts;
  /** The pods that find no place if others come, also of those that were there and are pushed out. */
  verdict(added?: PodBudget[]): Pick<BudgetCase, "pending" | "fits">;
  /** Where the pods may be, if there are several nodes. */
  outcomes: Placement[];
}

/** A single node, where it only matters what is more important. */
export function oneNode(offers: Amounts): Room {
  return {
    offers,
    with: (running) => ({
      offers,
      verdict: (added = []) => {
        const pending = unschedulable([...running, ...added], offers);
        return { pending, fits: pending.length === 0 };
      },
      outcomes: [],
    }),
  };
}

/** Nodes, of which the scheduler chooses one for each pod. */
export function severalNodes(nodes: FilledNode[]): Room {
  const offers = sum(nodes.map((node) => node.offers));
  return {
    offers,
    with: (running) => {
      const outcomes = placements(nodes, running);
      return {
        offers,
        verdict: (added = []) => nodesVerdict(placedBeside(outcomes, added)),
        outcomes,
      };
    },
  };
}

/**
 * The worst of some outcomes. k0s gives CoreDNS more pods than it needs, each on a node of its own: one that waits does no
 * harm while another runs.
 */
export function nodesVerdict(outcomes: Placement[]): Pick<BudgetCase, "pending" | "fits"> {
  const fits = outcomes.every((outcome) => {
    const gone = stopped(outcome);
    return outcome.pending.every(
      ({ workload }) => workload === "kube-system/coredns" && !gone.includes(workload),
    );
  });
  return { pending: worstPending(outcomes), fits };
}

/** A case by what is in the room, and what comes. */
export function roomCase(
  name: BudgetCase["name"],
  title: string,
  running: PodBudget[],
  room: FilledRoom,
  added: PodBudget[] = [],
): BudgetCase {
  const pods = [...running, ...added];
  const requests = sum(pods.map((pod) => times(pod.requests, pod.replicas)));
  return {
    name,
    title,
    requests,
    free: difference(room.offers, requests),
    required: name !== "k0sUpgrade",
    ...room.verdict(added),
  };
}

/**
 * The one rollout that needs most. Of two rollouts that do not fit at once, one waits for the other. A rollout that does
 * not fit by itself never ends.
 */
export function rolloutCase(
  name: BudgetCase["name"],
  title: string,
  running: PodBudget[],
  room: FilledRoom,
  candidates: PodBudget[],
): BudgetCase {
  const rollouts = candidates
    .filter(({ surge }) => surge > 0)
    .map((pod) => {
      const added = { ...pod, name: `${pod.name} (new pod)`, replicas: pod.surge };
      return roomCase(name, `${title}: ${pod.name}`, running, room, [added]);
    });
  const [first = roomCase(name, `${title}: none adds a pod`, running, room), ...others] = rollouts;
  const worst = others.reduce(
    (most, next) => (share(next, room.offers) > share(most, room.offers) ? next : most),
    first,
  );
  return {
    ...worst,
    fits: worst.fits && rollouts.every(({ fits }) => fits),
    pending: [...new Set([worst, ...rollouts].flatMap(({ pending }) => pending))],
  };
}

/**
 * The loss of one worker: of that without which most workloads have no pod left, and of the largest where none is worse. A
 * stack can be installed without that, so it is not required. Pods that wait beside others of theirs that run do no harm.
 */
export function workerLostCase(
  workers: BudgetNode[],
  running: PodBudget[],
  { outcomes }: FilledRoom,
): BudgetCase {
  const losses = [...workers]
    .sort(({ size: a }, { size: b }) => b.memoryMiB - a.memoryMiB || wholeCpus(b) - wholeCpus(a))
    .map(({ name }) => {
      const after = withoutNode(outcomes, name);
      const gone = after.map(stopped);
      const most = gone.reduce((worst, next) => (next.length > worst.length ? next : worst), []);
      return { name, after, stopped: most };
    });
  const worst = losses.reduce((most, next) =>
    next.stopped.length > most.stopped.length ? next : most,
  );
  const nodes = outcomes[0]?.nodes.filter(({ name }) => name !== worst.name) ?? [];
  const lostDaemons = (pod: PodBudget): number =>
    pod.rules.daemon && runsOn(outcomes, worst.name, pod) ? 1 : 0;
  const requests = sum(running.map((pod) => times(pod.requests, pod.replicas - lostDaemons(pod))));
  return {
    name: "workerLost",
    title: `worker ${worst.name} lost`,
    requests,
    free: difference(sum(nodes.map(({ offers }) => offers)), requests),
    fits: worst.stopped.length === 0,
    required: false,
    pending: worstPending(worst.after),
  };
}

function runsOn([first]: Placement[], name: string, pod: PodBudget): boolean {
  const node = first?.nodes.find((one) => one.name === name);
  return node?.pods.some(({ workload }) => workload === pod.name) ?? false;
}

/** Workloads of which no pod is left. */
function stopped({ nodes, pending }: Placement): string[] {
  const left = new Set(nodes.flatMap(({ pods }) => pods.map(({ workload }) => workload)));
  return [...new Set(pending.map(({ workload }) => workload))].filter((name) => !left.has(name));
}

function worstPending(outcomes: Placement[]): string[] {
  return pendingNames(worstOf(outcomes)?.pending ?? []);
}

/** The scarcest resource's part of what there is, in millionths. */
function share({ requests }: BudgetCase, offers: Amounts): bigint {
  return resourceNames
    .map((name) => (requests[name] * 1_000_000n) / offers[name])
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
