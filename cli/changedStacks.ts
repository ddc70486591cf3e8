// The stacks that a change touches, as a JSON list. A file without a host is no stack's yet, such as Pulumi.dev.yaml.
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { changedStacks } from "./lib/changedStacks";
import { readSchema } from "../stack/config/schema";
import { readStackFile, stackFileConfig } from "./lib/stackFile";
import { runCommand } from "./lib/command";

const usage = `npx tsx cli/changedStacks.ts [--base <commit>]
  --base  the commit that the change begins at; without it, all stacks`;

const root = path.join(__dirname, "..");

/** Names of the stacks that have a file with a host, sorted. */
function stacks(): string[] {
  return fs
    .readdirSync(root)
    .flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? [])
    .filter((stack) => {
      const file = path.join(root, `Pulumi.${stack}.yaml`);
      return `${readSchema().project}:host` in stackFileConfig(readStackFile(file), file);
    })
    .sort();
}

runCommand(usage, { base: { type: "string" } }, ({ base }) => {
  const touched =
    base === undefined
      ? stacks()
      : changedStacks(
          execFileSync("git", ["diff", "--name-only", `${base}...HEAD`], {
            cwd: root,
            encoding: "utf8",
          }).split("\n"),
          stacks(),
        );
  console.log(JSON.stringify(touched));
});
