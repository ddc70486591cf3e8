/**
 * What a guest sees of the machine's size. A control group holds its processes to their CPUs, but /proc and /sys show
 * the whole machine to everyone. So files of the declared size are mounted over those, and programs in the guest (k0s'
 * pre-flight, kubelet, `free`, `nproc`) find a small machine. The memory figures are static: MemFree never changes.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

/** Declared size of a lab host. */
export interface HostSize {
  /** Number of CPUs; default 1. */
  cpus: number;
  /** Memory in MiB; default 1536. The guest sees it, and Kubernetes can allocate it. With `hardCap` it is enforced. */
  memoryMiB: number;
  /** Enforce the memory as a limit on the whole host; default true. The CPUs are always enforced. */
  hardCap: boolean;
}

/** The size of the reference machine. */
export const referenceSize: HostSize = { cpus: 1, memoryMiB: 1536, hardCap: true };

/** /proc/meminfo of a machine with so much memory, in the layout of the real one. */
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

/** /proc/cpuinfo with the processors of these numbers alone. */
export function cpuinfo(real: string, cpus: readonly number[]): string {
  return real
    .split(/(?<=\n\n)/)
    .filter((block) => cpus.includes(Number(/^processor\s*: (\d+)/.exec(block)?.[1])))
    .join("");
}

/**
 * CPUs for a host, in the kernel's list form: `count` of the machine's online CPUs. They are taken from the end and by
 * the host's number, so that small hosts share none as long as there are enough, and the first CPU stays for the
 * machine.
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

/** The folder in a guest with the files of its declared size. */
const place = "/etc/lab/size";

/** The guest's systemd unit that mounts these files over the kernel's, before anything else starts. */
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
 * Writes the files of the declared size into a guest's root. CPUs keep their numbers on the machine, because the
 * kubelet writes the numbers into control groups, and the kernel refuses those of other CPUs.
 * @param list the host's CPUs, in the kernel's list form
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
  // The k0s double reads this, and configures the kubelet so that the node offers just so much.
  tree["../host-size"] =
    `cpus=${size.cpus}\nmemoryMiB=${size.memoryMiB}\nhardCap=${size.hardCap ? 1 : 0}\n`;
  for (const [file, content] of Object.entries(tree)) {
    mkdirSync(path.dirname(path.join(dir, file)), { recursive: true });
    writeFileSync(path.join(dir, file), content);
  }
}
