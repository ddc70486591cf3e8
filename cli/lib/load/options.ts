import { UsageError } from "../command";
import { durationMs } from "./duration";

/** The texts of the command line that {@link loadOptions} reads. */
export interface LoadTexts {
  cold: string;
  seconds: string;
  connections: string;
  path: string;
  "max-cold-p95"?: string;
  "min-rps"?: string;
}

/** What is measured, and what it must not exceed. */
export interface LoadOptions {
  /** Number of cold starts. */
  cold: number;
  /** How long the full load lasts, in seconds. */
  seconds: number;
  /** Connections of the full load. */
  connections: number;
  /** Path of every request. */
  path: string;
  /** The most that the 95th percentile of the cold starts may be, in milliseconds; undefined for no limit. */
  maxColdP95?: number;
  /** The least answers a second under load; undefined for no limit. */
  minRps?: number;
}

/**
 * Reads the numbers of the command line. Their ranges bound a run in count and time.
 * @throws UsageError that names the option.
 */
export function loadOptions(texts: LoadTexts): LoadOptions {
  const { path, "max-cold-p95": p95, "min-rps": rps } = texts;
  const options = {
    cold: wholeNumber("cold", texts.cold, 0, 200),
    seconds: wholeNumber("seconds", texts.seconds, 0, 600),
    connections: wholeNumber("connections", texts.connections, 1, 1000),
    path,
    maxColdP95: p95 === undefined ? undefined : durationMs(p95),
    minRps: rps === undefined ? undefined : wholeNumber("min-rps", rps, 1, 1_000_000),
  };
  if (!/^\/\S*$/.test(path)) {
    throw new UsageError(`--path is "${path}"; write a path that begins with /, such as /healthz.`);
  }
  if (p95 !== undefined && !options.maxColdP95) {
    throw new UsageError(`--max-cold-p95 is "${p95}"; write a time such as 2s or 1500ms.`);
  }
  if (options.cold === 0 && options.seconds === 0) {
    throw new UsageError("--cold 0 and --seconds 0 leave nothing to measure.");
  }
  if (p95 !== undefined && options.cold === 0) {
    throw new UsageError("--max-cold-p95 needs cold starts, and --cold is 0.");
  }
  if (rps !== undefined && options.seconds === 0) {
    throw new UsageError("--min-rps needs a load, and --seconds is 0.");
  }
  return options;
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) {
    throw new UsageError(`--${name} is "${text}"; write a whole number from ${least} to ${most}.`);
  }
  return value;
}
