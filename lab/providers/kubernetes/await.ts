/**
 * Waiting until an object is live. Facts: provider/pkg/await of pulumi/pulumi-kubernetes and, for DaemonSets,
 * kstatus of sigs.k8s.io/cli-utils; sentences are theirs.
 */
import { isObj, Obj, pluck, str } from "../values";
import { Api, Gvk, gvkOf, isReason, listOf, StatusError, WatchEvent } from "./api";
import { annotation, idOf, isAnnotated, nameOfObject, namespaceOfObject } from "./objects";
import { Check, parseWaitFor } from "./waitfor";

/** Seconds that an object has to become live where neither the resource nor its annotation says. */
const defaultTimeout = 10 * 60;
/** Seconds without a change after which a Service's endpoints count as settled. */
const endpointsSettle = 10;

/** Made or changed, but not live in time. */
export class AwaitError extends Error {
  constructor(
    message: string,
    /** The object as last seen. */
    readonly object: Obj,
    readonly subErrors: string[] = [],
  ) {
    super(message);
  }
}

const timedOut = "timed out waiting for the condition";

export interface Target {
  /** What the request answered. */
  outputs: Obj;
  /** The live object before an update; none for a creation. */
  lastOutputs?: Obj;
}

interface Verdict {
  done: boolean;
  /** It never will be: stop waiting. */
  failed?: boolean;
  /** Why not, for the error. */
  causes: string[];
  /** A line to show meanwhile. */
  status?: string;
}

/** What is known of the cluster, kept up by watches. */
class View {
  private readonly objects = new Map<string, Map<string, Obj>>();
  constructor(readonly target: Target) {}

  take({ type, object }: WatchEvent): void {
    const kind = str(object, "kind");
    const byName = this.objects.get(kind) ?? new Map<string, Obj>();
    this.objects.set(kind, byName);
    if (type === "DELETED") byName.delete(nameOfObject(object));
    else byName.set(nameOfObject(object), object);
  }

  all(kind: string): Obj[] {
    return [...(this.objects.get(kind)?.values() ?? [])];
  }

  named(kind: string, name: string): Obj | undefined {
    return this.objects.get(kind)?.get(name);
  }

  /** The object itself, unless only an older generation of it was seen. */
  own(): Obj | undefined {
    const { outputs } = this.target;
    const live = this.named(str(outputs, "kind"), nameOfObject(outputs));
    return live && num(live, "metadata", "generation") >= num(outputs, "metadata", "generation")
      ? live
      : undefined;
  }

  ownedBy(kind: string, owner: Obj): Obj[] {
    const uid = str(owner, "metadata", "uid");
    return this.all(kind).filter((o) =>
      listOf(pluck(o, "metadata", "ownerReferences")).some((reference) => reference.uid === uid),
    );
  }
}

interface Waiter {
  /** Kinds to watch in the object's namespace, its own among them. */
  watches: Gvk[];
  judge(view: View): Verdict;
  onEvent?(event: WatchEvent, target: Target, judgeAgain: () => void): void;
  /** At the time limit: is it good enough? */
  goodEnough?(view: View): boolean;
  /** The limit is worded as the condition's, not as the object's. */
  plainTimeout?: boolean;
  timeoutSeconds?: number;
  /** Refresh looks at it too. */
  onRead: boolean;
}

function num(object: Obj | undefined, ...path: string[]): number {
  const value = pluck(object, ...path);
  return typeof value === "number" ? value : 0;
}

const core = (kind: string): Gvk => ({ group: "", version: "v1", kind });
const apps = (kind: string): Gvk => ({ group: "apps", version: "v1", kind });

const condition = (object: Obj, type: string): Obj | undefined =>
  listOf(pluck(object, "status", "conditions")).find((c) => c.type === type);

// ---- pods' troubles ----

