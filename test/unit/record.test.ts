import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { records } from "../support/record";

describe("what the program registers", () => {
  it("is what test/record says: read the difference, then npm run record", async () => {
    const folder = path.join(__dirname, "../record");
    const files: string[] = [];
    for await (const [file, text] of records()) {
      files.push(file);
      const recorded = path.join(folder, file);
      assert.equal(text, fs.existsSync(recorded) ? fs.readFileSync(recorded, "utf8") : "", file);
    }
    const kept = fs.readdirSync(folder).filter((file) => file.endsWith(".txt"));
    assert.deepEqual(kept.sort(), files.sort());
  }).timeout(120_000);
});
