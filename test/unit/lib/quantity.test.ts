import assert from "node:assert/strict";
import fc from "fast-check";
import { formatQuantity, parseDecimal, parseQuantity, scaleQuantity } from "../../../lib/quantity";

const unit = 1_000_000_000n;

describe("quantities", () => {
  const written: [string, bigint][] = [
    ["0", 0n],
    ["1", unit],
    ["+1", unit],
    ["-1", -unit],
    ["0.5", unit / 2n],
    [".5", unit / 2n],
    ["5.", 5n * unit],
    ["150m", 150n * 1_000_000n],
    ["1n", 1n],
    ["1u", 1000n],
    ["2k", 2000n * unit],
    ["1M", 10n ** 6n * unit],
    ["1G", 10n ** 9n * unit],
    ["1T", 10n ** 12n * unit],
    ["1P", 10n ** 15n * unit],
    ["1E", 10n ** 18n * unit],
    ["1Ki", 1024n * unit],
    ["100Mi", 100n * 1024n ** 2n * unit],
    ["1.5Gi", (3n * 1024n ** 3n * unit) / 2n],
    ["1Ti", 1024n ** 4n * unit],
    ["1Pi", 1024n ** 5n * unit],
    ["1Ei", 1024n ** 6n * unit],
    ["1e3", 1000n * unit],
    ["1E3", 1000n * unit],
    ["12e-1", (12n * unit) / 10n],
    ["1e-9", 1n],
    ["0e99", 0n],
    // What is finer than a nano-unit rounds up, as in Kubernetes.
    ["0.1n", 1n],
    ["1e-999999", 1n],
    ["1.0000000001", unit + 1n],
  ];
  for (const [text, amount] of written) {
    it(`reads ${text}`, () => assert.equal(parseQuantity(text), amount));
  }

  for (const text of [
    "",
    "m",
    "1 m",
    "1K",
    "1mi",
    "1Mib",
    "0x1",
    "1,5",
    "1e",
    "--1",
    "NaN",
    "1.2.3",
    " 1",
  ]) {
    it(`refuses "${text}"`, () =>
      assert.throws(() => parseQuantity(text), /not a Kubernetes quantity/));
  }

  for (const text of ["1e999999999", "9.3E", "8Ei", "10E"]) {
    it(`refuses ${text} as too large`, () => assert.throws(() => parseQuantity(text), /too large/));
  }

  it("writes the largest suffix that fits", () => {
    assert.equal(formatQuantity(parseQuantity("1000m"), "decimal"), "1");
    assert.equal(formatQuantity(parseQuantity("0.15"), "decimal"), "150m");
    assert.equal(formatQuantity(parseQuantity("2000"), "decimal"), "2k");
    assert.equal(formatQuantity(parseQuantity("1024Mi"), "binary"), "1Gi");
    assert.equal(formatQuantity(parseQuantity("1500000"), "binary"), "1500000");
    assert.equal(formatQuantity(parseQuantity("0Mi"), "binary"), "0");
  });

  const amounts = fc.bigInt({ min: 0n, max: 10n ** 27n });
  const format = fc.constantFrom("decimal", "binary");

  it("reads back what it writes", () => {
    fc.assert(
      fc.property(amounts, format, (amount, form) => {
        assert.equal(parseQuantity(formatQuantity(amount, form)), amount);
      }),
    );
  });

  const suffixes = [
    "n",
    "u",
    "m",
    "",
    "k",
    "M",
    "G",
    "T",
    "P",
    "Ki",
    "Mi",
    "Gi",
    "Ti",
    "e2",
    "E-1",
  ];

  it("orders quantities of one suffix as their numbers", () => {
    const numbers = fc.integer({ min: 0, max: 9000 });
    fc.assert(
      fc.property(numbers, numbers, fc.constantFrom(...suffixes), (a, b, suffix) => {
        const order = Math.sign(
          Number(parseQuantity(`${a}${suffix}`) - parseQuantity(`${b}${suffix}`)),
        );
        assert.equal(order, Math.sign(a - b));
      }),
    );
  });

  const factors = fc
    .tuple(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 0, max: 3 }))
    .map(([digits, places]) => parseDecimal((digits / 10 ** places).toFixed(places)));
  const steps = fc.constantFrom(parseQuantity("1m"), parseQuantity("1Mi"));

  it("scales to the nearest step, never to 0, and keeps order", () => {
    fc.assert(
      fc.property(amounts, amounts, factors, steps, (a, b, factor, step) => {
        const scaled = scaleQuantity(a, factor, step);
        assert.equal(scaled % step, 0n);
        assert.equal(scaled === 0n, a === 0n);
        const error = scaled * factor.denominator - a * factor.numerator;
        if (scaled !== step) {
          assert.ok((error < 0n ? -error : error) * 2n <= step * factor.denominator);
        }
        if (a <= b) {
          assert.ok(scaled <= scaleQuantity(b, factor, step));
        }
      }),
    );
  });

  it("reads decimals exactly, and nothing else", () => {
    assert.deepEqual(parseDecimal("0.50"), { numerator: 50n, denominator: 100n });
    for (const text of ["", "1e1", "0,5", ".5", "50%", "half"]) {
      assert.throws(() => parseDecimal(text), /not a decimal number/);
    }
  });
});
