/**
 * The control groups of lab hosts: one of the same name in every hierarchy of the machine (cgroup v1, v2 or both), so that
 * a host's processes can be held to a size, and found and ended even when everything else about them was lost.
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** One mounted hierarchy; `controllers` is empty for systemd's own and for a bare v2 one. */
export interface Hierarchy {
  mount: string;
  version: 1 | 2;
  controllers: string[];
}

/** Hierarchies from the text of /proc/self/mountinfo; `v2Controllers` reads cgroup.controllers of a v2 mount. */
export function parseHierarchies(
  mountinfo: string,
  v2Controllers: (mount: string) => string[],
): Hierarchy[] {
  const found: Hierarchy[] = [];
  for (const line of mountinfo.split("\n")) {
    const [left, right] = line.split(" - ");
    const mount = left?.split(" ")[4];
    const [type, , options] = right?.split(" ") ?? [];
    // The first mount of a hierarchy is enough; container engines bind the same one again elsewhere.
    if (!mount?.startsWith("/sys/fs/cgroup")) continue;
    if (type === "cgroup") {
      const controllers = (options ?? "")
        .split(",")
        .filter(
          (o) =>
            !/^(rw|ro|relatime|xattr|noprefix|clone_children|release_agent=.*|name=.*)$/.test(o),
        );
      found.push({ mount, version: 1, controllers });
    } else if (type === "cgroup2") {
      found.push({ mount, version: 2, controllers: v2Controllers(mount) });
    }
  }
  return found;
}

/** The hierarchies of this machine. */
export function hierarchies(): Hierarchy[] {
  return parseHierarchies(readFileSync("/proc/self/mountinfo", "utf8"), (mount) =>
    readFileSync(path.join(mount, "cgroup.controllers"), "utf8")
      .trim()
      .split(/\s+/)
      .filter(Boolean),
  );
}

/** Whether this machine has its controllers in cgroup v1, which Kubernetes 1.35 and newer refuse. */
export function usesCgroupV1(): boolean {
  return hierarchies().some(({ version, controllers }) => version === 1 && controllers.length > 0);
}

/** Size to hold a group to. */
export interface GroupLimits {
  /** CPUs that the group may run on, in the kernel's list form, such as `1` or `0-1`. */
  cpus: string;
  /** Memory limit in MiB; none by default. */
  memoryMiB?: number;
}

/** Makes the group in every hierarchy; returns the files that a process joins by writing its id. */
export function createGroup(name: string, limits: GroupLimits): string[] {
  const joins = hierarchies().map((h) => {
    const dir = path.join(h.mount, name);
    if (h.version === 2) {
      // One by one: a controller that cannot be handed down must not keep the others back.
      for (const c of h.controllers)
        tryWrite(path.join(h.mount, "cgroup.subtree_control"), `+${c}`);
    }
    mkdirSync(dir, { recursive: true });
    if (h.controllers.includes("cpuset")) {
      if (h.version === 1) {
        const mems = readFileSync(path.join(h.mount, "cpuset.mems"), "utf8").trim();
        writeFileSync(path.join(dir, "cpuset.mems"), mems);
      }
      writeFileSync(path.join(dir, "cpuset.cpus"), limits.cpus);
    }
    return path.join(dir, "cgroup.procs");
  });
  if (limits.memoryMiB !== undefined) limitMemory(name, limits.memoryMiB);
  return joins;
}

/** Holds the group to so much memory in MiB, or to less or more than before; swap of the machine comes on top only if asked for. */
export function limitMemory(name: string, memoryMiB: number, { swap = false } = {}): void {
  const hierarchy = hierarchies().find(({ controllers }) => controllers.includes("memory"));
  if (!hierarchy) return;
  const file = (of: string) => path.join(hierarchy.mount, name, of);
  const bytes = String(memoryMiB * 1024 * 1024);
  // Not there where the kernel does not count swap.
  if (hierarchy.version === 1) {
    // Memory and swap together, never less than memory alone: so it goes out of the way first.
    tryWrite(file("memory.memsw.limit_in_bytes"), "-1");
    writeFileSync(file("memory.limit_in_bytes"), bytes);
    if (!swap) tryWrite(file("memory.memsw.limit_in_bytes"), bytes);
  } else {
    writeFileSync(file("memory.max"), bytes);
    tryWrite(file("memory.swap.max"), swap ? "max" : "0");
  }
}

/** Whether a process of the group is left. */
export function groupIsEmpty(name: string): boolean {
  return groupMembers(name).size === 0;
}

/** Reads files of the group in the hierarchy with a controller; undefined for what is not there. */
export function groupFiles(name: string, controller: string): (file: string) => string | undefined {
  const hierarchy = hierarchies().find(({ controllers }) => controllers.includes(controller));
  return (file) => {
    try {
      return readFileSync(path.join(hierarchy?.mount ?? "", name, file), "utf8");
    } catch {
      return undefined;
    }
  };
}

/** Names of the group and of all groups below it, in the hierarchy with a controller. */
export function groupTree(name: string, controller: string): string[] {
  const hierarchy = hierarchies().find(({ controllers }) => controllers.includes(controller));
  const mount = hierarchy?.mount ?? "";
  try {
    const below = children(path.join(mount, name)).map((dir) => path.relative(mount, dir));
    return [name, ...below.flatMap((each) => groupTree(each, controller))];
  } catch {
    // It is not there, or went away while it was read.
    return [];
  }
}

/** Ends every process of the group and removes it, in every hierarchy. Nothing happens where there is none. */
export async function destroyGroup(name: string): Promise<void> {
  // A process that waits for a busy disk ends when that has answered.
  const deadline = Date.now() + 120_000;
  while (Date.now() < deadline) {
    const pids = groupMembers(name);
    for (const pid of pids) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It ended by itself.
      }
    }
    if (pids.size === 0 && groupDirs(name).every(removeTree)) return;
    await sleep(50);
  }
  throw new Error(`The control group ${name} cannot be emptied: a process in it does not end.`);
}

function groupDirs(name: string): string[] {
  return hierarchies()
    .map((h) => path.join(h.mount, name))
    .filter((dir) => existsSync(dir));
}

/** Ids of the processes of the group and of those below it. */
export function groupMembers(name: string): Set<number> {
  const pids = new Set<number>();
  const visit = (dir: string): void => {
    for (const pid of readFileSync(path.join(dir, "cgroup.procs"), "utf8").split("\n")) {
      if (pid) pids.add(Number(pid));
    }
    children(dir).forEach(visit);
  };
  for (const dir of groupDirs(name)) {
    try {
      visit(dir);
    } catch {
      // A group of the guest went away while it was read; the next round sees what is left.
    }
  }
  return pids;
}

function children(dir: string): string[] {
  return readdirSync(dir)
    .map((entry) => path.join(dir, entry))
    .filter((entry) => statSync(entry, { throwIfNoEntry: false })?.isDirectory());
}

function removeTree(dir: string): boolean {
  try {
    children(dir).forEach(removeTree);
    rmdirSync(dir);
  } catch {
    // Busy while its last processes end: destroyGroup comes again.
  }
  return !existsSync(dir);
}

function tryWrite(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch {
    // The caller goes on without.
  }
}
