import {
  ClusterTrouble,
  condition,
  firstSentence,
  isReady,
  nameOf,
  oneLine,
  Pod,
  seconds,
} from "./clusterObjects";
import { words } from "./podTroubles";

/** The workload by which every name in the cluster resolves. */
export const coreDns = "kube-system/coredns";

/** What it means that there is no CoreDNS. */
export const waitsForNames =
  "Without CoreDNS no name resolves in the cluster, and Knative's activator, Kourier's gateway and the services wait for it.";

/**
 * How many seconds a trouble may last that usually passes by itself. On a real k0s CoreDNS is Ready within 50 s of its
 * pod's start: kubelet first asks it after 30 s (initialDelaySeconds in pkg/component/controller/coredns.go). Other pods get
 * more time, because many start at once on a full host.
 */
const patience = { unscheduled: 20, coreDns: 75, notReady: 120, creating: 180 };

/**
 * For how many seconds an eviction is reported. An evicted pod stays listed for days; after this time the node and the pod
 * that took its place show what came of it.
 */
const evictionIsNews = 60;

/**
 * What is wrong with a pod: it was evicted, finds no place, has no image, crashes or is late.
 * @param now The cluster's time.
 * @param makesRoom Whether another pod is on its way out, whose room this one may be waiting for.
 */
export function podTrouble(pod: Pod, now: Date, makesRoom: boolean): ClusterTrouble | undefined {
  const { metadata, status = {} } = pod;
  const where = nameOf(pod);
  const trouble = (kind: string, what: string, remedy: string): ClusterTrouble => ({
    key: `${where} ${kind}`,
    where,
    what,
    remedy: where === coreDns ? `${remedy} ${waitsForNames}` : remedy,
  });
  const describe = `See \`k0s kubectl -n ${metadata?.namespace} describe pod ${metadata?.name}\` on the host.`;
  const logs = `See \`k0s kubectl -n ${metadata?.namespace} logs ${metadata?.name} --all-containers\` on the host.`;

  if (status.phase === "Failed") {
    return status.reason !== "Evicted" || seconds(evictedAt(pod), now) >= evictionIsNews
      ? undefined
      : trouble("evicted", `evicted: ${firstSentence(status.message ?? "")}`, evictedRemedy);
  }
  if (status.phase === "Succeeded" || metadata?.deletionTimestamp !== undefined) {
    return undefined;
  }
  const scheduled = condition(pod, "PodScheduled");
  if (scheduled?.status === "False") {
    const { reason, message = "", lastTransitionTime } = scheduled;
    // In a rollout the next pod may wait for the room of the one before.
    const waitsForRoom = makesRoom && /Insufficient/.test(message);
    return reason !== "Unschedulable" ||
      waitsForRoom ||
      seconds(lastTransitionTime, now) < patience.unscheduled
      ? undefined
      : trouble(
          "unscheduled",
          `Pending: ${firstSentence(message)}`,
          unscheduledRemedy(message) ?? describe,
        );
  }
  for (const container of [
    ...(status.initContainerStatuses ?? []),
    ...(status.containerStatuses ?? []),
  ]) {
    const waiting = container.state?.waiting ?? {};
    const { reason = "" } = waiting;
    // A first crash may come from something that was not there yet.
    if (reason === "CrashLoopBackOff" && (container.restartCount ?? 0) > 0) {
      // Without its message, which may be the last lines of a log.
      const { exitCode, reason: why } = container.lastState?.terminated ?? {};
      const end = `container ${container.name} ended with exit code ${exitCode} (${why})`;
      return trouble("crash", `crashes again and again: ${end}`, logs);
    }
    if (/Image/.test(reason)) {
      return trouble("image", oneLine(words(waiting)), imageRemedy);
    }
    if (/Error$/.test(reason)) {
      return trouble("container", oneLine(words(waiting)), describe);
    }
  }
  // The pod's age does not tell: a pod that has run for long may be unready for a moment. Kubelet sets the first two
  // conditions, so a pod that kubelet has not seen yet has neither.
  const since =
    condition(pod, "Ready")?.lastTransitionTime ?? status.startTime ?? metadata?.creationTimestamp;
  const age = seconds(since, now);
  if (isReady(pod) || age < (where === coreDns ? patience.coreDns : patience.notReady)) {
    return undefined;
  }
  if (status.phase === "Running") {
    return trouble("late", "runs and is not ready, longer than it should take", logs);
  }
  return age < patience.creating
    ? undefined
    : trouble(
        "creating",
        `is not started after ${patience.creating / 60} minutes, as where an image is slow to download, or the network or a volume is missing`,
        describe,
      );
}

const imageRemedy =
  "Check the image's name, and that the host reaches its registry; see imageMirrors and imageBundles.";

const evictedRemedy =
  "Its controller makes another; see what is said of the node, and `k0s kubectl describe nodes` on the host.";

/** What helps a pod for which the scheduler finds no node; undefined where its words do not tell. */
function unscheduledRemedy(message: string): string | undefined {
  if (/node\.kubernetes\.io\/(memory|disk|pid)-pressure/.test(message)) {
    return "It starts when the pressure on the node is over.";
  }
  if (/Insufficient (cpu|memory)|Too many pods/.test(message)) {
    return "The host has no room left for what it requests: lower requests with resourcePolicy or resourceOverrides, leave services out, or take a larger host.";
  }
  if (/were unschedulable|node\.kubernetes\.io\/unschedulable/.test(message)) {
    return "The node was cordoned: `k0s kubectl uncordon` on the host lets pods in again.";
  }
  return undefined;
}

/** When a pod was evicted: kubelet notes it as a disruption, and a pod that it refused never ran. */
function evictedAt(pod: Pod): string | undefined {
  return condition(pod, "DisruptionTarget")?.lastTransitionTime ?? pod.status?.startTime;
}
