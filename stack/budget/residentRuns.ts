import { Resident } from "./resident";

/** A stack that was measured on a host of a certain size, with one service awake. */
export interface MeasuredRun {
  /** The real k0s, or the lab's double, which with those of kube-router and Kourier holds 160 MiB less. */
  k0s: "real" | "double";
  /** What runs: policy, measures and load balancer. */
  what: string;
  memoryMiB: number;
  /** No pod restarted or was evicted, and code was not read again for as long as it ran. */
  calm: boolean;
  /** The highest anonymous memory that was seen, and the code there was to hold. */
  held: Resident;
  /** What was seen. */
  seen: string;
}

/**
 * Code of the real stack: proportional memory less anonymous memory, 1765 - 792, and less metrics-server's 42 without it.
 * Measured once, on a host that was not short of memory.
 */
const realCode = { all: 973, withoutMetricsServer: 931 };

/**
 * Code of the lab's stack, from "What makes it smaller" in docs/footprint.md: the mean of six measurements with
 * metrics-server (856, 869, 881, 872, 900, 870), of three without (840, 824, 850), and one with nodeIp too.
 */
const labCode = { all: 875, withoutMetricsServer: 838, nodeIp: 753 };

/**
 * The runs that the rule of {@link leastMemory} is fitted to, from docs/footprint.md. It must say of each what was seen.
 */
export const measuredRuns: MeasuredRun[] = [
  {
    k0s: "real",
    what: "scale, no measures, metallb",
    memoryMiB: 1536,
    calm: false,
    held: { anonymous: 755, code: realCode.all },
    seen: "five evictions, MemoryPressure again and again",
  },
  {
    k0s: "real",
    what: "half of the requests by hand, full definitions, metallb",
    memoryMiB: 1536,
    calm: false,
    held: { anonymous: 792, code: realCode.all },
    seen: "six pods restarted, load 16",
  },
  {
    k0s: "real",
    what: "half of the requests by hand, full definitions, metallb",
    memoryMiB: 2048,
    calm: true,
    held: { anonymous: 792, code: realCode.all },
    seen: "calm within 12 s",
  },
  {
    k0s: "real",
    what: "scale, no measures, metallb",
    memoryMiB: 2048,
    calm: true,
    held: { anonymous: 770, code: realCode.all },
    seen: "up in 111 s",
  },
  {
    k0s: "real",
    what: "edge, all measures, metallb",
    memoryMiB: 1536,
    calm: true,
    held: { anonymous: 609, code: realCode.withoutMetricsServer },
    seen: "no restart, 300 of 300 answers",
  },
  {
    k0s: "double",
    what: "edge, no measures, full definitions, metallb",
    memoryMiB: 1536,
    calm: false,
    held: { anonymous: 716, code: labCode.all },
    seen: "metrics-server restarted twice, 2613 refaults/s",
  },
  {
    k0s: "double",
    what: "edge, all measures, metallb",
    memoryMiB: 1536,
    calm: true,
    held: { anonymous: 540, code: labCode.withoutMetricsServer },
    seen: "no restart, 142 refaults/s",
  },
  {
    k0s: "double",
    what: "edge, all measures, nodeIp",
    memoryMiB: 1536,
    calm: true,
    held: { anonymous: 470, code: labCode.nodeIp },
    seen: "no restart, 54 refaults/s",
  },
  {
    k0s: "double",
    what: "edge, all measures, metallb",
    memoryMiB: 1344,
    calm: true,
    held: { anonymous: 532, code: labCode.withoutMetricsServer },
    seen: "no restart, 748 refaults/s",
  },
  {
    k0s: "double",
    what: "edge, all measures, metallb",
    memoryMiB: 1280,
    calm: false,
    held: { anonymous: 530, code: labCode.withoutMetricsServer },
    seen: "no restart, 3148 refaults/s",
  },
];
