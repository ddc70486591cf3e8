/**
 * The control groups of lab hosts: one of the same name in every hierarchy of the machine (cgroup v1, v2 or both). A
 * group holds a host's processes to a size. By it they can be found and ended, even if every other record of them is
 * lost.
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

/** One mounted hierarchy. `controllers` is empty for systemd's own, and for one of v2 without controllers. */
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
    // The first mount of a hierarchy is enough. Container engines mount the same one again elsewhere.
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

/** Makes the group in every hierarchy. Returns the files into which a process writes its id to join. */
export function createGroup(name: string, limits: GroupLimits): string[] {
  const joins = hierarchies().map((h) => {
    const dir = path.join(h.mount, name);
    if (h.version === 2) {
      // One by one, because one that cannot be enabled must not keep the others off.
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

/**
 * Sets the group's memory limit in MiB, also while it runs.
 * @param swap whether the group may use the machine's swap besides; default false
 */
export function limitMemory(name: string, memoryMiB: number, { swap = false } = {}): void {
  const hierarchy = hierarchies().find(({ controllers }) => controllers.includes("memory"));
  if (!hierarchy) return;
  const file = (of: string) => path.join(hierarchy.mount, name, of);
  const bytes = String(memoryMiB * 1024 * 1024);
  // The files for swap are missing if the kernel does not count swap.
  if (hierarchy.version === 1) {
    // The limit of memory and swap together may never be below that of memory, so it is lifted first.
    tryWrite(file("memory.memsw.limit_in_bytes"), "-1");
    writeFileSync(file("memory.limit_in_bytes"), bytes);
    if (!swap) tryWrite(file("memory.memsw.limit_in_bytes"), bytes);
  } else {
    writeFileSync(file("memory.max"), bytes);
    tryWrite(file("memory.swap.max"), swap ? "max" : "0");
  }
}

/** Whether no process of the group is left. */
export function groupIsEmpty(name: string): boolean {
  return groupMembers(name).size === 0;
}

/**
 * A function that reads files of the group in the hierarchy with a controller. It returns undefined for a missing file.
 */
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
    // The group is not there, or went away meanwhile.
    return [];
  }
}

/**
 * Ends every process of the group and removes the group, in every hierarchy. Does nothing if there is no such group.
 */
export async function destroyGroup(name: string): Promise<void> {
  // A process that waits for a busy disk ends only after the disk has answered.
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
      // A group of the guest went away meanwhile. The next round sees what is left.
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
    // It is busy while its last processes end. destroyGroup tries again.
  }
  return !existsSync(dir);
}

function tryWrite(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch {
    // The caller does without.
  }
}
