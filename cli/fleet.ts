// The same operation on many stacks: npm run fleet -- up|preview|destroy [--stack pattern] [--parallel N]
import type { EngineEvent, LocalWorkspace, Stack } from "@pulumi/pulumi/automation";
import { plainError } from "./lib/previewSummary";
import { changesText, FleetResult, fleetSummary, inParallel, matchStacks } from "./lib/fleet";
import { projectOption, projectUsage, runCommand, runPulumi, UsageError } from "./lib/command";

const usage = `npm run fleet -- up|preview|destroy [--stack <pattern>] [--parallel <number>] [--refresh] [--project <directory>]
  --stack     names of stacks, *, ? and [1-4] as in a shell; by default all, and to be given for destroy
  --parallel  how many at a time; by default 4
  --refresh   reads hosts and clusters first, so that changes by hand are seen, and mended by up
  --project   ${projectUsage}
One failing stack does not stop the others. Exit code 1: at least one failed; 130: interrupted.`;

type Operation = "up" | "preview" | "destroy";

/** Seconds between two progress lines of a stack. */
const progressInterval = 5;

const options = {
  stack: { type: "string" },
  parallel: { type: "string", default: "4" },
  refresh: { type: "boolean", default: false },
  ...projectOption,
} as const;

runCommand(
  usage,
  options,
  async (values, [operation]) => {
    const parallel = Number(values.parallel);
    if (!isOperation(operation)) {
      throw new UsageError(`"${operation ?? ""}" is none of up, preview and destroy.`);
    }
    if (!(parallel >= 1)) {
      throw new UsageError(`--parallel: "${values.parallel}" is no number of 1 or more.`);
    }
    if (operation === "destroy" && values.stack === undefined) {
      throw new Error(
        "destroy needs --stack, so that no host is reset by mistake: '*' stands for all.",
      );
    }
    await fleet(operation, { ...values, parallel });
  },
  1,
);

async function fleet(
  operation: Operation,
  values: { stack?: string; parallel: number; refresh: boolean; project: string },
): Promise<void> {
  // The Automation API would tell of a missing Pulumi in terms of its own.
  runPulumi(["version"], values.project);
  const workspace = await (await automation()).LocalWorkspace.create({ workDir: values.project });
  const pattern = values.stack ?? "*";
  const names = matchStacks(
    (await workspace.listStacks()).map(({ name }) => name),
    pattern,
  );
  if (names.length === 0) {
    throw new Error(`No stack of ${values.project} is named like ${pattern}; see pulumi stack ls.`);
  }
  const started = Date.now();
  const interrupted = watchInterrupts();
  const results = await inParallel(names, values.parallel, (name) =>
    interrupted()
      ? Promise.resolve({ stack: name, changes: {}, seconds: 0, error: notBegun })
      : run(workspace, name, operation, values.refresh, interrupted),
  );
  console.log(`\n${fleetSummary(results, seconds(started))}`);
  const failed = results.some(({ error }) => error !== undefined);
  process.exitCode = interrupted() ? 130 : failed ? 1 : 0;
}

const notBegun = "interrupted before it began";

/**
 * Outlives an interruption: Ctrl-C reaches the running Pulumi commands by the terminal, and they cancel. Were this process
 * to end, the Automation API would signal them once more, on which Pulumi terminates and leaves its stack locked.
 * @returns whether there was one
 */
function watchInterrupts(): () => boolean {
  let interrupted = false;
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      if (!interrupted) console.log("interrupted: waiting for the running stacks to cancel");
      interrupted = true;
    });
  }
  return () => interrupted;
}

/** The Automation API, which takes seconds to load. */
function automation(): Promise<typeof import("@pulumi/pulumi/automation/index.js")> {
  return import("@pulumi/pulumi/automation/index.js");
}

async function selected(name: string, workspace: LocalWorkspace): Promise<Stack> {
  return (await automation()).Stack.select(name, workspace);
}

/** The operation on one stack. What goes wrong is in the result. */
async function run(
  workspace: LocalWorkspace,
  name: string,
  operation: Operation,
  refresh: boolean,
  interrupted: () => boolean,
): Promise<FleetResult> {
  const started = Date.now();
  const log = (line: string): void =>
    console.log(`${seconds(started).toFixed(0).padStart(5)} s  ${name}: ${line}`);
  const progress = new Progress(log);
  log(operation);
  try {
    const changes = await perform(await selected(name, workspace), operation, {
      refresh,
      onEvent: (event: EngineEvent) => progress.see(event),
      interrupted,
    });
    log(`done, ${changesText(changes)}`);
    return { stack: name, changes, seconds: seconds(started) };
  } catch (failure) {
    const error = progress.error ?? oneLine((failure as Error).message);
    log(`failed: ${error}`);
    return { stack: name, changes: progress.done, seconds: seconds(started), error };
  }
}

async function perform(
  stack: Stack,
  operation: Operation,
  {
    interrupted,
    ...options
  }: { refresh: boolean; onEvent: (event: EngineEvent) => void; interrupted: () => boolean },
): Promise<Record<string, number>> {
  if (operation === "destroy") {
    const { summary } = await stack.destroy(options);
    return summary.resourceChanges ?? {};
  }
  // Before an up as well, as `pulumi up` has it: what is refused is refused before anything is touched.
  const { changeSummary } = await stack.preview(options);
  if (operation === "preview") {
    return changeSummary;
  }
  // Between two commands there was none to cancel.
  if (interrupted()) throw new Error("interrupted after its preview");
  const { summary } = await stack.up(options);
  return summary.resourceChanges ?? {};
}

/** What the engine's events tell about one stack's operation. */
class Progress {
  /** The first error, in one line. */
  public error?: string;
  /** Resources done so far, by operation; those of a preview do not count. */
  public readonly done: Record<string, number> = {};
  private last = Date.now();

  constructor(private readonly log: (line: string) => void) {}

  public see({ resOutputsEvent, resourcePreEvent, diagnosticEvent }: EngineEvent): void {
    if (diagnosticEvent?.severity === "error") {
      this.error ??= oneLine(diagnosticEvent.message);
    }
    if (resOutputsEvent !== undefined && !resOutputsEvent.planning) {
      const { op } = resOutputsEvent.metadata;
      this.done[op] = (this.done[op] ?? 0) + 1;
    }
    if (resourcePreEvent !== undefined && seconds(this.last) >= progressInterval) {
      this.last = Date.now();
      const { op, urn } = resourcePreEvent.metadata;
      const count = Object.values(this.done).reduce((sum, number) => sum + number, 0);
      const what = resourcePreEvent.planning ? "preview" : `${count} done`;
      this.log(`${what}, now ${op} ${urn.split("::").slice(3).join("::")}`);
    }
  }
}

function isOperation(text: string | undefined): text is Operation {
  return text === "up" || text === "preview" || text === "destroy";
}

function seconds(since: number): number {
  return (Date.now() - since) / 1000;
}

/** An error in one line, without the engine's colours. */
function oneLine(message: string): string {
  return plainError(message.replace(/<\{%[^%]*%\}>/g, "")).replace(/\s+/g, " ");
}
