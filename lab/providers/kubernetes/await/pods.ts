/** Whether pods are ready, and their troubles in the official provider's words. */
import { isObj, Obj, pluck, str } from "../../values";
import { idOf, listOf, nameOfObject, namespaceOfObject } from "../objects";
import { condition, core, num, Verdict, Waiter } from "./view";

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

export function podVerdict(pod: Obj): Verdict {
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

export const podCauses = (pods: Obj[]) => pods.flatMap((pod) => podVerdict(pod).causes);

export const pod: Waiter = {
  watches: [core("Pod")],
  onRead: true,
  judge: (view) => {
    const live = view.named("Pod", nameOfObject(view.target.outputs));
    return live ? podVerdict(live) : { done: false, causes: [] };
  },
};
