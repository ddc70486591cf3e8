/**
 * The memory of a lab host: of the whole host, as the kernel counts it, and of each process. Read from this machine,
 * because a command on the host would use memory, too.
 */
import { existsSync, readFileSync, readlinkSync } from "node:fs";
import path from "node:path";
import { groupFiles, groupMembers, groupTree } from "../cgroup";
import { namespaceOf } from "../network";

/** Memory of a whole host in MiB, and how often it was short since its boot. */
export interface HostMemory {
  /** Everything that is charged to the host, including the files that it has read. */
  used: number;
  /** Programs' own data, which the kernel cannot take back without swap. */
  anonymous: number;
  /** Pages of files, including programs' code. If memory is short, the kernel drops them and reads them again. */
  file: number;
  /** What the kernel uses for the host. */
  kernel: number;
  /** Data in swap. */
  swap: number;
  /** How often a program waited until a page was read. */
  majorFaults: number;
  /** How many pages of files were read again after the kernel had dropped them. */
  refaults: number;
  /** How many of its processes the kernel killed because memory was short. */
  oomKills: number;
  /**
   * How many processes the kernel killed on the whole machine since this program began. Under cgroup v1 the count of a
   * removed group, such as a container's, is lost, so these may be the host's. 0 proves that there was none.
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

/** How many processes this machine's kernel has killed since its boot because memory was short. */
function machineOomKills(): number {
  // On another system than Linux only the tests load this module.
  const text = existsSync("/proc/vmstat") ? readFileSync("/proc/vmstat", "utf8") : "";
  return numbers(text).get("oom_kill") ?? 0;
}

const oomKillsBefore = machineOomKills();

/**
 * {@link HostMemory} from the files of a cgroup, by name.
 * @param oomControls texts of memory.oom_control, of the group and all below it, because cgroup v1 counts each alone
 * @param machineKills how many processes of the whole machine the kernel killed meanwhile
 */
export function parseHostMemory(
  file: (name: string) => string | undefined,
  oomControls: readonly string[],
  machineKills: number,
): HostMemory {
  const whole = (name: string): number => Number(file(name) ?? 0);
  const stat = numbers(file("memory.stat") ?? "");
  const get = (name: string): number => stat.get(name) ?? 0;
  // In cgroup v1 the figures that include the groups below have other names.
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
  /** Resident, with all shared pages. */
  resident: number;
  /** Resident, with its share of shared pages. */
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
 * @param podNames names of pods by their id, to distinguish processes of different pods
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
      // It has just ended, or it is one of the kernel's.
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
