/**
 * What a guest sees of the machine's size. Its processes are held to their CPUs by a control group, but the kernel shows
 * everyone the whole machine in /proc and /sys, so files of the declared size are put over those; a program in the guest
 * (k0s's pre-flight, kubelet, `free`, `nproc`) then finds a small machine. Memory figures are static: MemFree does not move.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

/** Declared size of a lab host. */
export interface HostSize {
  /** Number of CPUs; default 1. */
  cpus: number;
  /** Memory in MiB; default 1536. What is shown and allocatable, and enforced with `hardCap`. */
  memoryMiB: number;
  /** Enforce the memory as a limit on the whole host; default true. The CPUs are always enforced. */
  hardCap: boolean;
}

/** The reference machine: a host really has no more than that. */
export const referenceSize: HostSize = { cpus: 1, memoryMiB: 1536, hardCap: true };

/** /proc/meminfo of a machine with that much memory, keeping the layout of the real one. */
export function meminfo(real: string, memoryMiB: number): string {
  const total = memoryMiB * 1024;
  const shown: Record<string, number> = {
    MemTotal: total,
    MemFree: Math.floor(total * 0.8),
    MemAvailable: Math.floor(total * 0.85),
    CommitLimit: Math.floor(total / 2),
    DirectMap4k: total,
  };
  return real.replace(
    /^(\S+):( +)(\d+)( kB)?$/gm,
    (_, key: string, space: string, value: string, unit = "") => {
      const width = space.length + value.length;
      return `${key}:${String(shown[key] ?? 0).padStart(width)}${unit}`;
    },
  );
}

/** /proc/cpuinfo with the processors of those numbers only. */
export function cpuinfo(real: string, cpus: readonly number[]): string {
  return real
    .split(/(?<=\n\n)/)
    .filter((block) => cpus.includes(Number(/^processor\s*: (\d+)/.exec(block)?.[1])))
    .join("");
}

/**
 * CPUs for a host, in the kernel's list form: `count` of those the machine has online, counted from the end and by the host's
 * number, so that several small hosts do not share one and the runner keeps the first.
 */
export function pickCpus(online: string, count: number, hostNumber: number): string {
  const all = online
    .trim()
    .split(",")
    .flatMap((range) => {
      const [first = 0, last = first] = range.split("-").map(Number);
      return Array.from({ length: last - first + 1 }, (_, i) => first + i);
    });
  const picked = new Set<number>();
  for (let i = 0; i < Math.min(count, all.length); i++) {
    const index = all.length - 1 - (((hostNumber - 1) * count + i) % all.length);
    picked.add(all[index] ?? 0);
  }
  return [...picked].sort((a, b) => a - b).join(",");
}

/** CPUs online, in the kernel's list form. */
export function onlineCpus(): string {
  return readFileSync("/sys/devices/system/cpu/online", "utf8").trim();
}

/** Where a guest keeps the files of its declared size. */
const place = "/etc/lab/size";

/** systemd unit of a guest that puts those files over the kernel's, before anything else of it starts. */
export const sizeUnit = `[Unit]
Description=Show the declared size of this lab host
DefaultDependencies=no
Before=sysinit.target
ConditionPathExists=${place}

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=mount -o bind,ro ${place}/meminfo /proc/meminfo
ExecStart=mount -o bind,ro ${place}/cpuinfo /proc/cpuinfo
ExecStart=mount -o bind,ro ${place}/cpu /sys/devices/system/cpu
ExecStart=mount -o bind,ro ${place}/node /sys/devices/system/node

[Install]
WantedBy=sysinit.target
`;

/**
 * Writes the files of the declared size into a guest's root. CPUs keep the machine's numbers, here as in the kernel's list
 * form: the kubelet writes the numbers that it finds into control groups, and the kernel refuses others than the host's own.
 */
export function writeSize(root: string, size: HostSize, list: string): void {
  const dir = path.join(root, place);
  rmSync(dir, { recursive: true, force: true });
  const cpus = list.split(",").map(Number);
  const tree: Record<string, string> = {
    meminfo: meminfo(readFileSync("/proc/meminfo", "utf8"), size.memoryMiB),
    cpuinfo: cpuinfo(readFileSync("/proc/cpuinfo", "utf8"), cpus),
    "cpu/online": `${list}\n`,
    "cpu/present": `${list}\n`,
    "cpu/possible": `${list}\n`,
    "node/online": "0\n",
    "node/possible": "0\n",
    "node/node0/cpulist": `${list}\n`,
    "node/node0/meminfo": `Node 0 MemTotal: ${size.memoryMiB * 1024} kB\n`,
    "node/node0/cpumap": `${cpus.reduce((map, cpu) => map | (1n << BigInt(cpu)), 0n).toString(16)}\n`,
    "node/node0/distance": "10\n",
  };
  for (const cpu of cpus) {
    for (const entry of [`cpu/cpu${cpu}`, `node/node0/cpu${cpu}`]) {
      tree[`${entry}/online`] = "1\n";
      tree[`${entry}/topology/core_id`] = `${cpu}\n`;
      tree[`${entry}/topology/physical_package_id`] = "0\n";
      tree[`${entry}/topology/thread_siblings`] = `${(1n << BigInt(cpu)).toString(16)}\n`;
      tree[`${entry}/topology/core_siblings`] = tree["node/node0/cpumap"] ?? "";
      mkdirSync(path.join(dir, entry, "cache"), { recursive: true });
    }
  }
  // For the k0s double, which sets the kubelet up so that the node offers just this.
  tree["../host-size"] =
    `cpus=${size.cpus}\nmemoryMiB=${size.memoryMiB}\nhardCap=${size.hardCap ? 1 : 0}\n`;
  for (const [file, content] of Object.entries(tree)) {
    mkdirSync(path.dirname(path.join(dir, file)), { recursive: true });
    writeFileSync(path.join(dir, file), content);
  }
}
