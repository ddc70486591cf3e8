/**
 * `command:remote:Command`: a command on a host, over SSH.
 * Facts: provider/pkg/provider/remote of pulumi/pulumi-command.
 */
import { Failure, Host, typeOf } from "../server";
import { isObj, Obj, reveal, Secret, Unknown } from "../values";
import { CommandKind, unknownProperty } from "./command";
import { connectionFailures, dial, endpointDefaults } from "./connection";
import { Logging } from "./output";
import { run } from "./run";

const token = "command:remote:Command";
/** The names that the inputs may have. */
export const inputKeys = [
  "addPreviousOutputInEnv",
  "connection",
  "create",
  "delete",
  "logging",
  "stdin",
  "triggers",
  "update",
] as const;
const loggings = ["stdout", "stderr", "stdoutAndStderr", "none"];

function withDefaults(connection: Obj): Obj {
  const filled: Obj = { ...endpointDefaults };
  for (const [key, value] of Object.entries(connection)) if (value !== null) filled[key] = value;
  if (isObj(filled.proxy)) filled.proxy = withDefaults(filled.proxy);
  return filled;
}

/** The inputs with the connection's defaults filled in and made secret, and what is wrong with them. */
export function checkInputs(news: Obj): { inputs: Obj; failures: Failure[] } {
  const failures: Failure[] = [];
  const inputs: Obj = {};
  for (const [key, value] of Object.entries(news)) {
    if (value === null) continue;
    if (key === "environment") {
      failures.push({
        property: key,
        reason:
          "the lab's stand-in does not take 'environment', which few SSH servers accept; " +
          "export the variables in the command or pass them on stdin",
      });
    } else if (!(inputKeys as readonly string[]).includes(key)) {
      failures.push(unknownProperty(key));
    } else inputs[key] = value;
  }
  const logging = inputs.logging instanceof Secret ? inputs.logging.element : inputs.logging;
  if (
    logging !== undefined &&
    !(logging instanceof Unknown) &&
    !loggings.includes(String(logging))
  ) {
    failures.push({
      property: "logging",
      reason: `'logging' must be one of ${loggings.join(", ")}`,
    });
  }
  const given = inputs.connection;
  const connection = given instanceof Secret ? given.element : given;
  if (isObj(connection)) {
    const filled = withDefaults(connection);
    failures.push(...connectionFailures(filled, "connection"));
    if (isObj(filled.proxy)) failures.push(...connectionFailures(filled.proxy, "connection.proxy"));
    inputs.connection = new Secret(filled);
  } else if (connection === undefined) {
    failures.push({ property: "connection", reason: "Missing required property 'connection'" });
  } else inputs.connection = new Secret(connection);
  return { inputs, failures };
}

const environmentWarning = (name: string) =>
  `Unable to set '${name}'. This only works if your SSH server is configured to accept
	these variables via AcceptEnv. Alternatively, if a Bash-like shell runs the command on the remote host, you could
	prefix the command itself with the variables in the form 'VAR=value command'`;

/** Commands over SSH. */
export function remoteCommand(host: Host): CommandKind {
  const cancelled = new AbortController();
  return {
    inputKeys,

    check: (urn, news) => {
      if (typeOf(urn) !== token) {
        throw new Error(
          `the lab's stand-in for the command provider has ${token} and command:local:Command only, not ${typeOf(urn)}`,
        );
      }
      return checkInputs(news);
    },

    run: async (urn, command, inputs, previous, timeoutSeconds) => {
      const plain = reveal(inputs);
      // As in the official provider, the time limit holds only while it connects.
      const timeout = timeoutSeconds > 0 ? [AbortSignal.timeout(timeoutSeconds * 1000)] : [];
      const signal = AbortSignal.any([cancelled.signal, ...timeout]);
      const connection = await dial(plain.connection as Obj, {
        signal,
        status: (message) => void host.line("info", urn, message),
      }).catch((error: unknown) => {
        if (cancelled.signal.aborted) throw new Error("context canceled");
        if (signal.aborted) throw new Error("context deadline exceeded");
        throw error;
      });
      try {
        if (plain.addPreviousOutputInEnv !== false) {
          // sshd refuses these by default, so the double does not send them.
          const old = reveal(previous);
          for (const stream of ["stdout", "stderr"] as const) {
            const name = `PULUMI_COMMAND_${stream.toUpperCase()}`;
            if (old[stream]) void host.log("warning", urn, environmentWarning(name));
          }
        }
        return await run(connection, {
          command,
          stdin: typeof plain.stdin === "string" ? plain.stdin : undefined,
          logging: (plain.logging as Logging | undefined) ?? "stdoutAndStderr",
          onLine: (line) => void host.line("info", urn, line),
          signal: cancelled.signal,
        });
      } finally {
        connection.end();
      }
    },

    cancel: () => cancelled.abort(),
  };
}
