/** Commands that are timed or may run for minutes. They end when the bench is interrupted. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** A line of standard output, and the seconds from the start of the command to its arrival. */
export interface TimedLine {
  seconds: number;
  line: string;
}

/** What a command said, and how long it took. */
export interface TimedRun {
  /** Wall time from start to exit, in seconds. */
  seconds: number;
  lines: TimedLine[];
}

export interface TimedOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** When it aborts, the command and its child processes end. */
  signal: AbortSignal;
  /** Called with the command's process id once it runs. */
  onStart?: (pid: number) => void;
}

/**
 * Runs a command to its end, in a process group of its own.
 * Throws an error with its last words when it cannot start, exits non-zero, or is ended by the signal.
 */
export async function timed(
  command: string,
  args: readonly string[],
  { cwd, env, signal, onStart }: TimedOptions,
): Promise<TimedRun> {
  signal.throwIfAborted();
  const start = performance.now();
  const elapsed = () => (performance.now() - start) / 1000;
  const child = spawn(command, args, {
    cwd,
    env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines: TimedLine[] = [];
  createInterface(child.stdout).on("line", (line) => lines.push({ seconds: elapsed(), line }));
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const kill = () => {
    // The whole group, because the children of a shell would go on. It may be gone already.
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGTERM");
  };
  signal.addEventListener("abort", kill);
  child.once("spawn", () => onStart?.(child.pid as number));
  try {
    let seconds = 0;
    child.once("exit", () => (seconds = elapsed()));
    const code = await new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (exit) => resolve(exit ?? 1));
    });
    signal.throwIfAborted();
    if (code !== 0) {
      const said = stderr.trim() || lines.map(({ line }) => line).join("\n");
      throw new Error(
        `${command} ${args[0] ?? ""} failed with exit code ${code}: ${said.split("\n").slice(-5).join("; ")}`,
      );
    }
    return { seconds, lines };
  } finally {
    signal.removeEventListener("abort", kill);
  }
}
