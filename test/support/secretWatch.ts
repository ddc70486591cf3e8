/** Looks for secrets where they must not be: in process lists while something runs, and in files. */
import { lstatSync, readdirSync, readFileSync, statSync, type Stats } from "node:fs";
import path from "node:path";
import { identify, processIds } from "../../lab/process";

/** Where a process was seen with some text. */
export interface Sighting {
  /** `cmdline` and `environ` as in /proc. */
  where: "cmdline" | "environ";
  /** The process' command line, cut off. */
  process: string;
  /** Whether another user could have read it: environ is its owner's alone, unless the kernel says otherwise. */
  isPublic: boolean;
}

/**
 * Watches the command lines and environments of all processes of this machine, lab hosts' included, as tightly as one
 * process can. What was seen is kept, for some secrets are known only later.
 */
export class ProcessWatch {
  private readonly seen = new Map<string, Omit<Sighting, "where"> & { where: Sighting["where"] }>();
  /** Command line with which a process was seen last, by id and start. */
  private readonly known = new Map<string, string>();
  private readonly timer: NodeJS.Timeout;
  /** Rounds through all processes. */
  rounds = 0;

  constructor(everyMilliseconds: number) {
    this.timer = setInterval(() => this.look(), everyMilliseconds);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Command lines seen so far. */
  get commands(): string[] {
    return [...this.seen].filter(([, { where }]) => where === "cmdline").map(([text]) => text);
  }

  /** Every sighting of any of these texts. */
  sightings(secrets: string[]): Sighting[] {
    return [...this.seen]
      .filter(([text]) => secrets.some((secret) => text.includes(secret)))
      .map(([, sighting]) => sighting);
  }

  private look(): void {
    this.rounds += 1;
    for (const pid of processIds()) {
      try {
        const folder = `/proc/${pid}`;
        const command = readFileSync(path.join(folder, "cmdline"), "latin1").replaceAll("\0", " ");
        const start = identify(pid)?.startTime;
        const id = `${pid} ${start}`;
        if (command === "" || !start || this.known.get(id) === command) continue;
        this.known.set(id, command);
        this.keep("cmdline", command, command, true);
        const file = path.join(folder, "environ");
        const isPublic = (statSync(file).mode & 0o044) !== 0;
        this.keep("environ", readFileSync(file, "latin1"), command, isPublic);
      } catch {
        // It has ended.
      }
    }
  }

  private keep(where: Sighting["where"], text: string, command: string, isPublic: boolean): void {
    this.seen.set(text, { where, process: command.slice(0, 200), isPublic });
  }
}

/** The texts that give a private key away: each line of its body, plain or as it stands in JSON or a shell word. */
export function keyLines(pem: string): string[] {
  return pem.split("\n").filter((line) => /^[A-Za-z0-9+/=]{40,}$/.test(line));
}

/**
 * Files below a folder, or the file itself, that hold any of the texts. Those larger than 64 MiB, which programs and images
 * are, and those older than `since` are left out.
 * @param forOthers Only files that another user can read: by their own mode, and by those of the folders on the way.
 */
export function filesWith(
  folder: string,
  secrets: string[],
  since: Date,
  forOthers = false,
): string[] {
  const found: string[] = [];
  const needles = secrets.map((secret) => Buffer.from(secret));
  // In group root is root alone.
  const isOpen = ({ mode, gid }: Stats, bits: number): boolean =>
    !forOthers || (mode & bits & (gid === 0 ? 0o007 : 0o077)) !== 0;
  const visit = (file: string): void => {
    try {
      const stat = lstatSync(file);
      if (stat.isDirectory() && isOpen(stat, 0o011))
        for (const name of readdirSync(file)) visit(path.join(file, name));
      if (!stat.isFile() || stat.size > 64 * 1024 * 1024) return;
      if (stat.mtime < since || !isOpen(stat, 0o044)) return;
      const content = readFileSync(file);
      if (needles.some((needle) => content.includes(needle))) found.push(file);
    } catch {
      // It went away meanwhile.
    }
  };
  visit(folder);
  return found;
}
