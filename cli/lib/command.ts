import { spawnSync, SpawnSyncReturns } from "node:child_process";
import * as path from "node:path";
import { parseArgs, ParseArgsConfig } from "node:util";
import { UserError } from "../../lib/userError";

type Options = NonNullable<ParseArgsConfig["options"]>;
type Values<Of extends Options> = ReturnType<
  typeof parseArgs<{ options: Of; allowPositionals: true }>
>["values"];

/** A command line that the command cannot take; its usage is printed below the message. */
export class UsageError extends UserError {}

/** The option of every command that reads a stack's file. */
export const projectOption = {
  project: { type: "string", default: path.join(__dirname, "../..") },
} as const;

/** How {@link projectOption} is explained. */
export const projectUsage =
  "the directory of Pulumi.yaml and the stacks' files; by default this repository";

/**
 * Runs a command: parses its command line, and prints an error as a sentence on stderr, with exit code 1. With `--help`
 * it only prints the usage, on stdout.
 * @param usage How the command is called.
 * @param options As for `parseArgs` of node:util.
 * @param main Gets the options' values and the other arguments.
 * @param most How many other arguments it takes at most.
 */
export function runCommand<Of extends Options>(
  usage: string,
  options: Of,
  main: (values: Values<Of>, others: string[]) => void | Promise<void>,
  most = 0,
): void {
  const run = async (): Promise<void> => {
    if (process.argv.slice(2).includes("--help")) {
      return console.log(usage);
    }
    const { values, positionals } = parse(options);
    if (positionals.length > most) {
      throw new UsageError(`"${positionals[most]}" is one argument too many.`);
    }
    await main(values, positionals);
  };
  run().catch((error: Error) => {
    console.error(error instanceof UsageError ? `${error.message}\n\n${usage}` : error.message);
    process.exitCode = 1;
  });
}

/**
 * The value of an option that must be given.
 * @throws UsageError without one.
 */
export function required(name: string, value: string | undefined): string {
  if (value === undefined) {
    throw new UsageError(`--${name} is missing.`);
  }
  return value;
}

/**
 * Runs the `pulumi` on PATH and waits for its end.
 * @throws Error where there is none.
 */
export function runPulumi(args: string[], cwd: string): SpawnSyncReturns<string> {
  const done = spawnSync("pulumi", args, { cwd, encoding: "utf8", maxBuffer: 1 << 28 });
  if (done.error !== undefined) {
    throw new UserError(`pulumi cannot be run (${done.error.message}); install it, see README.md.`);
  }
  return done;
}

function parse<Of extends Options>(options: Of): { values: Values<Of>; positionals: string[] } {
  try {
    return parseArgs({ options, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}
