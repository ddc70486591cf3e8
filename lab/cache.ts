/** Folders that are filled under another name and then renamed, so that an interruption leaves no half-filled one. */
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import path from "node:path";

/**
 * Fills a folder, unless it is there and complete. If several processes do so at once, the first one's folder stays.
 * @param fill called with an empty folder beside the target. That folder then gets the target's name
 */
export async function filled(
  target: string,
  fill: (dir: string) => Promise<void>,
  complete: (dir: string) => boolean = existsSync,
): Promise<string> {
  if (complete(target)) return target;
  mkdirSync(path.dirname(target), { recursive: true });
  const scratch = mkdtempSync(`${target}.`);
  try {
    await fill(scratch);
    if (complete(target)) return target;
    rmSync(target, { recursive: true, force: true });
    renameSync(scratch, target);
  } catch (error) {
    // Another process placed it after the last look.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOTEMPTY" && code !== "EEXIST") throw error;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return target;
}

/**
 * Puts a file of the cache in its place. A link, if both are on one disk, because all of them take 1.2 GB; else a copy.
 */
export function placeFile(from: string, to: string): void {
  const part = `${to}.part`;
  rmSync(part, { force: true });
  try {
    linkSync(from, part);
  } catch {
    copyFileSync(from, part);
  }
  renameSync(part, to);
}

/**
 * Removes what interrupted commands left in a folder more than a day ago. It knows them by the form of mkdtemp's names.
 */
export function removeLeftovers(dir: string, now = Date.now()): void {
  for (const name of existsSync(dir) ? readdirSync(dir) : []) {
    const file = path.join(dir, name);
    if (!/\.[A-Za-z0-9]{6}$/.test(name)) continue;
    try {
      // Not mtime, which tar sets.
      if (now - statSync(file).ctimeMs > 24 * 3600_000) rmSync(file, { recursive: true });
    } catch {
      // Another command was faster, or something is still mounted there.
    }
  }
}
