/** Running one command over SSH, with the errors of golang.org/x/crypto/ssh as pulumi-command words them. */
import { Dialled } from "./connection";
import { Collector, Logging, Output } from "./output";

export interface RunRequest {
  command: string;
  stdin?: string;
  logging: Logging;
  /** Called with every line that is to be logged, of both streams in the order they come. */
  onLine(line: string): void;
  signal: AbortSignal;
}

/** POSIX signal numbers that Go's ssh package adds to 128. */
const signals: Record<string, number> = {
  ABRT: 6,
  ALRM: 14,
  FPE: 8,
  HUP: 1,
  ILL: 4,
  INT: 2,
  KILL: 9,
  PIPE: 13,
  QUIT: 3,
  SEGV: 11,
  TERM: 15,
};

/** The failure's own sentence, or undefined for success. */
export function exitError(
  code: number | null | undefined,
  signal: string | undefined,
): string | undefined {
  if (code === 0) return undefined;
  if (signal) {
    const name = signal.replace(/^SIG/, "");
    return `Process exited with status ${128 + (signals[name] ?? 0)} from signal ${name}`;
  }
  if (typeof code === "number") return `Process exited with status ${code}`;
  return "wait: remote command exited without exit status or exit signal";
}

/** Runs the command to its end. Throws the official provider's error, both streams' output included. */
export async function run(connection: Dialled, request: RunRequest): Promise<Output> {
  const end = () => connection.end();
  const output = new Collector(request.command, request.logging, request.onLine, end);
  request.signal.addEventListener("abort", end);
  const failure = await new Promise<string | undefined>((resolve, reject) => {
    let code: number | null | undefined;
    let signal: string | undefined;
    const onClose = () => resolve(exitError(code, signal));
    connection.client.once("close", onClose);
    // At once, because all output of a short command may come in the packet that opens the channel.
    connection.client.exec(request.command, (error, channel) => {
      if (error) return reject(new Error(`ssh: command ${request.command} failed`));
      channel.on("data", (piece: Buffer) => output.take("stdout", piece));
      channel.stderr.on("data", (piece: Buffer) => output.take("stderr", piece));
      channel.once("exit", (exit: number | null, name?: string) => {
        code = exit;
        signal = name;
      });
      channel.once("close", onClose);
      channel.on("error", () => undefined);
      channel.stdin.on("error", () => undefined);
      channel.stdin.end(request.stdin);
    });
  }).finally(() => request.signal.removeEventListener("abort", end));
  return output.result(failure);
}
