/**
 * What a real k0s used and did on a host that was held to its size like the lab's, and how near a run of the lab comes
 * to it. The figures were measured with k0s v1.34.10, kube-router 2.6.3 and net-kourier 1.23.
 */
import { textTable, type Column } from "../../lib/table";
import type { Stage } from "./fit";
import type { ProcessMemory } from "./memory";

/** A range of figures. Both ends are the same for a single one. */
type Range = readonly [number, number];

/** By figure: policy `edge` on a host held to 1 CPU and 1536 MiB. Refaults are pages a second. */
const held: Record<string, Range> = {
  "seconds of up": [124, 124],
  "refaults/s of up": [6700, 6700],
  "refaults/s after": [1483, 1483],
  "resident MiB": [973, 1047],
  "anonymous MiB": [568, 609],
  evicted: [0, 0],
  restarts: [0, 0],
};

/**
 * Resident memory of processes in MiB, and its anonymous part, by their names in the lab. Measured at rest with the
 * policy `scale`, without measures that save memory, on a host that was not short of it.
 */
const processes: Record<string, Range> = {
  "kube-apiserver": [420, 336],
  "kube-controller-manager": [131, 60],
  k0s: [112, 34],
  kubelet: [98, 37],
  "kube-scheduler": [67, 16],
  containerd: [60, 27],
  kine: [59, 34],
  "knative-serving/controller: controller": [64, 18],
  "knative-serving/net-kourier-controller: kourier": [62, 17],
  "metallb-system/controller: controller": [62, 18],
  "metallb-system/speaker: speaker": [61, 16],
  "kourier-system/3scale-kourier-gateway: envoy": [60, 16],
  "kube-system/kube-proxy: kube-proxy": [60, 13],
  "kube-system/kube-router: cni-node": [57, 14],
  "kube-system/metrics-server: metrics-server": [57, 15],
  "knative-serving/activator: activator": [48, 10],
};

/** One shim. There is one for each pod. */
const shim: Range = [16, 5];

const right: Column["align"] = "right";

/** A run of {@link stagesAfterUp} beside the real one. Both have the policy `edge` and no other configuration. */
export function besideRealRun(stages: readonly Stage[]): string {
  const [up, after] = stages;
  if (up === undefined || after === undefined)
    return "Too short a run to be held against the real one.";
  const restarts = Object.values(after.pods.restarts).reduce((sum, times) => sum + times, 0);
  const here: Record<keyof typeof held, number> = {
    "seconds of up": up.seconds,
    "refaults/s of up": up.memory.refaults / up.seconds,
    "refaults/s after": (after.memory.refaults - up.memory.refaults) / after.seconds,
    "resident MiB": after.resident,
    "anonymous MiB": after.memory.anonymous,
    evicted: after.pods.evicted.length,
    restarts,
  };
  const rows = Object.entries(held).map(([name, [low, high]]) => {
    const value = here[name] ?? NaN;
    const real = low === high ? String(low) : `${low} to ${high}`;
    const ratio = low === 0 ? "" : (value / ((low + high) / 2)).toFixed(2);
    return [name, value.toFixed(0), real, ratio];
  });
  const columns = ["here", "real host", "ratio"].map((title) => ({ title, align: right }));
  return textTable([{ title: "1 CPU, 1536 MiB held, edge" }, ...columns], rows);
}

/** Processes beside the real ones, if a real figure is known. */
export function processesBesideReal(found: readonly ProcessMemory[]): string {
  const columns = ["resident MiB", "real", "anonymous", "real"].map((title) => ({
    title,
    align: right,
  }));
  const rows = found.flatMap(({ name, count, resident, anonymous }) => {
    const isShim = name.endsWith("containerd-shim-runc-v2");
    const real = isShim ? shim : processes[name];
    if (real === undefined) return [];
    const each = (value: number) => (value / count).toFixed(0);
    return [[name, each(resident), String(real[0]), each(anonymous), String(real[1])]];
  });
  return textTable([{ title: "process" }, ...columns], rows);
}
