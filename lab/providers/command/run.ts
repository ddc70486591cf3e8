/** Running one command over SSH, with the errors of golang.org/x/crypto/ssh as pulumi-command words them. */
import { Dialled } from "./connection";

/** Longest line that the official provider can log: a longer one makes it wait for ever. */
const maxLine = 64 * 1024;

export interface Output {
  stdout: string;
  stderr: string;
}

export interface RunRequest {
  command: string;
  stdin?: string;
  logStdout: boolean;
  logStderr: boolean;
  /** Called with every line that is to be logged, of both streams in the order they come. */
  onLine(line: string): void;
  signal: AbortSignal;
}

/** A string as Go's %q. */
export function goQuote(text: string): string {
  return `"${text.replace(/["\\\u0000-\u001f\u007f]/g, (c) => {
    const named = {
      "\n": "\\n",
      "\t": "\\t",
      "\r": "\\r",
      "\v": "\\v",
      "\f": "\\f",
      "\b": "\\b",
      "\u0007": "\\a",
    };
    if (c === '"' || c === "\\") return `\\${c}`;
    return named[c as keyof typeof named] ?? `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`;
  })}"`;
}

/** Cuts a stream of pieces into lines, as Go's bufio.Scanner. */
export class Lines {
  private rest = "";
  constructor(private readonly onLine: (line: string) => void) {}

  add(text: string): void {
    const lines = (this.rest + text).split("\n");
    this.rest = lines.pop() ?? "";
    for (const line of lines) this.onLine(line.replace(/\r$/, ""));
    if (Buffer.byteLength(this.rest) >= maxLine) {
      throw new Error(
        `a line of output is longer than 64 KiB; the official provider would wait for ever here. ` +
          `Set logging to "none", or break the line`,
      );
    }
  }

  end(): void {
    if (this.rest) this.onLine(this.rest.replace(/\r$/, ""));
    this.rest = "";
  }
}

const withoutNewline = (pieces: Buffer[]) => Buffer.concat(pieces).toString().replace(/\n$/, "");

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
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  const both: Buffer[] = [];
  const lines = new Lines(request.onLine);
  let broken: Error | undefined;
  const end = () => connection.end();
  request.signal.addEventListener("abort", end);

  const failure = await new Promise<string | undefined>((resolve, reject) => {
    let code: number | null | undefined;
    let signal: string | undefined;
    const take = (pieces: Buffer[], log: boolean) => (piece: Buffer) => {
      pieces.push(piece);
      both.push(piece);
      if (!log || broken) return;
      try {
        lines.add(piece.toString());
      } catch (error) {
        broken = error as Error;
        connection.end();
      }
    };
    const onClose = () => resolve(exitError(code, signal));
    connection.client.once("close", onClose);
    // Listen at once: a short command's whole answer may come in the packet that opens the channel.
    connection.client.exec(request.command, (error, channel) => {
      if (error) return reject(new Error(`ssh: command ${request.command} failed`));
      channel.on("data", take(stdout, request.logStdout));
      channel.stderr.on("data", take(stderr, request.logStderr));
      channel.once("exit", (exit: number | null, name?: string) => {
        code = exit;
        signal = name;
      });
      channel.once("close", onClose);
      channel.on("error", () => undefined);
      channel.stdin.on("error", () => undefined);
      channel.stdin.end(request.stdin);
    });
  });
  request.signal.removeEventListener("abort", end);
  lines.end();
  if (broken) throw broken;
  if (failure !== undefined) {
    throw new Error(
      `${failure}: running ${goQuote(request.command)}:\n${Buffer.concat(both).toString()}`,
    );
  }
  return { stdout: withoutNewline(stdout), stderr: withoutNewline(stderr) };
}
