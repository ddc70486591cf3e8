import { isRecord } from "../../lib/json";

/**
 * Why pods are not ready, in Kubernetes' own words: one text for each pod that says so, such as
 * `hello-00001-x: ImagePullBackOff: Back-off pulling image "…"`.
 * @param list A PodList as the API server sends it.
 */
export function podTroubles(list: unknown): string[] {
  const pods = isRecord(list) && Array.isArray(list.items) ? (list.items as unknown[]) : [];
  return pods.flatMap((pod) => {
    const trouble = troubleOf(pod);
    return trouble === undefined ? [] : [`${text(at(pod, "metadata", "name"))}: ${trouble}`];
  });
}

function troubleOf(pod: unknown): string | undefined {
  const unscheduled = records(at(pod, "status", "conditions")).find(
    ({ type, status }) => type === "PodScheduled" && status === "False",
  );
  if (unscheduled !== undefined) {
    return words(unscheduled);
  }
  for (const container of records(at(pod, "status", "containerStatuses"))) {
    const waiting = at(container, "state", "waiting");
    // What ended the container says more than that it will be started again.
    const ended = at(container, "lastState", "terminated") ?? at(container, "state", "terminated");
    if (isRecord(ended)) {
      return `container ${text(container.name)} ended with exit code ${text(ended.exitCode)}: ${words(ended)}`;
    }
    if (isRecord(waiting) && waiting.reason !== "ContainerCreating") {
      return words(waiting);
    }
  }
  return undefined;
}

/** Reason and message of a condition or state. */
export function words({ reason, message }: Record<string, unknown>): string {
  return [reason, message]
    .filter((part) => typeof part === "string" && part !== "")
    .map((part) => text(part).trim())
    .join(": ");
}

function at(value: unknown, ...path: string[]): unknown {
  return path.reduce((found, key) => (isRecord(found) ? found[key] : undefined), value);
}

function records(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

function text(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}
