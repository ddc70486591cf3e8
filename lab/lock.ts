/** Commands that change the lab of a checkout run one after the other. */
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { judgePlace, thisMachine } from "./checks";
import { labDir } from "./paths";
import { identify, isRunning, type ProcessId } from "./process";

/** Runs a command that changes the lab: where it can run at all, and not beside another one of the same checkout. */
export async function alone<T>(action: () => Promise<T>): Promise<T> {
  const problem = judgePlace(thisMachine());
  if (problem) throw new Error(problem);
  mkdirSync(labDir, { recursive: true });
  return locked(path.join(labDir, "lock.json"), action);
}

/**
 * Runs an action while this process holds a lock file. Throws when another process holds it; one that has ended does not.
 */
export async function locked<T>(file: string, action: () => Promise<T>): Promise<T> {
  const own = `${file}.${process.pid}`;
  writeFileSync(own, JSON.stringify(identify(process.pid)));
  try {
    const holder = holderOf(file);
    if (holder && !isRunning(holder)) rmSync(file, { force: true });
    // Made with its content at once, and only where there is none.
    linkSync(own, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    const who = holderOf(file)?.pid ?? "unknown";
    throw new Error(
      `Another lab command of this checkout runs (process ${who} in ${file}): wait for it or end it.`,
    );
  } finally {
    rmSync(own, { force: true });
  }
  try {
    return await action();
  } finally {
    rmSync(file, { force: true });
  }
}

function holderOf(file: string): ProcessId | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as ProcessId;
  } catch {
    // There is none.
    return undefined;
  }
}
