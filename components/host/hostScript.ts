import * as fs from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { remote, types } from "@pulumi/command";
import { renderScript } from "./shell";

/** How the machine that runs Pulumi reaches the host: pulumi-command's own connection type. */
export type HostConnection = types.input.remote.ConnectionArgs;

/** What a script run on the host needs. */
export interface HostScriptArgs {
  /** The SSH connection. Each run opens it once. */
  connection: pulumi.Input<HostConnection>;
  /** File in components/host/scripts that creates and updates, without `.sh`. It must converge when run again. */
  script: string;
  /** File in components/host/scripts that undoes it, without `.sh`; `script` has it as the function `undo`. */
  undoScript?: string;
  /** Whether a delete runs undoScript. By default a delete does nothing. */
  undoneOnDelete?: boolean;
  /** Shell variables that the scripts read. They travel by stdin, never in the command's text. */
  variables?: Record<string, pulumi.Input<string>>;
  /** Values whose change replaces the resource: the old delete runs first, then the new create. */
  triggers?: pulumi.Input<string>[];
  /** True when stdout is a secret: it is then neither logged nor stored in plain text. Defaults to false. */
  secretOutput?: boolean;
}

/**
 * Runs a shell script of components/host/scripts on the host, as root, over one SSH connection.
 *
 * The script travels by stdin, so an error names only the short command, and no process list shows a variable. A `case`
 * wraps the script: sh reads it whole before it runs a word of it, so no command in it can consume the rest of stdin.
 */
export function hostScript(
  name: string,
  args: HostScriptArgs,
  opts: pulumi.CustomResourceOptions,
): remote.Command {
  const phases = dispatch(args.script, args.undoScript);
  const stdin = pulumi
    .output(args.variables ?? {})
    .apply((variables) => renderScript(variables, phases));
  return new remote.Command(
    name,
    {
      connection: args.connection,
      create: asRoot("create"),
      update: asRoot("create"),
      delete: args.undoneOnDelete ? asRoot("delete") : undefined,
      stdin,
      triggers: args.triggers,
      // The default sends the old stdout as an environment variable, which sshd refuses with a warning.
      addPreviousOutputInEnv: false,
      logging: args.secretOutput ? remote.Logging.None : remote.Logging.Stderr,
    },
    {
      ...opts,
      // Where a delete does nothing, dependents need not be deleted before it.
      deleteBeforeReplace: args.undoneOnDelete ?? false,
      additionalSecretOutputs: args.secretOutput ? ["stdout", "stderr"] : undefined,
    },
  );
}

/** A script's stdout, which is one line of JSON. */
export function fromJson<T>(command: remote.Command): pulumi.Output<T> {
  return command.stdout.apply((text) => JSON.parse(text) as T);
}

/** Reads a script of components/host/scripts. */
function readHostScript(name: string): string {
  return fs.readFileSync(path.join(__dirname, "scripts", `${name}.sh`), "utf8");
}

/** The library and the phase's scripts. The first argument of `sh -s` chooses between create and delete. */
export function dispatch(script: string, undoScript?: string): string {
  // In a subshell, because the script exits.
  const undo = undoScript === undefined ? "" : `undo() (\n${readHostScript(undoScript)}\n)\n`;
  const branches = `delete)\nundo\n;;\n*)\n${readHostScript(script)}\n;;\n`;
  return `${readHostScript("lib")}\n${undo}case "\${1:-create}" in\n${branches}esac\n`;
}

/** The command sshd runs: a root shell that reads the script from stdin, or one sentence on why there is none. */
export function asRoot(operation: "create" | "delete"): string {
  return readHostScript("entry").trim().replaceAll("@operation@", operation);
}
