/**
 * Waiting until an object is live. Facts: provider/pkg/await of pulumi/pulumi-kubernetes and, for DaemonSets,
 * kstatus of sigs.k8s.io/cli-utils; sentences are theirs.
 */
import { Obj, pluck, str } from "../../values";
import { Api } from "../api";
import { isReason, StatusError } from "../apiErrors";
import { gvkOf } from "../gvk";
import { WatchEvent } from "../watch";
import { annotation, isAnnotated, nameOfObject, namespaceOfObject } from "../objects";
import { defaultTimeout, waiterFor, waiterOfCheck } from "./kinds";
import { Target, View, Waiter } from "./view";
import { parseWaitFor } from "./waitfor";

/** The object was made or changed, but was not live in time. */
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
 * Waits until the object is live, and returns it. Throws {@link AwaitError} at the time limit, after a failure that
 * will not pass, or when the engine cancels.
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
      // One change often brings several events. They are judged together.
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

/** For a refresh: throws {@link AwaitError} if the object is not live now. */
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

/** Kinds for which skipAwait also skips the wait for their deletion. */
const skipsDeletion =
  /^(\/v1\/(Namespace|Pod|ReplicationController)|apps\/v1\/(DaemonSet|Deployment|StatefulSet)|batch\/v1\/Job)$/;

/** Waits until the object is gone, or another one has its name. */
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
