/** The output of a command, kept and logged line by line, and the errors that show it. */

/** The longest line that the official provider can log. After a longer one it waits forever. */
const maxLine = 64 * 1024;

/** Both streams, each without one final newline. */
export interface Output {
  stdout: string;
  stderr: string;
}

/** Which streams are logged line by line. */
export type Logging = "stdout" | "stderr" | "stdoutAndStderr" | "none";

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

  /** Throws on a line that is too long. */
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

/** The output of one command while it runs. */
export class Collector {
  private readonly pieces: { stream: keyof Output; piece: Buffer }[] = [];
  private readonly lines: Lines;
  private broken?: Error;

  /**
   * @param command named in the error when it fails
   * @param onLine called with every line of the logged streams, in the order they come
   * @param stop called once, to end the command, when its output cannot be logged
   */
  constructor(
    private readonly command: string,
    private readonly logging: Logging,
    onLine: (line: string) => void,
    private readonly stop: () => void,
  ) {
    this.lines = new Lines(onLine);
  }

  /** Takes a piece of a stream. Never throws, because nobody would catch it. */
  take(stream: keyof Output, piece: Buffer): void {
    this.pieces.push({ stream, piece });
    if (this.broken || !["stdoutAndStderr", stream].includes(this.logging)) return;
    try {
      this.lines.add(piece.toString());
    } catch (error) {
      this.broken = error as Error;
      this.stop();
    }
  }

  /**
   * What the command wrote, once it has ended.
   * @param failure its own sentence, or undefined for success
   * @throws the official provider's error, with the output of both streams
   */
  result(failure: string | undefined): Output {
    this.lines.end();
    if (this.broken) throw this.broken;
    if (failure !== undefined) {
      throw new Error(`${failure}: running ${goQuote(this.command)}:\n${this.text()}`);
    }
    const of = (stream: keyof Output) => this.text(stream).replace(/\n$/, "");
    return { stdout: of("stdout"), stderr: of("stderr") };
  }

  private text(only?: keyof Output): string {
    const chosen = this.pieces.filter(({ stream }) => only === undefined || stream === only);
    return Buffer.concat(chosen.map(({ piece }) => piece)).toString();
  }
}
