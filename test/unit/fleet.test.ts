import assert from "node:assert/strict";
import { changesText, FleetResult, fleetSummary, inParallel, matchStacks } from "../../edge/fleet";

describe("a fleet", () => {
  const names = ["edge10", "dev", "edge2", "edge1", "shop.lab"];

  const patterns: Record<string, string[]> = {
    "*": ["dev", "edge1", "edge2", "edge10", "shop.lab"],
    "edge*": ["edge1", "edge2", "edge10"],
    "edge?": ["edge1", "edge2"],
    dev: ["dev"],
    "shop.lab": ["shop.lab"],
    "shop?lab": ["shop.lab"],
    "s.*": [],
    "(": [],
    edge: [],
  };
  for (const [pattern, matches] of Object.entries(patterns)) {
    it(`takes ${matches.join(", ") || "nothing"} by the pattern ${pattern}`, () => {
      assert.deepEqual(matchStacks(names, pattern), matches);
    });
  }

  it("works on so many at a time, and keeps the order", async () => {
    let running = 0;
    let most = 0;
    const results = await inParallel([30, 5, 10, 1], 2, async (delay) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, delay));
      running--;
      return delay;
    });
    assert.deepEqual(results, [30, 5, 10, 1]);
    assert.equal(most, 2);
  });

  it("does all there is to do with more hands than items", async () => {
    assert.deepEqual(await inParallel([1], 8, async (item) => item * 2), [2]);
    assert.deepEqual(await inParallel([], 8, async (item) => item), []);
  });

  it("sums up in a table", () => {
    const results: FleetResult[] = [
      { stack: "edge1", changes: { same: 80, update: 2, create: 1 }, seconds: 12.34 },
      { stack: "edge2", changes: {}, seconds: 3, error: "no route to host" },
    ];
    assert.equal(
      fleetSummary(results, 12.5),
      [
        "stack  result  changes             seconds",
        "-----  ------  ------------------  -------",
        "edge1  ok      2 update, 1 create     12.3",
        "edge2  failed  none                    3.0",
        "",
        "edge2: no route to host",
        "",
        "1 of 2 stacks ok, in 12.5 s",
      ].join("\n"),
    );
  });

  it("has no changes where everything is the same", () => {
    assert.equal(changesText({ same: 91 }), "none");
    assert.equal(changesText({ same: 91, replace: 0, delete: 2 }), "2 delete");
  });
});
