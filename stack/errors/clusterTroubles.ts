import { ClusterTrouble, isEnding, items, nameOf, Node, Pod, seconds } from "./clusterObjects";
import { EdgeConfig } from "../config";
import { StackObjects } from "../render/renderStack";
import { nodeTroubles } from "./stuckNodes";
import { coreDns, podTrouble, waitsForNames } from "./stuckPods";

/** The part of a cluster that a stack answers for. */
export interface WatchedPods {
  /** Every pod in these namespaces counts. */
  namespaces: readonly string[];
  /** Names of Knative Services, whose pods count in every namespace. */
  services: readonly string[];
  /** Whether k0s runs CoreDNS. */
  coreDns: boolean;
}

/** What a stack answers for: k0s, what it applies, and its services. */
export function watchedPods(
  { k0s, services }: Pick<EdgeConfig, "k0s" | "services">,
  { metalLb, serving, kourier }: StackObjects,
): WatchedPods {
  const applied = [...metalLb, ...serving.core, ...kourier];
  const namespaces = applied.flatMap(({ metadata }) => metadata.namespace ?? []);
  return {
    namespaces: [...new Set(["kube-system", ...namespaces])],
    services: Object.keys(services),
    coreDns: !k0s.disabledComponents.includes("coredns"),
  };
}

/** How long the node may have been ready before there is a pod of CoreDNS, in seconds. */
const patience = 60;

/**
 * What is wrong with a cluster: a node under pressure or not ready, and pods that were evicted, find no place, have no
 * image, crash or are late. Nothing of a healthy cluster that starts.
 *
 * @param nodes A NodeList as the API server sends it; anything else has no troubles.
 * @param pods A PodList.
 * @param now The cluster's time, with which the ages of its objects are told.
 */
export function clusterTroubles(
  nodes: unknown,
  pods: unknown,
  now: Date,
  watched: WatchedPods,
): ClusterTrouble[] {
  const all = items<Pod>(pods);
  const makesRoom = all.some((pod) => isEnding(pod, now));
  const found = [
    ...items<Node>(nodes).flatMap((node) => nodeTroubles(node, now)),
    ...(watched.coreDns ? missingCoreDns(items<Node>(nodes), all, now) : []),
    ...all
      .filter((pod) => isWatched(pod, watched))
      .flatMap((pod) => podTrouble(pod, now, makesRoom) ?? []),
  ];
  const distinct = [...new Map(found.map((trouble) => [trouble.key, trouble])).values()];
  // Pods that wait for names are late because of CoreDNS: its trouble is the one to report.
  return distinct.some(({ where }) => where === coreDns)
    ? distinct.filter(({ key, where }) => where === coreDns || !key.endsWith(" late"))
    : distinct;
}

/** One or two sentences for each kind of trouble, which name all places that have it. */
export function troubleSentences(troubles: readonly ClusterTrouble[]): string[] {
  const places = new Map<string, string[]>();
  for (const { where, what, remedy } of troubles) {
    const rest = `: ${what}. ${remedy}`;
    places.set(rest, [...(places.get(rest) ?? []), where]);
  }
  return [...places].map(([rest, where]) => `${where.join(", ")}${rest}`);
}

/** The trouble of a cluster that has no pod of CoreDNS, although its node has long been ready. */
function missingCoreDns(nodes: Node[], pods: Pod[], now: Date): ClusterTrouble[] {
  const isUp = nodes.some(({ status }) =>
    status?.conditions?.some(
      ({ type, status: is, lastTransitionTime }) =>
        type === "Ready" && is === "True" && seconds(lastTransitionTime, now) > patience,
    ),
  );
  return !isUp || pods.some((pod) => nameOf(pod) === coreDns && pod.status?.phase !== "Failed")
    ? []
    : [
        {
          key: `${coreDns} missing`,
          where: coreDns,
          what: "CoreDNS has no pod",
          remedy: `See \`k0s kubectl -n kube-system describe deployments,replicasets\` on the host. ${waitsForNames}`,
        },
      ];
}

function isWatched(pod: Pod, { namespaces, services }: WatchedPods): boolean {
  const { namespace = "", labels = {} } = pod.metadata ?? {};
  const service = labels["serving.knative.dev/service"];
  return namespaces.includes(namespace) || (service !== undefined && services.includes(service));
}
