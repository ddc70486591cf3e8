/**
 * `command:remote:Command`: a command on a host, over SSH.
 * Facts: provider/pkg/provider/remote of pulumi/pulumi-command, infer's default Check and Diff of pulumi-go-provider.
 */
import { randomBytes } from "node:crypto";
import { Diff, Failure, Host, nameOf, PropertyChange, Provider, typeOf } from "../server";
import {
  containsUnknown,
  equal,
  formatPath,
  isObj,
  Obj,
  PathElement,
  reveal,
  Secret,
  unknown,
  Unknown,
  Value,
} from "../values";
import { connectionFailures, dial, endpointDefaults } from "./connection";
import { run } from "./run";

const token = "command:remote:Command";
const inputKeys = [
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

/** Paths that differ, to the depth at which the engine shows them; a secret is one value. */
export function diffInputs(
  olds: Obj,
  news: Obj,
  keys: readonly string[] = inputKeys,
): Map<string, PropertyChange> {
  const changes = new Map<string, PropertyChange>();
  const walk = (path: PathElement[], a: Value | undefined, b: Value | undefined) => {
    if (a === undefined && b === undefined) return;
    const record = (kind: PropertyChange["kind"]) =>
      changes.set(formatPath(path), { kind, replace: path[0] === "triggers", inputDiff: false });
    if (a === undefined) return record("add");
    if (b === undefined) return record("delete");
    if (equal(a, b)) return undefined;
    if (isObj(a) && isObj(b)) {
      for (const key of new Set([...Object.keys(a), ...Object.keys(b)]))
        walk([...path, key], a[key], b[key]);
      return undefined;
    }
    if (Array.isArray(a) && Array.isArray(b)) {
      for (let i = 0; i < Math.max(a.length, b.length); i++) walk([...path, i], a[i], b[i]);
      return undefined;
    }
    return record("update");
  };
  for (const key of keys) walk([key], olds[key], news[key]);
  return changes;
}

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
      failures.push({
        property: key,
        reason: `the lab's stand-in does not know the property '${key}'`,
      });
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

export function commandProvider(host: Host): Provider {
  const cancelled = new AbortController();

  /** Runs one command of the resource; `previous` is the state whose output the host is offered. */
  async function runOn(
    urn: string,
    command: string,
    inputs: Obj,
    previous: Obj,
    timeoutSeconds: number,
  ): Promise<Obj> {
    const plain = reveal(inputs);
    // As with the official provider, the time limit is looked at while dialling only.
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
        // A server in its default configuration refuses these; the stand-in does not even ask.
        const old = reveal(previous);
        if (old.stdout) void host.log("warning", urn, environmentWarning("PULUMI_COMMAND_STDOUT"));
        if (old.stderr) void host.log("warning", urn, environmentWarning("PULUMI_COMMAND_STDERR"));
      }
      const logging = plain.logging ?? "stdoutAndStderr";
      const output = await run(connection, {
        command,
        stdin: typeof plain.stdin === "string" ? plain.stdin : undefined,
        logStdout: logging === "stdout" || logging === "stdoutAndStderr",
        logStderr: logging === "stderr" || logging === "stdoutAndStderr",
        onLine: (line) => void host.line("info", urn, line),
        signal: cancelled.signal,
      });
      return { ...output };
    } finally {
      connection.end();
    }
  }

  const textOf = (inputs: Obj, key: string): string | undefined => {
    const value = inputs[key] === undefined ? undefined : reveal(inputs[key]);
    return typeof value === "string" ? value : undefined;
  };

  function refuseOthers(urn: string): void {
    if (typeOf(urn) !== token) {
      throw new Error(
        `the lab's stand-in for the command provider has ${token} only, not ${typeOf(urn)}`,
      );
    }
  }

  return {
    version: "1.2.1",

    check: (urn, _olds, news) => {
      refuseOthers(urn);
      return Promise.resolve(checkInputs(news));
    },

    diff: (_urn, olds, news): Promise<Diff> => {
      const detailed = diffInputs(olds, news);
      const replaces = [...detailed].filter(([, change]) => change.replace).map(([path]) => path);
      return Promise.resolve({
        changes: detailed.size > 0,
        replaces,
        deleteBeforeReplace: false,
        detailed,
      });
    },

    create: async (urn, inputs, preview, timeoutSeconds) => {
      refuseOthers(urn);
      const id = `${nameOf(urn)}${randomBytes(4).toString("hex")}`;
      if (preview) return { id: "", state: { ...inputs, stdout: unknown, stderr: unknown } };
      const create = textOf(inputs, "create");
      const output =
        create === undefined
          ? { stdout: "", stderr: "" }
          : await runOn(urn, create, inputs, {}, timeoutSeconds);
      return { id, state: { ...inputs, ...output } };
    },

    update: async (urn, _id, olds, news, preview, timeoutSeconds) => {
      if (preview || containsUnknown(news)) return { ...news, stdout: unknown, stderr: unknown };
      const command = textOf(news, "update") ?? textOf(news, "create");
      const output =
        command === undefined
          ? { stdout: olds.stdout ?? "", stderr: olds.stderr ?? "" }
          : await runOn(urn, command, news, olds, timeoutSeconds);
      return { ...news, ...output };
    },

    // There is nothing to read on the host: refresh keeps what is known.
    read: (_urn, id, state, inputs) => Promise.resolve({ id, state, inputs }),

    delete: async (urn, _id, state, timeoutSeconds) => {
      const command = textOf(state, "delete");
      if (command !== undefined) await runOn(urn, command, state, state, timeoutSeconds);
    },

    cancel: () => cancelled.abort(),
  };
}