function containerCauses(status: Obj): string[] {
  if (status.ready === true) return [];
  const causes: string[] = [];
  const trim = (text: string) =>
    text
      .replace(/^rpc error: code = Unknown desc = Error response from daemon: /, "")
      .replace(/: manifest unknown$/, "");
  const waiting = pluck(status, "state", "waiting");
  if (isObj(waiting) && waiting.reason !== "ContainerCreating") {
    causes.push(`[${str(waiting, "reason")}] ${trim(str(waiting, "message"))}`);
  }
  const ended = pluck(status, "state", "terminated");
  if (isObj(ended) && str(ended, "reason")) {
    causes.push(
      str(ended, "message")
        ? `[${str(ended, "reason")}] ${trim(str(ended, "message"))}`
        : `container "${str(status, "name")}" completed with exit code ${num(ended, "exitCode")}`,
    );
  }
  const last = pluck(status, "lastState", "terminated");
  if (isObj(last)) {
    causes.push(
      `container "${str(status, "name")}" terminated at ${str(last, "finishedAt")} ` +
        `(${str(last, "reason")}: exit code ${num(last, "exitCode")})`,
    );
    if (str(last, "message")) causes.push(str(last, "message"));
  }
  return causes;
}

function podVerdict(pod: Obj): Verdict {
  const namespace = namespaceOfObject(pod);
  const name = namespace && namespace !== "default" ? idOf(pod) : nameOfObject(pod);
  const containers = listOf(pluck(pod, "status", "containerStatuses"))
    .flatMap(containerCauses)
    .join("\n");
  const words = (c: Obj | undefined) => (c && str(c, "reason") ? str(c, "message") : "");
  const scheduled = condition(pod, "PodScheduled");
  if (scheduled?.status !== "True") {
    return {
      done: false,
      causes: [],
      status: words(scheduled) || `Waiting for Pod "${name}" to be scheduled`,
    };
  }
  for (const [type, verb] of [
    ["Initialized", "initialized"],
    ["Ready", "ready"],
  ] as const) {
    const found = condition(pod, type);
    if (
      found?.status === "True" ||
      (type === "Ready" && pluck(pod, "status", "phase") === "Succeeded")
    )
      continue;
    const cause =
      found && (containers || str(found, "message"))
        ? `[Pod ${name}]: ${words(found)}${containers}`
        : "";
    return {
      done: false,
      causes: cause ? [cause] : [],
      status: cause || `Waiting for Pod "${name}" to be ${verb}`,
    };
  }
  return { done: true, causes: [] };
}

const podCauses = (pods: Obj[]) => pods.flatMap((pod) => podVerdict(pod).causes);

// ---- kinds ----

const revisionOf = (object: Obj | undefined) =>
  str(object, "metadata", "annotations", "deployment.kubernetes.io/revision");

const deployment: Waiter = {
  watches: [apps("Deployment"), apps("ReplicaSet"), core("Pod"), core("PersistentVolumeClaim")],
  onRead: true,
  judge: (view) => {
    const live = view.own();
    const observed =
      live !== undefined &&
      num(live, "status", "observedGeneration") === num(live, "metadata", "generation");
    const causes: string[] = [];
    let available = false;
    let progressed = false;
    const revision = observed ? revisionOf(live) : "";
    if (live && revision) {
      const progressing = condition(live, "Progressing");
      progressed =
        progressing?.status === "True" && progressing.reason === "NewReplicaSetAvailable";
      const availability = condition(live, "Available");
      available = availability?.status === "True";
      for (const c of [progressing, availability]) {
        if (c && c.status !== "True") causes.push(`[${str(c, "reason")}] ${str(c, "message")}`);
      }
    }
    const replicaSet =
      live &&
      view.ownedBy("ReplicaSet", live).find((rs) => revision && revisionOf(rs) === revision);
    const spec = replicaSet && pluck(replicaSet, "spec", "replicas");
    const wanted = typeof spec === "number" ? spec : 1;
    const ready = num(replicaSet, "status", "readyReplicas");
    const replicaSetReady = replicaSet !== undefined && ready >= wanted;
    const claims = listOf(pluck(live ?? {}, "spec", "template", "spec", "volumes"))
      .map((volume) => str(volume, "persistentVolumeClaim", "claimName"))
      .map((name) => view.named("PersistentVolumeClaim", name))
      .filter((claim) => claim !== undefined);
    const unbound = claims.filter((claim) => pluck(claim, "status", "phase") !== "Bound");
    const first = revision === "1" || revision === "";
    const done =
      revision !== "" &&
      available &&
      (revision === "1" || progressed) &&
      replicaSetReady &&
      unbound.length === 0;
    if (!done) {
      if (unbound.length > 0) {
        causes.push(
          `Failed to bind PersistentVolumeClaim(s): "${unbound.map(nameOfObject).join(",")}"`,
        );
      }
      if (!available) causes.push("Minimum number of live Pods was not attained");
      else if (first ? !replicaSetReady : !progressed) {
        causes.push("Minimum number of Pods to consider the application live was not attained");
      } else if (!replicaSetReady) {
        causes.push(
          "Attempted to roll forward to new ReplicaSet, but minimum number of Pods did not become live",
        );
      }
      if (replicaSet) causes.push(...podCauses(view.ownedBy("Pod", replicaSet)));
    }
    return {
      done,
      causes,
      status: `Waiting for app ReplicaSet to be available (${ready}/${wanted} Pods available)`,
    };
  },
};

