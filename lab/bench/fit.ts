/** Whether the whole stack runs on a host that is really held to one CPU and so much memory. */
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { textTable, type Column } from "../../edge/table";
import { sshExec } from "../host";
import { dirs } from "../paths";
import { run } from "../process";
import type { Target } from "./load";
import { hostMemory, processMemory, type HostMemory, type ProcessMemory } from "./memory";
import { watch, type Watch } from "./watch";

/** One moment of a run on a small host. */
export interface Stage {
  name: string;
  /** Seconds that it took. */
  seconds: number;
  memory: HostMemory;
  /** What the service answered meanwhile; absent where it was not asked. */
  watched?: Watch;
  pods: Pods;
}

/** The cluster's pods, as far as a small host shows in them. */
export interface Pods {
  /** By pod, how often its containers started again. */
  restarts: Record<string, number>;
  /** Those that are not ready or were evicted, with the reason. */
  unready: Record<string, string>;
  /** Pods' names by their id. */
  names: Map<string, string>;
}

interface PodList {
  items: {
    metadata: { uid: string; name: string; namespace: string };
    status: {
      phase: string;
      reason?: string;
      conditions?: { type: string; status: string }[];
      containerStatuses?: { restartCount: number }[];
    };
  }[];
}

/** {@link Pods} from `kubectl get pods -A -o json`. */
export function parsePods(text: string): Pods {
  const found: Pods = { restarts: {}, unready: {}, names: new Map() };
  for (const { metadata, status } of (JSON.parse(text) as PodList).items) {
    const name = `${metadata.namespace}/${metadata.name}`;
    found.names.set(metadata.uid, name.replace(/(-[0-9a-f]{6,10})?-[a-z0-9]{5}$/, ""));
    const restarts = (status.containerStatuses ?? []).reduce((n, c) => n + c.restartCount, 0);
    if (restarts > 0) found.restarts[name] = restarts;
    const ready = status.conditions?.some((c) => c.type === "Ready" && c.status === "True");
    if (!ready && status.phase !== "Succeeded") {
      found.unready[name] = status.reason ?? status.phase;
    }
  }
  return found;
}

/** Asks the cluster from outside of the host, where a client costs it nothing. */
export async function podsOf(kubeconfig: string): Promise<Pods> {
  const kubectl = path.join(dirs.bin, "kubectl");
  const args = ["--kubeconfig", kubeconfig, "get", "pods", "-A", "-o", "json"];
  return parsePods((await run(kubectl, args)).stdout);
}

/** What a stage must show for the host to be large enough. */
export function faults({ memory, watched, pods }: Stage): string[] {
  const failed = Object.entries(watched?.failures ?? {});
  return [
    ...(memory.oomKills > 0 ? [`${memory.oomKills} processes killed for want of memory`] : []),
    ...(memory.oomKillsAround > 0
      ? [`${memory.oomKillsAround} more killed on this machine, perhaps of groups that are gone`]
      : []),
    ...Object.entries(pods.restarts).map(([pod, times]) => `${pod} restarted ${times} times`),
    ...Object.entries(pods.unready).map(([pod, why]) => `${pod} is not ready (${why})`),
    ...failed.map(([why, times]) => `${times} of ${watched?.requests} requests failed: ${why}`),
  ];
}

/** Seconds after which a settled host is measured. */
const settling = 60;

/**
 * After `up`: watches the service, restarts k0s on the host, and watches it again.
 * @param minutes how long each time
 */
export async function stagesAfterUp(
  host: string,
  { target, kubeconfig, upSeconds }: { target: Target; kubeconfig: string; upSeconds: number },
  minutes: number,
  signal: AbortSignal,
  progress: (stage: Stage) => void,
): Promise<Stage[]> {
  const stages: Stage[] = [];
  const add = async (name: string, seconds: number, watched?: Watch): Promise<void> => {
    const stage = {
      name,
      seconds,
      memory: hostMemory(host),
      pods: await podsOf(kubeconfig),
      ...(watched && { watched }),
    };
    stages.push(stage);
    progress(stage);
  };
  await add("up, from a bare host to the answer", upSeconds);
  await add(`${minutes} minutes`, minutes * 60, await watch(target, minutes * 60, signal));
  const restarted = performance.now();
  const [watched, seconds] = await Promise.all([
    watch(target, minutes * 60, signal),
    restartK0s(host).then(() => (performance.now() - restarted) / 1000),
  ]);
  await add(
    `k0s restarted (API ready after ${seconds.toFixed(0)} s), ${minutes} minutes`,
    minutes * 60,
    watched,
  );
  return stages;
}

/** Restarts k0s and waits for its API, at most ten minutes. */
export async function restartK0s(host: string): Promise<void> {
  await sshExec(
    host,
    `systemctl restart k0scontroller && timeout 600 sh -c 'until [ "$(k0s kubectl get --raw=/readyz 2>/dev/null)" = ok ]; do sleep 2; done'`,
  );
}

