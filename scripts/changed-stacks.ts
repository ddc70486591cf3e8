// The stacks that a change touches, as a JSON list: tsx scripts/changed-stacks.ts [--base <commit>]
// Without --base, all stacks. A stack's file without a host is no stack of a host: the lab's gets its host from the lab.
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { parseArgs } from "node:util";
import { changedStacks } from "../edge/changedStacks";
import { readSchema } from "../edge/schema";
import { readStackFile, stackFileConfig } from "../edge/stackFile";

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

const { values } = parseArgs({ options: { base: { type: "string" } } });
const touched =
  values.base === undefined
    ? stacks()
    : changedStacks(
        execFileSync("git", ["diff", "--name-only", `${values.base}...HEAD`], {
          cwd: root,
          encoding: "utf8",
        }).split("\n"),
        stacks(),
      );
console.log(JSON.stringify(touched));
