import { isRecord } from "./json";
import { suggestion } from "./nearest";
import { Problem } from "./problem";

/**
 * Checks values of a configuration, of whatever shape the user gave them, and collects what is wrong. Paths are those below
 * one key; "" is the key itself. A value that is left out is no problem.
 */
export class Check {
  /**
   * @param key The key that the paths are below; "" for the whole configuration.
   * @param problems Where problems are added, in the order in which they are found.
   */
  constructor(
    private readonly key = "",
    public readonly problems: Problem[] = [],
  ) {}

  /** A check of what is below a path, which adds to the same problems. */
  public below(path: string): Check {
    return new Check(this.at(path), this.problems);
  }

  /** Adds a problem of what stands at a path. */
  public add(path: string, message: string): void {
    this.problems.push({ key: this.at(path), message });
  }

  /** That a mapping has no other fields than the known ones. */
  public knownFields(path: string, value: Record<string, unknown>, known: readonly string[]): void {
    for (const field of Object.keys(value).filter((name) => !known.includes(name))) {
      this.add(joined(path, field), `there is no such field; ${suggestion(field, known)}`);
    }
  }

  /** A whole number in that range. */
  public wholeNumber(path: string, value: unknown, least: number, most: number): void {
    if (
      value !== undefined &&
      !(Number.isInteger(value) && Number(value) >= least && Number(value) <= most)
    ) {
      this.add(path, `${JSON.stringify(value)} is not a whole number from ${least} to ${most}.`);
    }
  }

  /** A text that is not empty. */
  public filledText(path: string, value: unknown): void {
    if (value !== undefined && (typeof value !== "string" || value === "")) {
      this.add(path, `${JSON.stringify(value)} is not a text; put it in quotes.`);
    }
  }

  /** A mapping of names to texts; whether it is. */
  public texts(path: string, value: unknown): boolean {
    if (value === undefined) {
      return true;
    }
    if (!isRecord(value)) {
      this.add(path, "a mapping of names to texts was expected.");
      return false;
    }
    const wrong = Object.entries(value).filter(([, text]) => typeof text !== "string");
    for (const [name] of wrong) {
      this.add(`${path}.${name}`, "a text was expected; put the value in quotes.");
    }
    return wrong.length === 0;
  }

  /** One of the known texts. */
  public oneOf(path: string, value: unknown, known: readonly string[]): void {
    if (value !== undefined && !known.includes(value as string)) {
      this.add(path, `${JSON.stringify(value)} is none of ${known.join(", ")}.`);
    }
  }

  /** A duration as Go writes it, from so many seconds to an hour. */
  public duration(path: string, value: unknown, least: number): void {
    const seconds = typeof value === "string" ? durationSeconds(value) : undefined;
    if (value !== undefined && (seconds === undefined || seconds < least || seconds > 3600)) {
      this.add(
        path,
        `${JSON.stringify(value)} is no duration from ${least}s to 1h; write it like 30s, 5m or 1m30s.`,
      );
    }
  }

  /** True or false. */
  public trueOrFalse(path: string, value: unknown): void {
    if (value !== undefined && typeof value !== "boolean") {
      this.add(path, `${JSON.stringify(value)} is neither true nor false.`);
    }
  }

  private at(path: string): string {
    return joined(this.key, path);
  }
}

/** A path below another one; "" stands for no path. */
function joined(path: string, below: string): string {
  return [path, below].filter(Boolean).join(".");
}

/** Seconds of a Go duration of hours, minutes and seconds; undefined for anything else. */
function durationSeconds(text: string): number | undefined {
  const [matched, hours, minutes, seconds] = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text) ?? [];
  return matched
    ? Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60 + Number(seconds ?? 0)
    : undefined;
}
