// A stack of an earlier program under the present one: what existing stacks go through when the program is updated.
import { strict as assert } from "node:assert";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import path from "node:path";
import { writeWhole } from "../../../lib/atomicWrite";
import { pulumi } from "../../../lab/engine";
import { dirs, labDir, repoRoot } from "../../../lab/paths";
import { run } from "../../../lab/process";
import { previewSteps } from "../../support/lab";
import { LabStack } from "../../support/labStack";

/** The program as it was before the restructuring, from which stacks are in use. */
const commit = "be3c07a";

const lab = new LabStack("edge10");
/** That program, and a Pulumi project that runs it on the lab's stacks. */
const program = path.join(labDir, `program-${commit}`);
const project = path.join(labDir, `project-${commit}`);

/** Whether a step replaces or deletes something: an update of the program may do neither to an existing stack. */
const isDestructive = (op: string): boolean => /replace|delete|discard/.test(op);

async function checkOut(): Promise<void> {
  const { code } = await run("git", ["rev-parse", "--verify", "--quiet", `${commit}^{commit}`], {
    cwd: repoRoot,
    allowFailure: true,
  });
  assert.equal(
    code,
    0,
    `Commit ${commit} is not in this clone, so its program cannot be run: fetch the whole history (git fetch --unshallow).`,
  );
  rmSync(program, { recursive: true, force: true });
  mkdirSync(program, { recursive: true });
  const archive = path.join(program, "program.tar");
  await run("git", ["archive", `--output=${archive}`, commit], { cwd: repoRoot });
  await run("tar", ["-xf", archive, "-C", program]);
  // The same packages where both programs lock the same.
  const [locked, present] = [program, repoRoot].map((root) =>
    readFileSync(path.join(root, "package-lock.json"), "utf8"),
  );
  if (locked === present) {
    symlinkSync(path.join(repoRoot, "node_modules"), path.join(program, "node_modules"));
  } else {
    await run("npm", ["ci", "--no-audit", "--no-fund"], { cwd: program });
  }
}

/** Runs Pulumi with the earlier program on the lab's stack, with the configuration that the stack has. */
async function earlier(...args: string[]): Promise<void> {
  rmSync(project, { recursive: true, force: true });
  mkdirSync(project, { recursive: true });
  const own = readFileSync(path.join(program, "Pulumi.yaml"), "utf8").replace(/^main:.*\n/m, "");
  await writeWhole(
    path.join(project, "Pulumi.yaml"),
    `${own}\nmain: ${path.relative(project, program)}\n`,
  );
  const settings = `Pulumi.${lab.stack}.yaml`;
  cpSync(path.join(dirs.project, settings), path.join(project, settings));
  await pulumi(args, { stack: lab.stack, cwd: project });
}

describe(`a stack of the program at ${commit}`, function () {
  before(async () => {
    await checkOut();
    await lab.create();
    // By name, for the default may be another one by now.
    await lab.configure({ resourcePolicy: "edge" });
    await earlier("up", "--yes", "--skip-preview");
  });

  after(async () => {
    await lab.remove();
    for (const folder of [program, project]) {
      if (existsSync(folder)) rmSync(folder, { recursive: true });
    }
  });

  it("keeps every resource under the present program", async () => {
    const steps = await previewSteps(lab.stack);
    const told = steps
      .filter(({ op }) => isDestructive(op))
      .map(({ op, urn, detailedDiff }) => `${op} ${urn} ${JSON.stringify(detailedDiff)}`);
    assert.deepEqual(told, []);
  });

  it("has changes only in place when the present program is applied, and then none", async () => {
    const cluster = await lab.kubectl("get namespace kube-system -o jsonpath={.metadata.uid}");
    await lab.converges();
    assert.equal(
      await lab.kubectl("get namespace kube-system -o jsonpath={.metadata.uid}"),
      cluster,
    );
    assert.deepEqual(await previewSteps(lab.stack), []);
  });
});
