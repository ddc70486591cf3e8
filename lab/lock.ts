/** A lock for each checkout, so that commands that change its lab do not run at the same time. */
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { judgePlace, thisMachine } from "./checks";
import { labDir } from "./paths";
import { identify, isRunning, type ProcessId } from "./process";

/** Runs a command that changes the lab. Throws if the machine cannot have a lab, or another such command runs. */
export async function alone<T>(action: () => Promise<T>): Promise<T> {
  const problem = judgePlace(thisMachine());
  if (problem) throw new Error(problem);
  mkdirSync(labDir, { recursive: true });
  return locked(path.join(labDir, "lock.json"), action);
}

/**
 * Runs an action while this process holds a lock file. Throws when another process holds it and still runs.
 */
export async function locked<T>(file: string, action: () => Promise<T>): Promise<T> {
  const own = `${file}.${process.pid}`;
  writeFileSync(own, JSON.stringify(identify(process.pid)));
  try {
    const holder = holderOf(file);
    if (holder && !isRunning(holder)) rmSync(file, { force: true });
    // A link makes the file with its content at once, and only if there is none.
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
    // Nobody holds it.
    return undefined;
  }
}
