import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { quote, renderScript } from "../../../../components/host/shell";

/** What sh prints for a script given by stdin. */
function sh(script: string): string {
  return execFileSync("sh", ["-s"], { input: script, encoding: "utf8" });
}

describe("shell", () => {
  const text = fc.string({
    unit: fc.constantFrom(..."'\"\\$`!*?~#&|;<>(){}[] \t\n\r=aA0-é€".split("")),
    maxLength: 60,
  });

  it("quotes any text as one word", () => {
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 5 }), (words) => {
        // A trailing mark, since words may end in newlines; one sh for many words, since each run takes time.
        assert.equal(
          sh(`printf '%s|' ${words.map(quote).join(" ")}`),
          words.map((word) => `${word}|`).join(""),
        );
      }),
      { numRuns: 60 },
    );
  });

  it("hands variables to the script as they are", () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        assert.equal(
          sh(renderScript({ FIRST: a, SECOND_2: b }, `printf '%s|' "$FIRST" "$SECOND_2"\n`)),
          `${a}|${b}|`,
        );
      }),
      { numRuns: 40 },
    );
  });

  it("runs nothing that a variable holds", () => {
    assert.equal(
      sh(renderScript({ A: "$(echo run)`echo run`';echo run;'" }, 'printf %s "$A"')),
      "$(echo run)`echo run`';echo run;'",
    );
  });

  it("refuses what a shell cannot hold", () => {
    assert.throws(() => quote("a\0b"), /NUL/);
    for (const name of ["1A", "A-B", "", "A B", "A=B"]) {
      assert.throws(() => renderScript({ [name]: "x" }, ""), /not a shell variable name/);
    }
  });
});
