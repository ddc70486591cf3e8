/** How much memory a command and its child processes hold. */
import { processIds, statFields } from "../process";

const pageBytes = 4096;

/** A process as /proc shows it. */
export interface Process {
  pid: number;
  parent: number;
  /** Resident set in MiB, including shared pages. */
  residentMiB: number;
}

/** All processes of this machine. */
export function processes(): Process[] {
  return processIds().flatMap((pid) => {
    try {
      const fields = statFields(pid);
      // Fields 4 and 24 of proc(5).
      const residentMiB = (Number(fields[21]) * pageBytes) / 2 ** 20;
      return [{ pid, parent: Number(fields[1]), residentMiB }];
    } catch {
      // It has just ended.
      return [];
    }
  });
}

/** A process, those that it started, and so on. */
export function processTree(root: number, all: readonly Process[]): Process[] {
  const [own, started] = [
    all.filter(({ pid }) => pid === root),
    all.filter(({ parent }) => parent === root),
  ];
  return [...own, ...started.flatMap(({ pid }) => processTree(pid, all))];
}

/** Sum of the resident sets of a process and its descendants, in MiB. Pages that several share count for each. */
export function treeMiB(root: number, all: readonly Process[]): number {
  return processTree(root, all).reduce((sum, { residentMiB }) => sum + residentMiB, 0);
}

/** Measures a process tree four times a second. The returned function stops that, and gives the most in MiB. */
export function watchMemory(root: number): () => number {
  let most = 0;
  const timer = setInterval(() => (most = Math.max(most, treeMiB(root, processes()))), 250);
  return () => {
    clearInterval(timer);
    return most;
  };
}
