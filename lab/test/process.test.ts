import { strict as assert } from "node:assert";
import { run } from "../process";

describe("lab's programs that fail", () => {
  const says = (script: string, words: RegExp) => assert.rejects(run("sh", ["-c", script]), words);

  it("are told of by their last words", () =>
    says(
      "printf 'one\\ntwo\\nthree\\n  four\\n' >&2; exit 3",
      /^Error: sh -c failed with exit code 3: two; three; four$/,
    ));

  it("are told of by their errors, where a summary comes after them", () =>
    says(
      "printf '  error: no such key\\nResources:\\n  1 errored\\nDuration: 1s\\n'; exit 1",
      /^Error: sh -c failed with exit code 1: error: no such key$/,
    ));
});
