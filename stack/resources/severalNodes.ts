import { noSettings, K0sSettings } from "../../components/host/k0sSettings";
import { kourierKind } from "../../components/ingress/kourierKind";
import { isGatewayService } from "../../components/cluster/fieldRules";
import { KubernetesObject } from "../../components/cluster/kubernetesObject";
import { withPodSpec } from "../../components/cluster/workloads";
import { allSwitched, switchedOn, Switches } from "../../lib/switches";

/** What makes a measure for several nodes. */
interface Measure {
  /** Why several nodes need it; the documentation prints it. */
  reason: string;
  /** The object as it should be on so many nodes. By default it stays. */
  apply?(object: KubernetesObject, nodes: number): KubernetesObject;
  /** The settings of k0s' controller that it changes. By default none. */
  settings?: Partial<K0sSettings>;
}

/** Seconds without a sign of life after which a node counts as lost: kubelet gives one every ten. */
const graceSeconds = 20;

/** Seconds that pods stay with a lost node. */
const tolerationSeconds = 15;

/** What has a cluster of several nodes survive the loss of one. Each can be switched off. */
export const severalNodesMeasures = {
  replicate: {
    reason:
      "The activator and the webhook run twice, each on another node, and the gateway on each of up to three nodes; a rollout " +
      "replaces one pod after the other. Every request passes the gateway, cold starts the activator, and changes the " +
      "webhook. The rest of Knative runs once: it decides on the number of pods, which may wait for the half minute that a " +
      "lost node's pods take to start elsewhere.",
    apply: (object, nodes) => {
      const replicas = isGateway(object) ? Math.min(nodes, 3) : 2;
      return isReplicated(object) ? replicated(object, replicas) : object;
    },
  },
  keepOne: {
    reason:
      "The PodDisruptionBudgets are there again, and keep one pod of each while a node is drained. The releases ask for " +
      "80 %, which lets none of two pods go (knative/serving#9990).",
    apply: (object) =>
      object.kind === "PodDisruptionBudget"
        ? { ...object, spec: { selector: object.spec?.selector ?? {}, minAvailable: 1 } }
        : object,
  },
  answerLocally: {
    reason:
      "A node hands requests to the gateway's pod on the same node, and to another only while it has none that is ready " +
      "(`trafficDistribution: PreferSameNode`, from Kubernetes 1.34 on). Otherwise half of the requests would go to the pod " +
      "on a lost node until Kubernetes notices the loss, and for as long as the host is down, since nobody else could tell.",
    apply: (object) =>
      isGatewayService(object)
        ? { ...object, spec: { ...object.spec, trafficDistribution: "PreferSameNode" } }
        : object,
  },
  goStraightToPods: {
    reason:
      "Requests go from the gateway to a service's pods, and to the activator only while there are none " +
      "(`target-burst-capacity: 0`). By default it stays on the way of services with few pods, and half of their requests " +
      "would wait for the activator on a lost node. A sudden burst is no longer queued there until more pods are up.",
    apply: (object) =>
      object.kind === "ConfigMap" && object.metadata.name === "config-autoscaler"
        ? { ...object, data: { ...object.data, "target-burst-capacity": "0" } }
        : object,
  },
  noticeLostNodes: {
    reason:
      `A node counts as lost after ${graceSeconds} s without a sign of life, not 50, and pods that are made from then on ` +
      `leave it after ${tolerationSeconds} s, not 300. Kubernetes' own times are for data centres, where a node comes back.`,
    settings: {
      controllerManagerArgs: { "node-monitor-grace-period": `${graceSeconds}s` },
      apiServerArgs: {
        "default-not-ready-toleration-seconds": String(tolerationSeconds),
        "default-unreachable-toleration-seconds": String(tolerationSeconds),
      },
    },
  },
} satisfies Record<string, Measure>;

/**
 * The first Kubernetes minor that knows the value of `trafficDistribution`:
 * https://github.com/kubernetes/enhancements/tree/master/keps/sig-network/3015-prefer-same-node
 */
export const firstMinorWithSameNode = 34;

/** A key of `severalNodes`. */
export type SeveralNodesName = keyof typeof severalNodesMeasures;

/** Which measures are on. */
export type SeveralNodes = Switches<typeof severalNodesMeasures>;

/** All measures on or all off. */
export function allSeveralNodesMeasures(on: boolean): SeveralNodes {
  return allSwitched(severalNodesMeasures, on);
}

/** An object with the measures that are on, for so many nodes. */
export function withSeveralNodes(
  object: KubernetesObject,
  on: SeveralNodes,
  nodes: number,
): KubernetesObject {
  return switchedOn<Measure>(severalNodesMeasures, on).reduce(
    (current, { apply }) => apply?.(current, nodes) ?? current,
    object,
  );
}

/** The settings of k0s' controller by the measures that are on, below those of the operator. */
export function severalNodesSettings(on: SeveralNodes, given: K0sSettings): K0sSettings {
  const all = switchedOn<Measure>(severalNodesMeasures, on).map(({ settings }) => settings ?? {});
  const own = all.reduce<K0sSettings>((sum, next) => ({ ...sum, ...next }), noSettings);
  return {
    ...given,
    apiServerArgs: { ...own.apiServerArgs, ...given.apiServerArgs },
    controllerManagerArgs: { ...own.controllerManagerArgs, ...given.controllerManagerArgs },
  };
}

/** Whether requests need it: the gateway, the activator and the webhook, and what scales them. */
function isReplicated(object: KubernetesObject): boolean {
  const { kind, metadata, spec } = object;
  const target = spec?.scaleTargetRef as { name?: string } | undefined;
  const name = kind === "HorizontalPodAutoscaler" ? target?.name : metadata.name;
  const isServing =
    metadata.namespace === "knative-serving" && ["activator", "webhook"].includes(String(name));
  return (
    ["Deployment", "HorizontalPodAutoscaler"].includes(kind) && (isGateway(object) || isServing)
  );
}

/** Whether it is of the gateway, whose namespace has nothing else that runs. */
function isGateway({ metadata }: KubernetesObject): boolean {
  return metadata.namespace === kourierKind.namespace;
}

/**
 * Each pod on another node. None could be replaced before it ends, where each node has one: so one goes at a time, and no
 * new one comes before. k0s does the same with its CoreDNS (pkg/component/controller/coredns.go).
 */
function replicated(object: KubernetesObject, replicas: number): KubernetesObject {
  if (object.kind === "HorizontalPodAutoscaler") {
    return { ...object, spec: { ...object.spec, minReplicas: replicas } };
  }
  const rollingUpdate = { maxSurge: 0, maxUnavailable: 1 };
  const spread = withPodSpec(object, (spec) => ({
    ...spec,
    affinity: {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          {
            topologyKey: "kubernetes.io/hostname",
            labelSelector: object.spec?.selector ?? {},
          },
        ],
      },
    },
  }));
  return {
    ...spread,
    spec: { ...spread.spec, replicas, strategy: { type: "RollingUpdate", rollingUpdate } },
  };
}
