/**
 * Kernel settings that a kubelet in a guest changes for the whole machine. The lab saves them before the machine's
 * first lab host boots, and restores them when the last host of the last lab is gone.
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { network } from "./paths";

/** All labs of the machine share this folder. In /run, it is gone after a reboot, like the changed settings. */
const dir = "/run/knative-edge";
const saved = path.join(dir, "sysctl.json");
const labs = path.join(dir, "labs");

const settings = [
  "vm/overcommit_memory",
  "vm/panic_on_oom",
  "kernel/panic",
  "kernel/panic_on_oops",
  "kernel/keys/root_maxkeys",
  "kernel/keys/root_maxbytes",
  "fs/inotify/max_user_instances",
  "fs/inotify/max_user_watches",
  // Changed by nat.ts, not by a kubelet.
  "net/ipv4/ip_forward",
];

/** Saves the machine's settings, unless another lab has saved them, and notes that this lab has hosts. */
export function keepKernelSettings(): void {
  mkdirSync(labs, { recursive: true });
  if (!existsSync(saved)) {
    const values = settings
      .filter((name) => existsSync(`/proc/sys/${name}`))
      .map((name) => [name, readFileSync(`/proc/sys/${name}`, "utf8").trim()]);
    writeFileSync(saved, JSON.stringify(Object.fromEntries(values)));
  }
  writeFileSync(path.join(labs, network.id), "");
}

/** Restores the machine's settings, unless another lab of the machine is up. */
export function restoreKernelSettings(): void {
  rmSync(path.join(labs, network.id), { force: true });
  if (!existsSync(saved) || readdirSync(labs).length > 0) return;
  const values = JSON.parse(readFileSync(saved, "utf8")) as Record<string, string>;
  for (const [name, value] of Object.entries(values)) writeFileSync(`/proc/sys/${name}`, value);
  rmSync(dir, { recursive: true });
}
