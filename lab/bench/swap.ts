/** Compressed swap for a lab host: this machine's, since swap is of a kernel, with the host's limit lowered by what it may hold. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { hierarchies, limitMemory } from "../cgroup";
import { namespaceOf } from "../network";
import { run } from "../process";

const control = "/sys/class/zram-control";

/** Swap that is in use until it is removed. */
export interface CompressedSwap {
  /** How much it held at most, plain and compressed. */
  report(): string;
  /** Takes it away, with what is in it: the host's processes must have ended. */
  remove(): Promise<void>;
}

/**
 * Adds compressed swap, and lowers the host's memory by the third of it that may be taken by compressed pages, which the
 * kernel charges to nobody under cgroup v1. Pods do not swap, as under a kubelet that finds swap (swapBehavior NoSwap, the
 * default; on cgroup v2 it sets memory.swap.max to 0): https://kubernetes.io/docs/concepts/cluster-administration/swap-memory-management/
 * @throws Error where the kernel has no zram.
 */
export async function compressedSwap(
  host: string,
  memoryMiB: number,
  sizeMiB: number,
): Promise<CompressedSwap> {
  if (!existsSync(control)) throw new Error("--swap: this machine's kernel has no zram.");
  const limitMiB = Math.ceil(sizeMiB / 3);
  const id = readFileSync(path.join(control, "hot_add"), "utf8").trim();
  const set = (key: string, value: string) => writeFileSync(`/sys/block/zram${id}/${key}`, value);
  const device = `/dev/zram${id}`;
  const timers: NodeJS.Timeout[] = [];
  let inUse = false;
  const remove = async (): Promise<void> => {
    timers.forEach(clearInterval);
    if (inUse) await run("swapoff", [device]);
    set("reset", "1");
    writeFileSync(path.join(control, "hot_remove"), id);
  };
  let most = [0, 0];
  try {
    set("disksize", `${sizeMiB}M`);
    set("mem_limit", `${limitMiB}M`);
    await run("mkswap", [device]);
    await run("swapon", [device]);
    inUse = true;
    limitMemory(namespaceOf(host), memoryMiB - limitMiB, { swap: true });
    timers.push(
      setInterval(() => keepPodsOut(host), 100),
      // https://docs.kernel.org/admin-guide/blockdev/zram.html: orig_data_size first, mem_used_max fifth.
      setInterval(() => {
        const stat = readFileSync(`/sys/block/zram${id}/mm_stat`, "utf8").trim().split(/\s+/);
        most = [Math.max(most[0] ?? 0, Number(stat[0])), Number(stat[4])];
      }, 1000),
    );
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    report: () => {
      const [plain, compressed] = most.map((bytes) => Math.round(bytes / 2 ** 20));
      return `compressed swap of ${sizeMiB} MiB: ${plain} MiB at most, in ${compressed} MiB of the ${limitMiB} that were kept for it`;
    },
    remove,
  };
}

/** A pod's group inherits it from those above, as soon as these are there. */
function keepPodsOut(host: string): void {
  for (const { mount, version, controllers } of hierarchies()) {
    if (version !== 1 || !controllers.includes("memory")) continue;
    for (const group of ["kubepods", "kubepods/burstable", "kubepods/besteffort"]) {
      try {
        writeFileSync(path.join(mount, namespaceOf(host), group, "memory.swappiness"), "0");
      } catch {
        // It is not there, yet or any more.
      }
    }
  }
}
