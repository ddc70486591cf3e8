/**
 * `command:local:Command`: a command on the machine that runs Pulumi.
 * Facts: provider/pkg/provider/local of pulumi/pulumi-command.
 */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { Diff, Failure, Host, nameOf, Provider } from "../server";
import { containsUnknown, Obj, reveal, unknown } from "../values";
import { diffInputs } from "./provider";
import { exitError, goQuote, Lines } from "./run";

const inputKeys = [
  "addPreviousOutputInEnv",
  "create",
  "delete",
  "environment",
  "logging",
  "stdin",
  "triggers",
  "update",
] as const;

interface LocalInputs {
  addPreviousOutputInEnv?: boolean;
  environment?: Record<string, string>;
  logging?: "stdout" | "stderr" | "stdoutAndStderr" | "none";
  stdin?: string;
}

export function localProvider(host: Host): Provider {
  const cancelled = new AbortController();

  function run(urn: string, command: string, inputs: Obj, previous: Obj): Promise<Obj> {
    const plain = reveal(inputs) as LocalInputs;
    const old = reveal(previous) as { stdout?: string; stderr?: string };
    const offersOld = plain.addPreviousOutputInEnv !== false;
    const child = spawn("/bin/sh", ["-c", command], {
      env: {
        ...process.env,
        ...plain.environment,
        ...(offersOld && old.stdout && { PULUMI_COMMAND_STDOUT: old.stdout }),
        ...(offersOld && old.stderr && { PULUMI_COMMAND_STDERR: old.stderr }),
      },
      signal: cancelled.signal,
    });
    const output: Record<"stdout" | "stderr" | "both", Buffer[]> = {
      stdout: [],
      stderr: [],
      both: [],
    };
    const lines = new Lines((line) => void host.line("info", urn, line));
    const logged = plain.logging ?? "stdoutAndStderr";
    for (const stream of ["stdout", "stderr"] as const) {
      child[stream].on("data", (piece: Buffer) => {
        output[stream].push(piece);
        output.both.push(piece);
        if (logged === stream || logged === "stdoutAndStderr") lines.add(piece.toString());
      });
    }
    child.stdin.on("error", () => undefined);
    child.stdin.end(plain.stdin);
    const text = (stream: Buffer[]): string => Buffer.concat(stream).toString();
    return new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) => {
        lines.end();
        // os/exec words it without ssh's "Process".
        const failure = signal
          ? `signal: ${signal.replace(/^SIG/, "").toLowerCase()}`
          : exitError(code, undefined)?.replace("Process exited with status", "exit status");
        if (failure !== undefined) {
          reject(new Error(`${failure}: running ${goQuote(command)}:\n${text(output.both)}`));
          return;
        }
        resolve({
          stdout: text(output.stdout).replace(/\n$/, ""),
          stderr: text(output.stderr).replace(/\n$/, ""),
        });
      });
    });
  }

  const textOf = (inputs: Obj, key: string): string | undefined => {
    const value = inputs[key] === undefined ? undefined : reveal(inputs[key]);
    return typeof value === "string" ? value : undefined;
  };

  return {
    version: "1.2.1",

    check: (_urn, _olds, news) => {
      const failures: Failure[] = Object.keys(news)
        .filter((key) => !(inputKeys as readonly string[]).includes(key))
        .map((key) => ({
          property: key,
          reason: `the lab's stand-in does not know the property '${key}'`,
        }));
      return Promise.resolve({ inputs: news, failures });
    },

    diff: (_urn, olds, news): Promise<Diff> => {
      const detailed = diffInputs(olds, news, inputKeys);
      const replaces = [...detailed].filter(([, change]) => change.replace).map(([path]) => path);
      return Promise.resolve({
        changes: detailed.size > 0,
        replaces,
        deleteBeforeReplace: false,
        detailed,
      });
    },

    create: async (urn, inputs, preview) => {
      const id = `${nameOf(urn)}${randomBytes(4).toString("hex")}`;
      if (preview) return { id: "", state: { ...inputs, stdout: unknown, stderr: unknown } };
      const command = textOf(inputs, "create");
      const output =
        command === undefined ? { stdout: "", stderr: "" } : await run(urn, command, inputs, {});
      return { id, state: { ...inputs, ...output } };
    },

    update: async (urn, _id, olds, news, preview) => {
      if (preview || containsUnknown(news)) return { ...news, stdout: unknown, stderr: unknown };
      const command = textOf(news, "update") ?? textOf(news, "create");
      const output =
        command === undefined
          ? { stdout: olds.stdout ?? "", stderr: olds.stderr ?? "" }
          : await run(urn, command, news, olds);
      return { ...news, ...output };
    },

    read: (_urn, id, state, inputs) => Promise.resolve({ id, state, inputs }),

    delete: async (urn, _id, state) => {
      const command = textOf(state, "delete");
      if (command !== undefined) await run(urn, command, state, state);
    },

    cancel: () => cancelled.abort(),
  };
}
