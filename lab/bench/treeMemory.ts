/** How much memory a command and all that it started hold. */
import { readdirSync, readFileSync } from "node:fs";

const pageBytes = 4096;

/** A process as /proc shows it. */
export interface Process {
  pid: number;
  parent: number;
  /** Resident set, with what it shares with others, in MiB. */
  residentMiB: number;
}

/** All processes of this machine. */
export function processes(): Process[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, "utf8");
        // After the command in brackets, which may hold blanks: state, parent; the resident pages are field 24 of all.
        const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        const residentMiB = (Number(fields[21]) * pageBytes) / 2 ** 20;
        return [{ pid: Number(name), parent: Number(fields[1]), residentMiB }];
      } catch {
        // It ended meanwhile.
        return [];
      }
    });
}

/** Sum of the resident sets of a process and its descendants, in MiB. Pages that several share count for each. */
export function treeMiB(root: number, all: readonly Process[]): number {
  const children = new Map<number, Process[]>();
  for (const each of all) children.set(each.parent, [...(children.get(each.parent) ?? []), each]);
  const sum = (pid: number): number =>
    (children.get(pid) ?? []).reduce(
      (total, child) => total + child.residentMiB + sum(child.pid),
      0,
    );
  return (all.find(({ pid }) => pid === root)?.residentMiB ?? 0) + sum(root);
}

/** Looks four times a second at what a process tree holds; the function it returns ends that and tells the most, in MiB. */
export function watchMemory(root: number): () => number {
  let most = 0;
  const timer = setInterval(() => (most = Math.max(most, treeMiB(root, processes()))), 250);
  return () => {
    clearInterval(timer);
    return most;
  };
}
