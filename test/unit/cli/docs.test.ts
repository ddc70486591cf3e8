import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { load } from "js-yaml";
import { configurationPage } from "../../../cli/lib/docsPage";
import { testConfig } from "../../support/config";

const page = path.join(__dirname, "../../../docs/configuration.md");

describe("docs/configuration.md", () => {
  it("is what cli/docs.ts writes: run `npx tsx cli/docs.ts`", async () => {
    assert.equal(fs.readFileSync(page, "utf8"), await configurationPage());
  });

  it("has an example that is taken", () => {
    const [, example = ""] = /```yaml\n([^]*?)```/.exec(fs.readFileSync(page, "utf8")) ?? [];
    const { config } = load(example) as { config: Record<string, unknown> };
    const raw = Object.fromEntries(
      Object.entries(config).map(([key, value]) => [
        key.replace("knative-edge:", ""),
        JSON.stringify(value),
      ]),
    );
    assert.deepEqual(Object.keys(testConfig(raw).services), ["hello", "greeter"]);
  });
});