const daemonSet: Waiter = {
  watches: [apps("DaemonSet"), core("Pod")],
  onRead: true,
  plainTimeout: true,
  judge: (view) => {
    const live = view.own();
    const causes = live ? podCauses(view.ownedBy("Pod", live)) : [];
    const no = (status: string): Verdict => ({ done: false, causes, status });
    if (
      !live ||
      pluck(live, "status", "observedGeneration") !== pluck(live, "metadata", "generation")
    ) {
      return no("DaemonSet generation is not observed yet");
    }
    const desired = pluck(live, "status", "desiredNumberScheduled");
    if (typeof desired !== "number") return no("Missing .status.desiredNumberScheduled");
    for (const [label, field] of [
      ["Current", "currentNumberScheduled"],
      ["Updated", "updatedNumberScheduled"],
      ["Available", "numberAvailable"],
      ["Ready", "numberReady"],
    ] as const) {
      const count = num(live, "status", field);
      if (desired > count) return no(`${label}: ${count}/${desired}`);
    }
    return { done: true, causes: [] };
  },
};

const statefulSet: Waiter = {
  watches: [apps("StatefulSet"), core("Pod")],
  onRead: true,
  judge: (view) => {
    const live = view.own();
    const generation = num(live, "metadata", "generation");
    const status = (key: string) => num(live, "status", key);
    const seen = live !== undefined && status("observedGeneration") >= generation;
    const current = seen ? str(live, "status", "currentRevision") : "";
    const target = seen ? str(live, "status", "updateRevision") : "";
    const wanted = num(live, "spec", "replicas");
    const onDelete = generation > 1 && str(live, "spec", "updateStrategy", "type") === "OnDelete";
    const revisionReady = seen && (onDelete || (current !== "" && current === target));
    const replicasReady =
      seen &&
      wanted === status("replicas") &&
      wanted === status("readyReplicas") &&
      (onDelete || wanted === status("currentReplicas"));
    const ready = revisionReady
      ? status("readyReplicas")
      : Math.min(status("readyReplicas"), status("updatedReplicas"));
    const causes: string[] = [];
    if (!replicasReady)
      causes.push(`${ready} out of ${wanted} replicas succeeded readiness checks`);
    if (!revisionReady) {
      causes.push(
        `StatefulSet controller failed to advance from revision "${current}" to revision "${target}"`,
      );
    }
    if (live) causes.push(...podCauses(view.ownedBy("Pod", live)));
    return { done: replicasReady && revisionReady, causes, status: causes[0] };
  },
};

const job: Waiter = {
  watches: [{ group: "batch", version: "v1", kind: "Job" }, core("Pod")],
  onRead: true,
  judge: (view) => {
    const live = view.named("Job", nameOfObject(view.target.outputs));
    const failed = live && condition(live, "Failed");
    const causes = live ? podCauses(view.ownedBy("Pod", live)) : [];
    if (
      failed?.status === "True" &&
      /^(BackoffLimitExceeded|DeadlineExceeded)$/.test(str(failed, "reason"))
    ) {
      return {
        done: false,
        failed: true,
        causes: [`[${str(failed, "reason")}] ${str(failed, "message")}`, ...causes],
      };
    }
    const counts = `(Active: ${num(live, "status", "active")} | Succeeded: ${num(live, "status", "succeeded")} | Failed: ${num(live, "status", "failed")})`;
    return {
      done: isJobDone(live),
      causes,
      status: `Waiting for Job "${nameOfObject(view.target.outputs)}" to succeed ${counts}`,
    };
  },
};

/** Whether a Job has started and is complete. */
export function isJobDone(live: Obj | undefined): boolean {
  return (
    live !== undefined &&
    pluck(live, "status", "startTime") !== undefined &&
    condition(live, "Complete")?.status === "True"
  );
}

