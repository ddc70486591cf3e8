/** What must be there before a host can boot. */
import { prepareMachine } from "./checks";
import { baseTarball } from "./rootfs";

/** Checks the machine and makes whatever is not there yet. */
export async function prepare(say: (line: string) => void): Promise<void> {
  await prepareMachine(say);
  // Not at the top: the build's libraries take a second to load, and who only wants to know the state does without them.
  const { makeDownloads } = await import("./downloads.js");
  await Promise.all([makeDownloads(say), baseTarball(say)]);
}
