import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { ESLint } from "eslint";
import { typeScript } from "../../lab/paths";

const root = path.join(__dirname, "../..");

describe("the folders of the product", () => {
  const messages = async (file: string, code: string): Promise<string[]> => {
    const [result] = await new ESLint({ cwd: root }).lintText(code, {
      filePath: path.join(root, file),
    });
    return (result?.messages ?? []).map(({ ruleId }) => String(ruleId));
  };

  const imports: [file: string, specifier: string, rule: string | undefined][] = [
    ["stack/config/x.ts", "../../lib/json", undefined],
    ["stack/config/x.ts", "../releases/releaseTable", undefined],
    ["stack/releases/x.ts", "../config", "rooms/direction"],
    ["components/host/x.ts", "../cluster/manifest", undefined],
    ["components/cluster/x.ts", "../host/k0sHost", "rooms/direction"],
    ["components/metallb/x.ts", "../../stack/config", "rooms/direction"],
    ["lib/x.ts", "../components/metallb/pool", "rooms/direction"],
    ["cli/x.ts", "../test/support/config", "rooms/direction"],
    ["program/x.ts", "@pulumi/pulumi", undefined],
    ["stack/budget/x.ts", "@pulumi/pulumi", "no-restricted-imports"],
    // What package.json of the product and of the lab name.
    ["components/x.ts", "prettier", "n/no-unpublished-import"],
    ["components/host/x.ts", "tar-stream", "n/no-extraneous-import"],
    ["lab/x.ts", "tar-stream", undefined],
  ];
  for (const [file, specifier, rule] of imports) {
    it(`${file} may ${rule === undefined ? "" : "not "}import ${specifier}`, async () => {
      const found = await messages(file, `import "${specifier}";\n`);
      assert.deepEqual(found, rule === undefined ? [] : [rule]);
    });
  }

  it("load no Pulumi on the way from configuration to plan", () => {
    const files = ["lib", "stack"].flatMap((folder) =>
      fs
        .readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
        .filter((file) => file.endsWith(".ts"))
        .map((file) => path.join(root, folder, file)),
    );
    const script = `${JSON.stringify(files)}.forEach((file) => require(file));
      console.log(JSON.stringify(Object.keys(require.cache).filter((file) => file.includes("@pulumi"))));`;
    const output = execFileSync(process.execPath, [...typeScript, "--eval", script], {
      cwd: root,
      encoding: "utf8",
    });
    assert.deepEqual(JSON.parse(output), []);
  });

  it("have about 15 files each at most", () => {
    const folders = ["lib", "components", "stack", "program", "cli"].flatMap((folder) => [
      folder,
      ...fs
        .readdirSync(path.join(root, folder), { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => `${folder}/${entry.name}`),
    ]);
    const crowded = folders.filter(
      (folder) =>
        fs.readdirSync(path.join(root, folder)).filter((file) => /\.(ts|cjs)$/.test(file)).length >
        16,
    );
    assert.deepEqual(crowded, []);
  });
});