const pod: Waiter = {
  watches: [core("Pod")],
  onRead: true,
  judge: (view) => {
    const live = view.named("Pod", nameOfObject(view.target.outputs));
    return live ? podVerdict(live) : { done: false, causes: [] };
  },
};

/** Has a memory, as the official one: when its endpoints last changed. */
function service(): Waiter {
  let settled = false;
  const look = (view: View) => {
    const { outputs } = view.target;
    const live = view.named("Service", nameOfObject(outputs));
    const type = str(outputs, "spec", "type") || "ClusterIP";
    const addresses = pluck(live, "status", "loadBalancer", "ingress");
    const ready =
      live !== undefined &&
      (type !== "LoadBalancer" || (Array.isArray(addresses) && addresses.length > 0));
    const endpoints = view.named("Endpoints", nameOfObject(outputs));
    const subsets = listOf(endpoints && endpoints.subsets);
    const headless =
      type === "ExternalName" || str(live ?? outputs, "spec", "clusterIP") === "None";
    const selector = pluck(live ?? outputs, "spec", "selector");
    return {
      type,
      ready,
      headless,
      waitsForPods: !headless && isObj(selector) && Object.keys(selector).length > 0,
      anyReady: subsets.some((subset) => listOf(subset.addresses).length > 0),
      pending: subsets.some((subset) => listOf(subset.notReadyAddresses).length > 0),
    };
  };
  return {
    watches: [core("Service"), core("Endpoints")],
    onRead: true,
    onEvent: ({ object }, { outputs }, judgeAgain) => {
      if (object.kind !== "Endpoints" || nameOfObject(object) !== nameOfObject(outputs)) return;
      settled = false;
      setTimeout(() => {
        settled = true;
        judgeAgain();
      }, endpointsSettle * 1000).unref();
    },
    goodEnough: (view) => {
      const seen = look(view);
      return seen.ready && !seen.pending;
    },
    judge: (view) => {
      const seen = look(view);
      const causes: string[] = [];
      if (!seen.headless && !seen.anyReady) {
        causes.push(
          "Service does not target any Pods. Selected Pods may not be ready, or field '.spec.selector' may not match labels on any Pods",
        );
      }
      if (!seen.headless && seen.type === "LoadBalancer" && !seen.ready) {
        causes.push(
          "Service was not allocated an IP address; does your cloud provider support this?",
        );
      }
      return {
        done: seen.waitsForPods ? seen.ready && settled && !seen.pending : seen.ready,
        causes,
        status:
          settled && seen.anyReady
            ? "[2/3] Attempting to allocate IP address to Service"
            : "[1/3] Finding Pods to direct traffic to",
      };
    },
  };
}

const ingress: Waiter = {
  watches: [
    { group: "networking.k8s.io", version: "v1", kind: "Ingress" },
    core("Service"),
    core("Endpoints"),
  ],
  onRead: true,
  judge: (view) => {
    const live = view.named("Ingress", nameOfObject(view.target.outputs));
    const backends = listOf(pluck(live ?? {}, "spec", "rules")).flatMap((rule) =>
      listOf(pluck(rule, "http", "paths")).map((path) => str(path, "backend", "service", "name")),
    );
    const reachable = backends.every(
      (name) =>
        !name ||
        view.named("Endpoints", name) !== undefined ||
        str(view.named("Service", name), "spec", "type") === "ExternalName",
    );
    const addressed = listOf(pluck(live ?? {}, "status", "loadBalancer", "ingress")).length > 0;
    const causes: string[] = [];
    if (!reachable)
      causes.push("Ingress has at least one rule with an unavailable target endpoint.");
    if (!addressed) {
      causes.push(
        "Ingress .status.loadBalancer field was not updated with a hostname/IP address. " +
          "\n    for more information about this error, see https://pulumi.io/xdv72s",
      );
    }
    return { done: live !== undefined && reachable && addressed, causes, status: causes[0] };
  },
};

/** A kind that is ready by a look at the object alone. */
const simple = (kind: string, timeoutSeconds: number, done: (live: Obj) => boolean): Waiter => ({
  watches: [core(kind)],
  onRead: false,
  timeoutSeconds,
  plainTimeout: true,
  judge: (view) => {
    const live = view.named(kind, nameOfObject(view.target.outputs));
    return { done: live !== undefined && done(live), causes: [] };
  },
});

