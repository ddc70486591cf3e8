import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { load } from "js-yaml";
import { checkService } from "../../../components/knative/service/serviceChecks";
import { Check } from "../../../lib/check";
import { configurationPage } from "../../../cli/lib/docsPage";
import { testConfig } from "../../support/config";

const page = path.join(__dirname, "../../../docs/configuration.md");

describe("docs/configuration.md", () => {
  it("is what cli/docs.ts writes: run `npx tsx cli/docs.ts`", async () => {
    assert.equal(fs.readFileSync(page, "utf8"), await configurationPage());
  });

  it("has every field of a service, and what it is", async () => {
    const [, section = ""] =
      /## Fields of a service\n([^]*?)\n## /.exec(await configurationPage()) ?? [];
    const rows = [...section.matchAll(/^\| `(\w+)` +\| ([^|]+?) +\| ([^|]+?) +\|$/gm)];
    const described = rows.filter(([, , type, what = ""]) => type !== "" && what !== "");
    assert.equal(described.length, rows.length);
    const names = rows.map(([, name = ""]) => name);
    const wrong = {
      image: "app",
      autoscaling: { zzzzzzzz: 1 },
      traffic: [{ zzzzzzzz: 1 }],
      zzzzzzzz: 1,
    };
    const check = new Check("services.a");
    checkService(check, "a", wrong);
    const told = check.problems.map(({ message }) => message).join();
    // The sentence for an unknown field names all that there are.
    const known = [...told.matchAll(/there are ([\w, ]+)\./g)].flatMap(([, list = ""]) =>
      list.split(", "),
    );
    assert.deepEqual(known.sort(), names.sort());
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
