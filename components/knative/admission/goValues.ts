/**
 * Values in the forms in which Go's standard library parses them, as Knative reads its annotations and ConfigMaps.
 */

const unitSeconds: Record<string, number> = {
  ns: 1e-9,
  us: 1e-6,
  µs: 1e-6,
  μs: 1e-6,
  ms: 1e-3,
  s: 1,
  m: 60,
  h: 3600,
};

/** Seconds of a duration, as time.ParseDuration reads it: `1m30s`, `1.5h`, `0`; undefined for anything else. */
export function goDuration(text: string): number | undefined {
  const [, sign, amount = ""] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  const part = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g;
  if (amount !== "0" && (amount === "" || amount.replace(part, "") !== "")) {
    return undefined;
  }
  const seconds = [...amount.matchAll(part)].reduce(
    (sum, [, count, unit = ""]) => sum + Number(count) * (unitSeconds[unit] ?? NaN),
    0,
  );
  // Go counts nanoseconds in 64 bits.
  return seconds > 2 ** 63 / 1e9 ? undefined : sign === "-" ? -seconds : seconds;
}

/** True for seconds without a fraction; the sum of a duration's parts may miss it by rounding. */
export function isWholeSeconds(seconds: number): boolean {
  return Math.abs(seconds - Math.round(seconds)) < 1e-9;
}

/** A whole number of so many bits, as strconv.ParseInt reads it with base 10; undefined for anything else. */
export function goInteger(text: string, bits: 32 | 64): number | undefined {
  const bound = 2n ** BigInt(bits - 1);
  const value = /^[+-]?\d+$/.test(text) ? BigInt(text.replace("+", "")) : undefined;
  return value === undefined || value < -bound || value >= bound ? undefined : Number(value);
}

/**
 * A decimal number, as strconv.ParseFloat reads it; undefined for anything else. Of what Go reads besides, hexadecimal
 * numbers, infinity and NaN, no setting of Knative has a use.
 */
export function goNumber(text: string): number | undefined {
  const value = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/.test(text) ? Number(text) : Infinity;
  return Number.isFinite(value) ? value : undefined;
}

/** True or false, as strconv.ParseBool reads it; undefined for anything else. */
export function goBoolean(text: string): boolean | undefined {
  if (/^(1|t|T|TRUE|true|True)$/.test(text)) {
    return true;
  }
  return /^(0|f|F|FALSE|false|False)$/.test(text) ? false : undefined;
}
