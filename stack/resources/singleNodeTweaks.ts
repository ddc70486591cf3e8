import { isPartOf } from "../../components/ingress/ingressKind";
import { kourierKind } from "../../components/ingress/kourierKind";
import { withoutDescriptions } from "./crds";
import { KubernetesObject } from "../../components/cluster/kubernetesObject";
import { allSwitched, switchedOn, Switches } from "../../lib/switches";
import { podSpec, withPodSpec } from "../../components/cluster/workloads";

/** What makes a measure of one-node safety. */
interface Tweak {
  /** Why one node needs it; the documentation prints it. */
  reason: string;
  /** The object as it should be; undefined leaves it out. */
  apply(object: KubernetesObject): KubernetesObject | undefined;
}

/**
 * Seconds a pod may take to end: as long as Envoy takes to drain. The activator and the webhook sleep for 45 s when
 * they are told to end, so that a load balancer elsewhere hears of it; with Recreate that is a pause for everyone.
 */
const terminationSeconds = 15;

/** What keeps a single small node safe from settings that were made for many. Each can be switched off. */
export const singleNodeTweaks = {
  recreateRollouts: {
    reason:
      "A rolling update of a single pod starts the new one beside the old. On a node without room for both the new " +
      "pod stays Pending and the rollout hangs for ever: at half of the release's requests the activator needs 150m " +
      "more, and 105m are free. Recreate ends the old pod first, which costs some seconds without it.",
    apply: (object) =>
      object.kind === "Deployment"
        ? { ...object, spec: { ...object.spec, strategy: { type: "Recreate" } } }
        : object,
  },
  removeAutoscalers: {
    reason:
      "The HorizontalPodAutoscalers of the activator, the webhook and the gateway add pods at 100 % of the CPU " +
      "request, up to 20 of them. The smaller the request, the sooner; and on one node more pods are no more CPU.",
    apply: (object) => (object.kind === "HorizontalPodAutoscaler" ? undefined : object),
  },
  removeDisruptionBudgets: {
    reason:
      "The PodDisruptionBudgets want 80 % of one pod, so none may ever go, and a drain of the node hangs " +
      "(knative/serving#9990).",
    apply: (object) => (object.kind === "PodDisruptionBudget" ? undefined : object),
  },
  shortenTermination: {
    reason:
      `The activator may take 600 s to end and the webhook 300 s, and both sleep for 45 s of it for load balancers ` +
      `elsewhere. ${terminationSeconds} s are what Envoy takes to drain.`,
    apply: (object) => {
      const seconds = podSpec(object)?.terminationGracePeriodSeconds;
      return typeof seconds === "number" && seconds > terminationSeconds
        ? withPodSpec(object, (spec) => ({
            ...spec,
            terminationGracePeriodSeconds: terminationSeconds,
          }))
        : object;
    },
  },
  raisePriorities: {
    reason:
      "Without a priority the load balancer and the ingress are evicted like any service's pod, and with them every " +
      "service's address. MetalLB's speaker is system-node-critical, its controller and Kourier " +
      "system-cluster-critical: under pressure the services' pods go first.",
    apply: (object) => {
      const priorityClassName = priorityClass(object);
      return priorityClassName === undefined
        ? object
        : withPodSpec(object, (spec) => ({ ...spec, priorityClassName }));
    },
  },
  trimDefinitions: {
    reason:
      "More than half of the releases' text is descriptions in the schemas of their CustomResourceDefinitions, which " +
      "only `kubectl explain` shows. The API server keeps them in memory, the state keeps them twice, and every " +
      "preview carries them.",
    apply: withoutDescriptions,
  },
} satisfies Record<string, Tweak>;

/** A key of `oneNode`. */
export type TweakName = keyof typeof singleNodeTweaks;

/** Which measures are on. */
export type SingleNodeTweaks = Switches<typeof singleNodeTweaks>;

/** All measures on or all off. */
export function allTweaks(on: boolean): SingleNodeTweaks {
  return allSwitched(singleNodeTweaks, on);
}

/** The objects with the measures that are on. */
export function applyTweaks(
  objects: KubernetesObject[],
  safety: SingleNodeTweaks,
): KubernetesObject[] {
  const applied = switchedOn<Tweak>(singleNodeTweaks, safety);
  return objects.flatMap((object) => {
    const result = applied.reduce<KubernetesObject | undefined>(
      (current, measure) => current && measure.apply(current),
      object,
    );
    return result === undefined ? [] : [result];
  });
}

function priorityClass(object: KubernetesObject): string | undefined {
  const { kind, metadata } = object;
  if (metadata.namespace === "metallb-system") {
    return kind === "DaemonSet" ? "system-node-critical" : "system-cluster-critical";
  }
  return isPartOf(kourierKind, object) ? "system-cluster-critical" : undefined;
}