const phaseIs =
  (...phases: string[]) =>
  (live: Obj) =>
    phases.includes(str(live, "status", "phase"));

async function waiterFor(api: Api, outputs: Obj): Promise<Waiter | undefined> {
  const { group, version, kind } = gvkOf(outputs);
  switch (`${group}/${version}/${kind}`) {
    case "apps/v1/Deployment":
      return deployment;
    case "apps/v1/DaemonSet":
      return daemonSet;
    case "apps/v1/StatefulSet":
      return statefulSet;
    case "batch/v1/Job":
      return job;
    case "/v1/Pod":
      return pod;
    case "/v1/Service":
      return service();
    case "networking.k8s.io/v1/Ingress":
      return ingress;
    case "/v1/PersistentVolume":
      return simple(kind, 300, phaseIs("Available", "Bound"));
    case "/v1/PersistentVolumeClaim": {
      const name = str(outputs, "spec", "storageClassName");
      const storageClass = {
        apiVersion: "storage.k8s.io/v1",
        kind: "StorageClass",
        metadata: { name },
      };
      const mode = name
        ? str(await api.get(storageClass).catch(() => ({})), "volumeBindingMode")
        : "";
      return simple(
        kind,
        300,
        mode === "WaitForFirstConsumer" ? phaseIs("Pending", "Bound") : phaseIs("Bound"),
      );
    }
    case "/v1/ReplicationController":
      return simple(
        kind,
        defaultTimeout,
        (live) => pluck(live, "status", "availableReplicas") === pluck(live, "spec", "replicas"),
      );
    case "/v1/ResourceQuota":
      return simple(
        kind,
        60,
        (live) =>
          JSON.stringify(pluck(live, "spec", "hard")) ===
          JSON.stringify(pluck(live, "status", "hard")),
      );
    case "/v1/Secret":
      return outputs.type === "kubernetes.io/service-account-token"
        ? simple(kind, 5, (live) => isObj(live.data) && Object.keys(live.data).length > 0)
        : undefined;
    default:
      return undefined;
  }
}

/** A wish in the object's own annotation goes before what is known of its kind. */
function waiterOfCheck(gvk: Gvk, check: Check): Waiter {
  return {
    watches: [gvk],
    onRead: false,
    plainTimeout: true,
    judge: (view) => {
      const live = view.named(gvk.kind, nameOfObject(view.target.outputs)) ?? view.target.outputs;
      const { done, message } = check(live);
      return { done, causes: [], status: message };
    },
  };
}

export interface AwaitContext {
  api: Api;
  /** Aborted by the engine's Cancel. */
  signal: AbortSignal;
  /** Shows a passing line beside the resource. */
  status(message: string): void;
}

/** Seconds: the resource's own option, else its annotation, else ten minutes. */
export function timeoutOf(inputs: Obj, optionSeconds: number): number {
  if (optionSeconds > 0) return optionSeconds;
  const annotated = annotation(inputs, "timeoutSeconds");
  return /^[+-]?\d+$/.test(annotated) ? Number(annotated) : defaultTimeout;
}

/**
 * Waits until the object is live and gives it as it is then. Throws {@link AwaitError} at the time limit, on a
 * failure that no time mends, or when the engine cancels.
 */
export async function awaitReady(
  context: AwaitContext,
  inputs: Obj,
  target: Target,
  optionSeconds: number,
): Promise<Obj> {
  const { outputs } = target;
  if (isAnnotated(inputs, "skipAwait")) return outputs;
  const wish = annotation(outputs, "waitFor");
  const waiter = wish
    ? waiterOfCheck(gvkOf(outputs), parseWaitFor(wish))
    : await waiterFor(context.api, outputs);
  if (!waiter) return outputs;
  return watchUntil(
    context,
    waiter,
    target,
    waiter.timeoutSeconds ?? timeoutOf(inputs, optionSeconds),
  );
}

