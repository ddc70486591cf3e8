import { HostSize } from "./hostSize";
import { K0sSettings, noSettings } from "./k0sSettings";
import { allSwitched, switchedOn, Switches } from "../../lib/switches";

/** A measure for a host with little memory. */
interface Measure {
  /** What it does, what it saves and what it costs; the documentation prints it. */
  reason: string;
  /** The settings of k0s that it changes. */
  settings: Partial<K0sSettings>;
}

/**
 * Measures that make k0s' own processes smaller or fewer. These processes hold most of a small host's memory, and no
 * request or limit of a pod counts them. Operators can switch each measure off. The savings come from
 * `npm run bench -- --only levers`; docs/footprint.md also has what was tried and saved nothing.
 */
export const memoryMeasures = {
  collectGarbage: {
    reason:
      "The Go programs of k0s let their garbage grow to as much as what is alive before they collect it. GOGC 30 collects at " +
      "a third of that: measured, kube-apiserver holds 170 MiB of data for 240 to 270, and the whole host 100 to 140 MiB less. It costs " +
      "CPU while objects change. GOMEMLIMIT cuts the peak of a start.",
    settings: { environment: { GOGC: "30", GOMEMLIMIT: "250MiB" } },
  },
  removeMetricsServer: {
    reason:
      "One process less, of 63 MiB and with 10m and 30M of requests: it is there for `kubectl top` and autoscaling by CPU, " +
      "which one node has no use for. `npm run footprint` then asks the kubelet.",
    settings: { disabledComponents: ["metrics-server"] },
  },
} satisfies Record<string, Measure>;

/** A key of `lowMemory`. */
export type MemoryMeasureName = keyof typeof memoryMeasures;

/** Which measures are on. */
export type LowMemory = Switches<typeof memoryMeasures>;

/** All measures on or all off. */
export function allMemoryMeasures(on: boolean): LowMemory {
  return allSwitched(memoryMeasures, on);
}

/**
 * Below this memory in MiB the measures are on, with every resource policy, unless the operator switches them off: they
 * make k0s smaller, not the pods. A host with this memory was calm without them (docs/footprint.md).
 */
export const measuresBelowMiB = 2048;

/** Which measures are on by default. */
export function defaultMeasures({ memoryMiB }: HostSize): LowMemory {
  return allMemoryMeasures(memoryMiB < measuresBelowMiB);
}

/** The settings of all measures that are on, overridden by the operator's own. */
export function withMeasures(lowMemory: LowMemory, given: K0sSettings): K0sSettings {
  const applied = switchedOn<Measure>(memoryMeasures, lowMemory).map(({ settings }) => settings);
  return [...applied, given].reduce<K0sSettings>(
    (all, next) => ({
      disabledComponents: [
        ...new Set([...all.disabledComponents, ...(next.disabledComponents ?? [])]),
      ],
      environment: { ...all.environment, ...next.environment },
      apiServerArgs: { ...all.apiServerArgs, ...next.apiServerArgs },
      controllerManagerArgs: { ...all.controllerManagerArgs, ...next.controllerManagerArgs },
      schedulerArgs: { ...all.schedulerArgs, ...next.schedulerArgs },
    }),
    noSettings,
  );
}