const number: Column["align"] = "right";

/** The stages as a table; faults below. */
export function stageTable(stages: readonly Stage[]): string {
  const columns: Column[] = [
    { title: "stage" },
    ...[
      "seconds",
      "used MiB",
      "anonymous",
      "files",
      "kernel",
      "swapped",
      "major faults/s",
      "refaults/s",
      "requests",
      "failed",
      "p50 ms",
      "p95 ms",
      "longest ms",
    ].map((title) => ({ title, align: number })),
  ];
  const rows = stages.map(({ name, seconds, memory, watched }, index) => {
    const before = stages[index - 1]?.memory;
    const rate = (key: "majorFaults" | "refaults") =>
      ((memory[key] - (before?.[key] ?? 0)) / seconds).toFixed(1);
    const size = (key: keyof HostMemory) => memory[key].toFixed(0);
    const failed = Object.values(watched?.failures ?? {}).reduce((sum, times) => sum + times, 0);
    const ms = (value: number) => (value * 1000).toFixed(0);
    return [
      name,
      seconds.toFixed(0),
      ...(["used", "anonymous", "file", "kernel", "swap"] as const).map(size),
      rate("majorFaults"),
      rate("refaults"),
      ...(watched
        ? [
            ...[String(watched.requests), String(failed)],
            ...[watched.p50, watched.p95, watched.longest].map(ms),
          ]
        : []),
    ];
  });
  const words = stages.flatMap((stage) => faults(stage).map((fault) => `${stage.name}: ${fault}`));
  return [textTable(columns, rows), ...words].join("\n");
}

/** Memory by process as a table, with the sum; small ones together. */
export function processTable(processes: readonly ProcessMemory[]): string {
  const columns: Column[] = [
    { title: "process" },
    ...["count", "anonymous MiB", "proportional", "resident"].map((title) => ({
      title,
      align: number,
    })),
  ];
  const add = (name: string, all: readonly ProcessMemory[]): ProcessMemory =>
    all.reduce(
      (sum, each) => ({
        name,
        count: sum.count + each.count,
        anonymous: sum.anonymous + each.anonymous,
        proportional: sum.proportional + each.proportional,
        resident: sum.resident + each.resident,
      }),
      { name, count: 0, anonymous: 0, proportional: 0, resident: 0 },
    );
  const large = processes.filter(({ resident }) => resident >= 5);
  const small = processes.filter(({ resident }) => resident < 5);
  const rows = [...large, add("others, below 5 MiB", small), add("all", processes)].map((each) => [
    each.name,
    String(each.count),
    ...[each.anonymous, each.proportional, each.resident].map((value) => value.toFixed(0)),
  ]);
  return textTable(columns, rows);
}

/** What a host takes that has come to rest. */
export interface Rest {
  anonymous: number;
  kernel: number;
  processes: ProcessMemory[];
}

/** Waits for a host to settle, and measures it. */
export async function atRest(host: string, kubeconfig: string, signal: AbortSignal): Promise<Rest> {
  const samples: HostMemory[] = [];
  await sleep(settling * 1000, undefined, { signal });
  for (let sample = 0; sample < 6; sample++) {
    samples.push(hostMemory(host));
    await sleep(5000, undefined, { signal });
  }
  const middle = (key: "anonymous" | "kernel"): number =>
    samples.map((each) => each[key]).sort((a, b) => a - b)[3] ?? NaN;
  const { names } = await podsOf(kubeconfig);
  return {
    anonymous: middle("anonymous"),
    kernel: middle("kernel"),
    processes: processMemory(host, names),
  };
}

/** Hosts at rest side by side, each with what it saves against the first. */
export function leverTable(rests: readonly { name: string; rest: Rest }[]): string {
  const columns: Column[] = [
    { title: "measures" },
    ...[
      "anonymous MiB",
      "saved",
      "proportional MiB",
      "saved",
      "kernel MiB",
      "kube-apiserver anonymous",
      "processes",
    ].map((title) => ({ title, align: number })),
  ];
  const proportional = ({ processes }: Rest) =>
    processes.reduce((sum, each) => sum + each.proportional, 0);
  const first = rests[0]?.rest;
  const rows = rests.map(({ name, rest }) => {
    const saved = (of: (rest: Rest) => number) => (first ? (of(first) - of(rest)).toFixed(0) : "");
    const api = rest.processes.find((process) => process.name === "kube-apiserver");
    return [
      name,
      rest.anonymous.toFixed(0),
      saved((each) => each.anonymous),
      proportional(rest).toFixed(0),
      saved(proportional),
      rest.kernel.toFixed(0),
      (api?.anonymous ?? NaN).toFixed(0),
      String(rest.processes.reduce((sum, { count }) => sum + count, 0)),
    ];
  });
  return textTable(columns, rows);
}
