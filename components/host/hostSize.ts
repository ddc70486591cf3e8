import { Amounts } from "../../lib/resourceAmounts";
import { parseQuantity } from "../../lib/quantity";

/** The size of a host, as declared. */
export interface HostSize {
  /** Number of CPUs, as a Kubernetes quantity: `1`, `2`, `500m`. */
  cpus: string;
  /** Memory in MiB, as `free -m` shows it: a machine sold with 1.5 GB has about 1450. */
  memoryMiB: number;
}

/** Least memory of a host, in MiB; preflight.sh asks for it too. A machine of 1.5 GB shows about 1450. */
export const leastMemoryMiB = 1280;

/**
 * Memory in MiB that must be free on a host without k0s. On a real k0s with the policy `edge`, k0s, MetalLB, Knative and
 * Kourier held 568 to 609 MiB that they cannot give back (anonymous pages), and kubelet evicts pods with less than 100 free.
 */
export const freeMemoryMiB = 700;

/** kubelet's default for `memory.available`, which k0s does not change. Pods cannot request this memory. */
export const evictionThreshold = parseQuantity("100Mi");

/** kubelet's default for maxPods. */
const maxPods = 110n;

/** The number of processors that a machine of that size has at least. */
export function wholeCpus({ cpus }: HostSize): number {
  const one = parseQuantity("1");
  return Number((parseQuantity(cpus) + one - 1n) / one);
}

/** What a node of that size offers pods. k0s reserves nothing for itself. */
export function allocatable({ cpus, memoryMiB }: HostSize): Amounts {
  const memory = parseQuantity(`${memoryMiB}Mi`) - evictionThreshold;
  return { cpu: parseQuantity(cpus), memory, pods: maxPods };
}
