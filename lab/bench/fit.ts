/** Whether the whole stack runs on a host that is held to one CPU and so much memory. */
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { textTable, type Column } from "../../lib/table";
import { sshExec } from "../host";
import { dirs } from "../paths";
import { run } from "../process";
import type { Target } from "./load";
import { hostMemory, processMemory, type HostMemory, type ProcessMemory } from "./memory";
import { watch, type Watch } from "./watch";

/** One moment of a run on a small host. */
export interface Stage {
  name: string;
  /** How many seconds it took. */
  seconds: number;
  memory: HostMemory;
  /** Resident memory of all processes in MiB. Shared pages count for each of them. */
  resident: number;
  /** What the service answered meanwhile; undefined if nobody asked it. */
  watched?: Watch;
  pods: Pods;
  /** How often the node came under pressure so far, by reason. The reason begins with `now` if it still is. */
  pressure: Record<string, number>;
}

/** What the cluster's pods tell of a small host. */
export interface Pods {
  /** How often the containers of each pod restarted. */
  restarts: Record<string, number>;
  /** Pods that are not ready or were evicted, with the reason. */
  unready: Record<string, string>;
  /** Pods that the kubelet evicted. They stay in the list. */
  evicted: string[];
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
  const found: Pods = { restarts: {}, unready: {}, evicted: [], names: new Map() };
  for (const { metadata, status } of (JSON.parse(text) as PodList).items) {
    const name = `${metadata.namespace}/${metadata.name}`;
    found.names.set(metadata.uid, name.replace(/(-[0-9a-f]{6,10})?-[a-z0-9]{5}$/, ""));
    const restarts = (status.containerStatuses ?? []).reduce((n, c) => n + c.restartCount, 0);
    if (restarts > 0) found.restarts[name] = restarts;
    if (status.reason === "Evicted") found.evicted.push(name);
    const ready = status.conditions?.some((c) => c.type === "Ready" && c.status === "True");
    if (!ready && status.phase !== "Succeeded") {
      found.unready[name] = status.reason ?? status.phase;
    }
  }
  return found;
}

interface NodeList {
  items: { status: { conditions?: { type: string; status: string }[] } }[];
}

interface EventList {
  items: { reason: string; count?: number; series?: { count: number } }[];
}

/** The kubelet's words for a node that is short of something (pkg/kubelet/nodestatus/setters.go). */
const pressures = /^NodeHas(InsufficientMemory|DiskPressure|InsufficientPID)$/;

/**
 * {@link Stage.pressure} from `kubectl get nodes -o json` and the events of nodes, which the cluster keeps for an hour.
 */
export function parsePressure(nodes: string, events: string): Record<string, number> {
  const found: Record<string, number> = {};
  for (const { status } of (JSON.parse(nodes) as NodeList).items) {
    for (const { type, status: is } of status.conditions ?? [])
      if (type.endsWith("Pressure") && is === "True") found[`now ${type}`] = 1;
  }
  for (const { reason, count, series } of (JSON.parse(events) as EventList).items) {
    if (pressures.test(reason))
      found[reason] = (found[reason] ?? 0) + (series?.count ?? count ?? 1);
  }
  return found;
}

/** Asks the cluster from this machine, so that the client takes no memory of the host. */
async function get(kubeconfig: string, ...what: string[]): Promise<string> {
  const kubectl = path.join(dirs.bin, "kubectl");
  const args = ["--kubeconfig", kubeconfig, "get", ...what, "-A", "-o", "json"];
  // The API of a thrashing host goes away for a while. That is a finding, and no reason to end.
  for (let attempt = 1; ; attempt++) {
    const { code, stdout, stderr } = await run(kubectl, args, { allowFailure: true });
    if (code === 0) return stdout;
    if (attempt === 10) throw new Error(`kubectl get ${what.join(" ")}: ${stderr.trim()}`);
    await sleep(3000);
  }
}

/** The cluster's pods. */
export async function podsOf(kubeconfig: string): Promise<Pods> {
  return parsePods(await get(kubeconfig, "pods"));
}

/** Of what the node is short, and how often it was. */
export async function pressureOf(kubeconfig: string): Promise<Record<string, number>> {
  const ofNodes = "--field-selector=involvedObject.kind=Node";
  return parsePressure(await get(kubeconfig, "nodes"), await get(kubeconfig, "events", ofNodes));
}

/** What a stage must show for the host to be large enough. */
export function faults({ memory, watched, pods, pressure }: Stage): string[] {
  const failed = Object.entries(watched?.failures ?? {});
  return [
    ...(memory.oomKills > 0 ? [`${memory.oomKills} processes killed for want of memory`] : []),
    ...(memory.oomKillsAround > 0
      ? [`${memory.oomKillsAround} more killed on this machine, perhaps of groups that are gone`]
      : []),
    ...Object.entries(pressure).map(([reason, times]) =>
      reason.startsWith("now ")
        ? `the node is under ${reason.slice(4)}`
        : `${times} times the node had ${reason}`,
    ),
    ...Object.entries(pods.restarts).map(([pod, times]) => `${pod} restarted ${times} times`),
    ...Object.entries(pods.unready).map(([pod, why]) => `${pod} is not ready (${why})`),
    ...failed.map(([why, times]) => `${times} of ${watched?.requests} requests failed: ${why}`),
  ];
}

/** Seconds after which a settled host is measured. */
const settling = 60;

/**
 * After `up`: watches the service, restarts k0s on the host, and watches the service again.
 * @param minutes how long it watches each time
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
      resident: processMemory(host).reduce((sum, { resident }) => sum + resident, 0),
      pods: await podsOf(kubeconfig),
      pressure: await pressureOf(kubeconfig),
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

/** The stages as a table, with the faults below. */
export function stageTable(stages: readonly Stage[]): string {
  const columns: Column[] = [
    { title: "stage" },
    ...[
      "seconds",
      "used MiB",
      "resident",
      "anonymous",
      "files",
      "kernel",
      "swapped",
      "major faults/s",
      "refaults/s",
      "evicted",
      "restarts",
      "requests",
      "failed",
      "p50 ms",
      "p95 ms",
      "longest ms",
    ].map((title) => ({ title, align: number })),
  ];
  const rows = stages.map(({ name, seconds, memory, resident, pods, watched }, index) => {
    const before = stages[index - 1]?.memory;
    const rate = (key: "majorFaults" | "refaults") =>
      ((memory[key] - (before?.[key] ?? 0)) / seconds).toFixed(1);
    const size = (key: keyof HostMemory) => memory[key].toFixed(0);
    const failed = Object.values(watched?.failures ?? {}).reduce((sum, times) => sum + times, 0);
    const ms = (value: number) => (value * 1000).toFixed(0);
    return [
      name,
      seconds.toFixed(0),
      size("used"),
      resident.toFixed(0),
      ...(["anonymous", "file", "kernel", "swap"] as const).map(size),
      rate("majorFaults"),
      rate("refaults"),
      String(pods.evicted.length),
      String(Object.values(pods.restarts).reduce((sum, times) => sum + times, 0)),
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

/** Memory by process as a table, with the sum. Small processes are one row. */
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

/** What a settled host uses. */
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

/** Settled hosts as a table, each with what it saves in comparison with the first. */
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
