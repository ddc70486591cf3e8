import assert from "node:assert/strict";
import { changedStacks } from "../../../cli/lib/changedStacks";

describe("the stacks that a change touches", () => {
  const stacks = ["edge1", "edge2"];

  const cases: Record<string, { files: string[]; touched: string[] }> = {
    nothing: { files: [], touched: [] },
    "a stack's own file": { files: ["Pulumi.edge2.yaml"], touched: ["edge2"] },
    "two stacks' files": { files: ["Pulumi.edge2.yaml", "Pulumi.edge1.yaml"], touched: stacks },
    "the project": { files: ["Pulumi.yaml"], touched: stacks },
    "the program": { files: ["index.ts"], touched: stacks },
    "a component": { files: ["docs/operations.md", "components/host/k0sHost.ts"], touched: stacks },
    "a script for the host": { files: ["components/host/scripts/ready.sh"], touched: stacks },
    "a plain function": { files: ["stack/render/transforms.ts"], touched: stacks },
    "a dependency": { files: ["package-lock.json"], touched: stacks },
    "what no program reads": {
      files: ["README.md", "docs/a.md", "lab/host.ts", "test/unit/a.test.ts", "cli/plan.ts"],
      touched: [],
    },
    "files elsewhere of such names": {
      files: ["lab/Pulumi.edge1.yaml", "docs/index.ts", "lab/components/x.ts"],
      touched: [],
    },
    "a stack that is gone": { files: ["Pulumi.edge3.yaml"], touched: [] },
  };
  for (const [name, { files, touched }] of Object.entries(cases)) {
    it(`are ${touched.join(" and ") || "none"} after a change of ${name}`, () => {
      assert.deepEqual(changedStacks(files, stacks), touched);
    });
  }
});
