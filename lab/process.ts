/** Runs child processes, to their end or in the background. */
import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import os from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

export interface RunOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Text for standard input; default none. */
  input?: string;
  /** Called with each piece of output of both streams, as it comes. */
  onOutput?: (text: string) => void;
  /** Return a non-zero exit instead of throwing. */
  allowFailure?: boolean;
  /** When it aborts, the program gets SIGINT, as from Ctrl-C, and ends by itself. */
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
  // If a program ends without reading its input, its exit code counts, and not the broken pipe.
  child.stdin?.on("error", () => undefined);
  child.stdin?.end(options.input);
  const code = await new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (exit, signal) => resolve(exitCode(exit, signal)));
  }).finally(() => options.signal?.removeEventListener("abort", interrupt));
  if (code !== 0 && !options.allowFailure) {
    const lines = (stderr.trim() || stdout.trim()).split("\n");
    // Pulumi's last lines are a summary, which says less.
    const errors = lines.filter((line) => /^\s*error: /.test(line));
    const words = (errors.length > 0 ? errors : lines)
      .slice(-3)
      .map((line) => line.trim())
      .join("; ");
    throw new Error(`${command} ${args[0] ?? ""} failed with exit code ${code}: ${words}`);
  }
  return { code, stdout, stderr };
}

/** The exit code, as a shell gives it: after a signal 128 plus the signal's number. */
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
  // The terminal sends Ctrl-C to the child, too. This process must live on to report the child's exit code.
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

/** Sets this process' exit code to that of a command. If the command fails with an error, prints it and sets 1. */
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

/** A process that outlives this one. Its start time distinguishes it from a later process with the same id. */
export interface ProcessId {
  pid: number;
  /** Clock ticks after boot, field 22 of /proc/<pid>/stat. */
  startTime: string;
}

/**
 * The fields of /proc/<pid>/stat after the command, from field 3 in proc(5) on: state, parent, and so on. The command
 * is in brackets and may have blanks. Throws when there is no such process.
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

/** Whether this process still runs, and not only another one with its id. */
export function isRunning(id: ProcessId): boolean {
  return identify(id.pid)?.startTime === id.startTime;
}

/** Starts a program beside this process, with its output in a file. If this process ends without ending it, it ends too. */
export function startBeside(
  program: string,
  args: readonly string[],
  { log, env }: { log: string; env?: NodeJS.ProcessEnv },
): ChildProcess {
  const output = openSync(log, "a", 0o600);
  const child = spawn(program, args, { env, stdio: ["ignore", output, output] });
  closeSync(output);
  process.once("exit", () => child.kill());
  return child;
}

/** Ends a program that {@link startBeside} started, and waits for its end. */
export async function endBeside(child: ChildProcess | undefined): Promise<void> {
  const id = child?.pid === undefined ? undefined : identify(child.pid);
  if (id) await end(id);
}

/** Ends this process, and waits for its end. */
export async function end(id: ProcessId): Promise<void> {
  for (let i = 0; isRunning(id); i++) {
    try {
      process.kill(id.pid, i < 20 ? "SIGTERM" : "SIGKILL");
    } catch (error) {
      // It has just ended by itself.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
    await sleep(100);
  }
}

/** Repeats `probe` until it is true. Throws `message()` after `seconds`. Pauses so many milliseconds in between. */
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
