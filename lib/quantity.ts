import { UserError } from "./userError";

/**
 * Kubernetes quantities (`150m`, `0.5`, `100Mi`, `1e3`), exact.
 *
 * Grammar and rounding are those of k8s.io/apimachinery/pkg/api/resource, which rounds what is finer than a nano-unit up
 * to one. Values beyond 2^63-1 units are an error here; Kubernetes would silently cap them.
 */

/** An amount in nano-units: 1 CPU or 1 byte is 1_000_000_000n. */
export type NanoUnits = bigint;

/** How a quantity is written: powers of ten (`m`, `k`, `M`) or of two (`Ki`, `Mi`). */
export type QuantityFormat = "decimal" | "binary";

/** A number that is not a whole one, exact. */
export interface Ratio {
  numerator: bigint;
  denominator: bigint;
}

const nano = 1_000_000_000n;
const largest = (2n ** 63n - 1n) * nano;

const decimalSuffixes: [suffix: string, exponent: number][] = [
  ["E", 18],
  ["P", 15],
  ["T", 12],
  ["G", 9],
  ["M", 6],
  ["k", 3],
  ["", 0],
  ["m", -3],
  ["u", -6],
  ["n", -9],
];
const binarySuffixes = ["Ei", "Pi", "Ti", "Gi", "Mi", "Ki"];

const shape = /^([+-]?)(\d+(?:\.\d*)?|\.\d+)((?:[eE][+-]?\d+)|[EPTGMK]i|[EPTGMkmun]?)$/;

/**
 * Parses a quantity.
 * @throws UserError that says what a quantity looks like, when the text is none or too large.
 */
export function parseQuantity(text: string): NanoUnits {
  const [, sign, digits, suffix] = shape.exec(text) ?? [];
  if (digits === undefined || suffix === undefined) {
    throw new UserError(
      `"${text}" is not a Kubernetes quantity; write it like 150m, 0.5, 100Mi or 1Gi.`,
    );
  }
  const [whole = "", fraction = ""] = digits.split(".");
  const mantissa = BigInt(whole + fraction);
  const scaled = multiply(mantissa, multiplier(suffix), fraction.length);
  if (scaled === undefined || scaled > largest) {
    throw new UserError(`"${text}" is too large; Kubernetes quantities end at 2^63-1.`);
  }
  return sign === "-" ? -scaled : scaled;
}

/**
 * Parses a decimal number such as `0.5` or `2`, without suffix or exponent.
 * @throws UserError for another text.
 */
export function parseDecimal(text: string): Ratio {
  if (!/^-?\d+(\.\d+)?$/.test(text)) {
    throw new UserError(`"${text}" is not a decimal number; write it like 0.5.`);
  }
  const [whole = "", fraction = ""] = text.split(".");
  return { numerator: BigInt(whole + fraction), denominator: 10n ** BigInt(fraction.length) };
}

/**
 * Writes an amount with the largest suffix that leaves a whole number: 500_000_000n is `500m`, and 1024 * 1024 bytes
 * are `1Mi` in the binary format and `1048576` in the decimal one. Below one unit only the decimal format has suffixes.
 */
export function formatQuantity(amount: NanoUnits, format: QuantityFormat): string {
  if (amount === 0n) {
    return "0";
  }
  if (format === "binary") {
    const exponent = binarySuffixes.findIndex((_, index) => amount % binaryUnit(index) === 0n);
    if (exponent >= 0) {
      return `${amount / binaryUnit(exponent)}${binarySuffixes[exponent]}`;
    }
  }
  for (const [suffix, exponent] of decimalSuffixes) {
    const unit = 10n ** BigInt(exponent + 9);
    // A byte count that no binary suffix fits is written plain: 1500000, not 1500k.
    const allowed = format === "decimal" || exponent <= 0;
    if (allowed && amount % unit === 0n) {
      return `${amount / unit}${suffix}`;
    }
  }
  return `${amount}n`;
}

/**
 * Multiplies an amount and rounds it to a multiple of `step`, half up. An amount above 0 becomes at least `step`, because
 * the scheduler would not count a container with a request of 0.
 */
export function scaleQuantity(amount: NanoUnits, factor: Ratio, step: NanoUnits): NanoUnits {
  const divisor = factor.denominator * step;
  const steps = (2n * amount * factor.numerator + divisor) / (2n * divisor);
  return steps === 0n && amount > 0n && factor.numerator > 0n ? step : steps * step;
}

/** Nano-units of the binary suffix at a place of `binarySuffixes`. */
function binaryUnit(index: number): bigint {
  return 1024n ** BigInt(binarySuffixes.length - index) * nano;
}

/** What a suffix multiplies by: a factor and a power of ten. */
function multiplier(suffix: string): { factor: bigint; exponent: number } {
  if (suffix.endsWith("i")) {
    return {
      factor: 1024n ** BigInt(binarySuffixes.length - binarySuffixes.indexOf(suffix)),
      exponent: 0,
    };
  }
  const decimal = decimalSuffixes.find(([name]) => name === suffix);
  return { factor: 1n, exponent: decimal ? decimal[1] : Number(suffix.slice(1)) };
}

/** mantissa * multiplier in nano-units, rounded up; undefined when far beyond what Kubernetes counts. */
function multiply(
  mantissa: bigint,
  { factor, exponent }: { factor: bigint; exponent: number },
  fractionDigits: number,
): bigint | undefined {
  if (mantissa === 0n) {
    return 0n;
  }
  // Exponents are unbounded in the grammar: decide before computing a power that fills the memory.
  const digits = mantissa.toString().length;
  const power = exponent - fractionDigits + 9;
  if (digits + power > 40) {
    return undefined;
  }
  if (power >= 0) {
    return mantissa * factor * 10n ** BigInt(power);
  }
  if (digits + power < -40) {
    return 1n;
  }
  const divisor = 10n ** BigInt(-power);
  return (mantissa * factor + divisor - 1n) / divisor;
}
