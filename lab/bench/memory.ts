/** What a lab host takes of memory: as the kernel counts it for the whole host, and by process. Read from outside, since every command on the host would take some too. */
import { existsSync, readFileSync, readlinkSync } from "node:fs";
import path from "node:path";
import { groupFiles, groupMembers, groupTree } from "../cgroup";
import { namespaceOf } from "../network";

/** Memory of a whole host, in MiB; and since it booted, how often it ran short. */
export interface HostMemory {
  /** What is charged to it, the files that it has read among it. */
  used: number;
  /** Of programs' own data, which without swap cannot be taken back. */
  anonymous: number;
  /** Of files, programs' code among them, which is dropped and read again when memory is short. */
  file: number;
  /** Of the kernel for it. */
  kernel: number;
  /** Of data that stands compressed or elsewhere. */
  swap: number;
  /** Times that a program waited for a page to be read. */
  majorFaults: number;
  /** Pages of files that were read again after they were dropped. */
  refaults: number;
  /** Processes that the kernel ended for want of memory. */
  oomKills: number;
  /**
   * Those on this machine since the program began that may be the host's too: under cgroup v1 a group that is gone, such
   * as a container's, took its count along. 0 proves that there was none.
   */
  oomKillsAround: number;
}

const mebibyte = 2 ** 20;

/** The lines `name number` of a kernel's file. */
function numbers(text: string): Map<string, number> {
  return new Map(
    text.split("\n").map((line) => {
      const [key = "", value] = line.split(" ");
      return [key, Number(value)];
    }),
  );
}

/** Processes that this machine's kernel has ended for want of memory since it booted. */
function machineOomKills(): number {
  // Elsewhere than on Linux this module is only tested.
  const text = existsSync("/proc/vmstat") ? readFileSync("/proc/vmstat", "utf8") : "";
  return numbers(text).get("oom_kill") ?? 0;
}

const oomKillsBefore = machineOomKills();

/**
 * {@link HostMemory} from the files of a cgroup, by name.
 * @param oomControls texts of memory.oom_control, of the group and all below it: cgroup v1 counts only a group's own
 * @param machineKills processes of the whole machine that the kernel ended meanwhile
 */
export function parseHostMemory(
  file: (name: string) => string | undefined,
  oomControls: readonly string[],
  machineKills: number,
): HostMemory {
  const whole = (name: string): number => Number(file(name) ?? 0);
  const stat = numbers(file("memory.stat") ?? "");
  const get = (name: string): number => stat.get(name) ?? 0;
  // cgroup v1 counts the groups below only under names of their own.
  const isV1 = file("memory.usage_in_bytes") !== undefined;
  const oomKills = (isV1 ? oomControls : [file("memory.events") ?? ""]).reduce(
    (sum, text) => sum + (numbers(text).get("oom_kill") ?? 0),
    0,
  );
  return isV1
    ? {
        used: whole("memory.usage_in_bytes") / mebibyte,
        anonymous: get("total_rss") / mebibyte,
        file: get("total_cache") / mebibyte,
        kernel: whole("memory.kmem.usage_in_bytes") / mebibyte,
        swap: get("total_swap") / mebibyte,
        majorFaults: get("total_pgmajfault"),
        refaults: get("total_workingset_refault_file"),
        oomKills,
        oomKillsAround: Math.max(0, machineKills - oomKills),
      }
    : {
        used: whole("memory.current") / mebibyte,
        anonymous: get("anon") / mebibyte,
        file: get("file") / mebibyte,
        kernel: get("kernel") / mebibyte,
        swap: whole("memory.swap.current") / mebibyte,
        majorFaults: get("pgmajfault"),
        refaults: get("workingset_refault_file"),
        oomKills,
        oomKillsAround: 0,
      };
}

/** The memory of a lab host. */
export function hostMemory(host: string): HostMemory {
  const group = namespaceOf(host);
  return parseHostMemory(
    groupFiles(group, "memory"),
    groupTree(group, "memory").flatMap(
      (each) => groupFiles(each, "memory")("memory.oom_control") ?? [],
    ),
    machineOomKills() - oomKillsBefore,
  );
}

/** Memory of all processes of a name, in MiB. */
export interface ProcessMemory {
  name: string;
  count: number;
  /** Resident, pages that are shared with others counted in full. */
  resident: number;
  /** The same with its share of shared pages. */
  proportional: number;
  anonymous: number;
}

/** The text of a process' smaps_rollup as MiB. */
export function parseRollup(
  text: string,
): Pick<ProcessMemory, "resident" | "proportional" | "anonymous"> {
  const field = (name: string): number =>
    Number(new RegExp(`^${name}: +(\\d+) kB$`, "m").exec(text)?.[1] ?? 0) / 1024;
  return {
    resident: field("Rss"),
    proportional: field("Pss"),
    anonymous: field("Anonymous"),
  };
}

/**
 * The processes of a lab host by name, the largest first.
 * @param podNames names of pods by their id, with which processes in pods are told apart
 */
export function processMemory(
  host: string,
  podNames: ReadonlyMap<string, string> = new Map(),
): ProcessMemory[] {
  const byName = new Map<string, ProcessMemory>();
  for (const pid of groupMembers(namespaceOf(host))) {
    try {
      const found = parseRollup(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"));
      const program = path.basename(readlinkSync(`/proc/${pid}/exe`)).replace(/ \(deleted\)$/, "");
      const pod = podOf(readFileSync(`/proc/${pid}/cgroup`, "utf8"), podNames);
      const name = pod === undefined ? program : `${pod}: ${program}`;
      const sum = byName.get(name) ?? {
        ...{ name, count: 0, resident: 0, proportional: 0, anonymous: 0 },
      };
      byName.set(name, {
        name,
        count: sum.count + 1,
        resident: sum.resident + found.resident,
        proportional: sum.proportional + found.proportional,
        anonymous: sum.anonymous + found.anonymous,
      });
    } catch {
      // It ended while it was read, or it is the kernel's own.
    }
  }
  return [...byName.values()].sort((a, b) => b.anonymous - a.anonymous);
}

/** Name of the pod that a process runs in, by the text of its /proc/PID/cgroup; undefined outside of pods. */
export function podOf(cgroup: string, podNames: ReadonlyMap<string, string>): string | undefined {
  // systemd's driver writes the id with underscores.
  const id = /kubepods.*?pod([0-9a-f]{8}[-_][0-9a-f_-]{27})/
    .exec(cgroup)?.[1]
    ?.replaceAll("_", "-");
  return id === undefined ? undefined : (podNames.get(id) ?? "pod");
}
