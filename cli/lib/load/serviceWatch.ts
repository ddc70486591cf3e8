/** What happens to a Knative Service, as watches of the Kubernetes API tell it. */
import type {
  Informer,
  KubeConfig,
  KubernetesObject,
  ListPromise,
} from "@kubernetes/client-node" with { "resolution-mode": "import" };
import {
  autoscalerEvidence,
  deploymentEvidence,
  type DeploymentObject,
  eventEvidence,
  type EventObject,
  type Evidence,
  podEvidence,
  type PodAutoscalerObject,
  type WatchedPod,
} from "./evidence";

/** A running watch of one service. */
export interface ServiceWatch {
  /** What it saw since it began or since `forget`, in the order of arrival. */
  evidence(): readonly Evidence[];
  /** Forgets the evidence so far. */
  forget(): void;
  /** The service's pods that are there and have not ended. */
  pods(): PodCount;
  /** Calls back after each change of anything that it watches, until the returned function is called. */
  onChange(listener: () => void): () => void;
  /** Ends all its connections. */
  stop(): Promise<void>;
}

/** Pods of a service. */
export interface PodCount {
  /** All, those that end included. */
  pods: number;
  /** Those that Kubernetes calls Ready. */
  ready: number;
}

/** This machine's clock in milliseconds, finer than Date.now() and never set back while the program runs. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

/** How long a watch that was cut waits before it begins again, in milliseconds. */
const pause = 1000;

/**
 * Watches the pods, Deployments and PodAutoscalers of a service, and the events of its namespace, each over one
 * connection. A watch that is cut begins again where it was.
 * @param troubled Called with the reason whenever a watch is cut.
 */
export async function watchService(
  config: KubeConfig,
  namespace: string,
  service: string,
  troubled: (message: string) => void,
): Promise<ServiceWatch> {
  const seen: Evidence[] = [];
  const listeners = new Set<() => void>();
  const end = new AbortController();
  const changed = (): void => listeners.forEach((listener) => listener());
  const kinds = await watchedKinds(config, namespace, `serving.knative.dev/service=${service}`);
  const informers = await Promise.all(
    kinds.map(async ({ informer, evidence }) => {
      const take = (object: KubernetesObject): void => {
        seen.push(...evidence(object, now()));
        changed();
      };
      informer.on("add", take);
      informer.on("update", take);
      informer.on("delete", changed);
      informer.on("error", (error: unknown) => {
        if (!end.signal.aborted) {
          troubled((error as Error).message);
          setTimeout(() => !end.signal.aborted && void informer.start(), pause).unref();
        }
      });
      await informer.start();
      return informer;
    }),
  );
  const [pods] = informers;
  return {
    evidence: () => seen,
    forget: () => void seen.splice(0),
    pods: () => podCount((pods?.list() ?? []) as WatchedPod[]),
    onChange: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    stop: async () => {
      end.abort();
      await Promise.all(informers.map((informer) => informer.stop()));
    },
  };
}

/** Counts pods. One that failed or was evicted stays listed, but does not run. */
export function podCount(pods: readonly WatchedPod[]): PodCount {
  const present = pods.filter(
    ({ status }) => !["Succeeded", "Failed"].includes(status?.phase ?? ""),
  );
  const ready = present.filter(({ status }) =>
    (status?.conditions ?? []).some((each) => each.type === "Ready" && each.status === "True"),
  );
  return { pods: present.length, ready: ready.length };
}

interface WatchedKind {
  informer: Informer<KubernetesObject> & { list(): readonly KubernetesObject[] };
  evidence: (object: KubernetesObject, at: number) => Evidence[];
}

/** What is watched, the pods first. */
async function watchedKinds(
  config: KubeConfig,
  namespace: string,
  labelSelector: string,
): Promise<WatchedKind[]> {
  // An ES module, which CommonJS must import so.
  const client = await import("@kubernetes/client-node");
  const core = config.makeApiClient(client.CoreV1Api);
  const apps = config.makeApiClient(client.AppsV1Api);
  const custom = config.makeApiClient(client.CustomObjectsApi);
  const [group, version, plural] = [
    "autoscaling.internal.knative.dev",
    "v1alpha1",
    "podautoscalers",
  ];
  const kind = <Watched>(
    path: string,
    list: () => Promise<unknown>,
    evidence: (object: Watched, at: number) => Evidence[],
    selector?: string,
  ): WatchedKind => ({
    informer: client.makeInformer(config, path, list as ListPromise<KubernetesObject>, selector),
    evidence: (object, at) => evidence(object as Watched, at),
  });
  return [
    kind<WatchedPod>(
      `/api/v1/namespaces/${namespace}/pods`,
      () => core.listNamespacedPod({ namespace, labelSelector }),
      podEvidence,
      labelSelector,
    ),
    kind<DeploymentObject>(
      `/apis/apps/v1/namespaces/${namespace}/deployments`,
      () => apps.listNamespacedDeployment({ namespace, labelSelector }),
      deploymentEvidence,
      labelSelector,
    ),
    kind<PodAutoscalerObject>(
      `/apis/${group}/${version}/namespaces/${namespace}/${plural}`,
      () => custom.listNamespacedCustomObject({ group, version, namespace, plural, labelSelector }),
      autoscalerEvidence,
      labelSelector,
    ),
    // Events have no labels; those of other services are told apart by the name of the pod.
    kind<EventObject>(
      `/api/v1/namespaces/${namespace}/events`,
      () => core.listNamespacedEvent({ namespace }),
      eventEvidence,
    ),
  ];
}
