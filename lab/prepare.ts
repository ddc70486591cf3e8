/** What must be there before a host can boot. */
import { removeLeftovers } from "./cache";
import { prepareMachine } from "./checks";
import { cacheDir, dirs } from "./paths";
import { baseTarball } from "./rootfs";

/** Checks the machine and makes whatever is not there yet. */
export async function prepare(say: (line: string) => void): Promise<void> {
  await prepareMachine(say);
  for (const dir of [cacheDir(), dirs.downloads]) removeLeftovers(dir);
  // Not at the top: the build's libraries take a second to load, and who only wants to know the state does without them.
  const { makeDownloads } = await import("./downloads.js");
  await Promise.all([makeDownloads(say), baseTarball(say)]);
}
