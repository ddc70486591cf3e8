/**
 * Compressed swap for a lab host. All of the machine uses it, because swap belongs to the kernel. The host's memory
 * limit is lowered by what the swap may hold.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { hierarchies, limitMemory } from "../cgroup";
import { namespaceOf } from "../network";
import { run } from "../process";

const control = "/sys/class/zram-control";

/** Swap that is in use until it is removed. */
export interface CompressedSwap {
  /** A sentence: how much it held at most, plain and compressed. */
  report(): string;
  /** Removes the swap and its contents. The host's processes must have ended. */
  remove(): Promise<void>;
}

/**
 * Adds compressed swap. Compressed pages may take a third of it, so the host's memory is lowered by that third: under
 * cgroup v1 the kernel charges them to nobody. Pods do not swap, as under a kubelet that finds swap (swapBehavior
 * NoSwap, the default; on cgroup v2 it sets memory.swap.max to 0):
 * https://kubernetes.io/docs/concepts/cluster-administration/swap-memory-management/
 * @throws Error if the kernel has no zram
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

/** A pod's group inherits the setting from the groups above it, once they exist. */
function keepPodsOut(host: string): void {
  for (const { mount, version, controllers } of hierarchies()) {
    if (version !== 1 || !controllers.includes("memory")) continue;
    for (const group of ["kubepods", "kubepods/burstable", "kubepods/besteffort"]) {
      try {
        writeFileSync(path.join(mount, namespaceOf(host), group, "memory.swappiness"), "0");
      } catch {
        // The group does not exist yet, or no longer.
      }
    }
  }
}