async function watchUntil(
  context: AwaitContext,
  waiter: Waiter,
  target: Target,
  seconds: number,
): Promise<Obj> {
  const view = new View(target);
  const name = nameOfObject(target.outputs);
  const namespace = namespaceOfObject(target.outputs);
  const stops: (() => void)[] = [];
  try {
    return await new Promise<Obj>((resolve, reject) => {
      const latest = () => view.named(str(target.outputs, "kind"), name) ?? target.outputs;
      const judge = () => {
        try {
          const verdict = waiter.judge(view);
          if (verdict.done) return resolve(latest());
          if (verdict.failed) {
            return reject(
              new AwaitError(
                `Resource '${name}' was created but failed to initialize`,
                latest(),
                verdict.causes,
              ),
            );
          }
          if (verdict.status) context.status(verdict.status);
        } catch (error) {
          reject(new AwaitError(error instanceof Error ? error.message : String(error), latest()));
        }
      };
      const giveUp = (message: string) => {
        if (waiter.goodEnough?.(view)) return resolve(latest());
        const causes = waiter.plainTimeout ? [] : waiter.judge(view).causes;
        reject(new AwaitError(message, latest(), causes));
      };
      const timer = setTimeout(
        () => giveUp(waiter.plainTimeout ? timedOut : `'${name}' timed out waiting to be Ready`),
        seconds * 1000,
      );
      const onAbort = () => giveUp(`Resource operation was cancelled for "${name}"`);
      context.signal.addEventListener("abort", onAbort);
      stops.push(
        () => clearTimeout(timer),
        () => context.signal.removeEventListener("abort", onAbort),
      );
      // One change often brings several events; judge once for all of a moment's.
      let scheduled = false;
      const onEvent = (event: WatchEvent) => {
        view.take(event);
        waiter.onEvent?.(event, target, judge);
        if (scheduled) return;
        scheduled = true;
        setImmediate(() => {
          scheduled = false;
          judge();
        });
      };
      if (context.signal.aborted) return onAbort();
      void (async () => {
        for (const gvk of waiter.watches)
          stops.push(await context.api.watch(gvk, namespace, onEvent));
        judge();
      })().catch((error: unknown) =>
        reject(new AwaitError(error instanceof Error ? error.message : String(error), latest())),
      );
    });
  } finally {
    for (const stop of stops) stop();
  }
}

/** Refresh's look at an object: throws {@link AwaitError} when it is not live now. */
export async function checkReady(api: Api, inputs: Obj, live: Obj): Promise<void> {
  if (isAnnotated(inputs, "skipAwait")) return;
  const waiter = await waiterFor(api, live);
  if (!waiter?.onRead) return;
  const view = new View({ outputs: live, lastOutputs: live });
  for (const gvk of waiter.watches) {
    for (const object of await api.list(gvk, namespaceOfObject(live)).catch(() => [])) {
      view.take({ type: "ADDED", object: { ...object, kind: gvk.kind } });
    }
  }
  const verdict = waiter.judge(view);
  if (verdict.done || waiter.goodEnough?.(view)) return;
  const name = nameOfObject(live);
  throw new AwaitError(
    `Resource '${name}' was created but failed to initialize`,
    live,
    verdict.causes,
  );
}

/** Kinds for which skipAwait holds for deletion as well. */
const skipsDeletion =
  /^(\/v1\/(Namespace|Pod|ReplicationController)|apps\/v1\/(DaemonSet|Deployment|StatefulSet)|batch\/v1\/Job)$/;

/** Waits until the object is gone, or another stands in its place. */
export async function awaitDeleted(
  context: AwaitContext,
  inputs: Obj,
  object: Obj,
  optionSeconds: number,
): Promise<void> {
  const { group, version, kind } = gvkOf(object);
  if (isAnnotated(inputs, "skipAwait") && skipsDeletion.test(`${group}/${version}/${kind}`)) return;
  const deadline = Date.now() + timeoutOf(inputs, optionSeconds) * 1000;
  const uid = str(object, "metadata", "uid");
  let live = object;
  for (let pause = 300; ; pause = Math.min(pause * 1.3, 1500)) {
    try {
      live = await context.api.get(object);
      if (uid && str(live, "metadata", "uid") !== uid) return;
    } catch (error) {
      if (isReason(error, "NotFound")) return;
      if (!(error instanceof StatusError))
        context.status(`unexpected error while checking cluster state: ${String(error)}`);
    }
    const finalizers = pluck(live, "metadata", "finalizers");
    if (Date.now() > deadline || context.signal.aborted) {
      const names = Array.isArray(finalizers) ? finalizers.map(String) : [];
      context.status(`finalizers might be preventing deletion (${names.join(", ")})`);
      throw new AwaitError(context.signal.aborted ? "context canceled" : timedOut, live);
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
