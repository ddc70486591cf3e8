/** Prepares what must be there before a host can boot. */
import { existsSync } from "node:fs";
import { removeLeftovers } from "./cache";
import { prepareMachine } from "./checks";
import { filesUp, startFiles, stopFiles } from "./files";
import { builtParts } from "./hostParts";
import { bridgeDown, bridgeUp } from "./network";
import { cacheDir, dirs, network } from "./paths";
import { baseTarball } from "./rootfs";

/**
 * Checks the machine and makes whatever is not there yet.
 * @param parts what the hosts are to run; by default what the lab builds
 */
export async function prepare(say: (line: string) => void, parts = builtParts): Promise<void> {
  await prepareMachine("hosts", say);
  for (const dir of [cacheDir(), dirs.downloads]) removeLeftovers(dir);
  // Not at the top: the build's libraries take a second to load, and `npm run lab -- status` does without them.
  const { makeDownloads } = require("./downloads") as typeof import("./downloads");
  await Promise.all([makeDownloads(say, parts), baseTarball(say)]);
}

/** Prepares, and starts the bridge and the file server. Returns a function that stops those that it started. */
export async function startAround(say: (line: string) => void): Promise<() => Promise<void>> {
  await prepare(say);
  const [hadBridge, hadFiles] = [existsSync(`/sys/class/net/${network.id}`), filesUp()];
  await bridgeUp();
  await startFiles();
  return async () => {
    if (!hadFiles) await stopFiles();
    if (!hadBridge) await bridgeDown();
  };
}
