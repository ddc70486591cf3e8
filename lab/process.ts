/** Child processes, run to their end or left running in the background. */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import os from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

export interface RunOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Text for standard input; default none. */
  input?: string;
  /** Called with every piece of output as it comes, of both streams. */
  onOutput?: (text: string) => void;
  /** Return a non-zero exit instead of throwing. */
  allowFailure?: boolean;
  /** Aborted, interrupts the program as Ctrl-C does; it then ends in its own way. */
  signal?: AbortSignal;
}

export interface RunResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end. Throws an error with its last words when it cannot start or exits non-zero. */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    options.onOutput?.(text);
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    options.onOutput?.(text);
  });
  const interrupt = () => child.kill("SIGINT");
  options.signal?.addEventListener("abort", interrupt);
  // A program that ends without reading its input is judged by its exit code, not by the broken pipe.
  child.stdin?.on("error", () => undefined);
  child.stdin?.end(options.input);
  const code = await new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (exit, signal) => resolve(exitCode(exit, signal)));
  }).finally(() => options.signal?.removeEventListener("abort", interrupt));
  if (code !== 0 && !options.allowFailure) {
    const lines = (stderr.trim() || stdout.trim()).split("\n");
    // Pulumi ends with a summary, which tells less.
    const errors = lines.filter((line) => /^\s*error: /.test(line));
    const words = (errors.length > 0 ? errors : lines)
      .slice(-3)
      .map((line) => line.trim())
      .join("; ");
    throw new Error(`${command} ${args[0] ?? ""} failed with exit code ${code}: ${words}`);
  }
  return { code, stdout, stderr };
}

/** The exit code as a shell has it: of a program that a signal ended, 128 and the signal's number. */
function exitCode(exit: number | null, signal: NodeJS.Signals | null): number {
  return exit ?? (signal ? 128 + os.constants.signals[signal] : 1);
}

/** Runs a program with this terminal's own standard streams and returns its exit code. */
export async function runAttached(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<number> {
  const child = spawn(command, args, { ...options, stdio: "inherit" });
  // Ctrl-C reaches the child by the terminal; this process must outlive it to report its exit code.
  const ignore = () => undefined;
  process.on("SIGINT", ignore);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (exit, signal) => resolve(exitCode(exit, signal)));
    });
  } finally {
    process.off("SIGINT", ignore);
  }
}

/** Ends this process with the exit code that a command comes to, or with 1 and the error's message. */
export function exitWith(command: Promise<number>): void {
  command.then(
    (code) => {
      process.exitCode = code;
    },
    (error: Error) => {
      console.error(error.message);
      process.exitCode = 1;
    },
  );
}

/** A process that outlives this one, told apart from a later process of the same id by its start time. */
export interface ProcessId {
  pid: number;
  /** Clock ticks after boot, field 22 of /proc/<pid>/stat. */
  startTime: string;
}

/**
 * The fields of /proc/<pid>/stat that follow the command, whose brackets may hold blanks: state, parent, and so on from
 * field 3 of the manual's. Throws when there is no such process.
 */
export function statFields(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

/** Ids of all processes of this machine. */
export function processIds(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** The identity of a running process, or undefined when there is none of that id. */
export function identify(pid: number): ProcessId | undefined {
  try {
    const fields = statFields(pid);
    if (fields[0] === "Z") return undefined;
    return { pid, startTime: fields[19] ?? "" };
  } catch {
    return undefined;
  }
}

/** Whether that very process still runs. */
export function isRunning(id: ProcessId): boolean {
  return identify(id.pid)?.startTime === id.startTime;
}

/** Ends that very process, and waits for its end. */
export async function end(id: ProcessId): Promise<void> {
  for (let i = 0; isRunning(id); i++) {
    try {
      process.kill(id.pid, i < 20 ? "SIGTERM" : "SIGKILL");
    } catch (error) {
      // It ended by itself meanwhile.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
    await sleep(100);
  }
}

/** Repeats `probe`, with a pause in milliseconds between, until it is true, or throws `message()` after `seconds`. */
export async function waitFor(
  probe: () => Promise<boolean> | boolean,
  seconds: number,
  message: () => string,
  pause = 100,
): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  while (!(await probe())) {
    if (Date.now() > deadline) throw new Error(message());
    await sleep(pause);
  }
}
