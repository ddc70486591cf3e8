/**
 * `command:local:Command`: a command on the machine that runs Pulumi.
 * Facts: provider/pkg/provider/local of pulumi/pulumi-command.
 */
import { spawn } from "node:child_process";
import { Host } from "../server";
import { reveal } from "../values";
import { CommandKind, unknownProperty } from "./command";
import { Collector, Logging } from "./output";
import { exitError } from "./run";

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
  logging?: Logging;
  stdin?: string;
}

/** Commands that `/bin/sh` runs here. */
export function localCommand(host: Host): CommandKind {
  const cancelled = new AbortController();
  return {
    inputKeys,

    check: (_urn, news) => ({
      inputs: news,
      failures: Object.keys(news)
        .filter((key) => !(inputKeys as readonly string[]).includes(key))
        .map((key) => unknownProperty(key)),
    }),

    run: (urn, command, inputs, previous) => {
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
      const output = new Collector(
        command,
        plain.logging ?? "stdoutAndStderr",
        (line) => void host.line("info", urn, line),
        () => child.kill(),
      );
      for (const stream of ["stdout", "stderr"] as const) {
        child[stream].on("data", (piece: Buffer) => output.take(stream, piece));
      }
      child.stdin.on("error", () => undefined);
      child.stdin.end(plain.stdin);
      return new Promise((resolve, reject) => {
        child.once("error", reject);
        child.once("close", (code, signal) => {
          // os/exec words it without ssh's "Process".
          const failure = signal
            ? `signal: ${signal.replace(/^SIG/, "").toLowerCase()}`
            : exitError(code, undefined)?.replace("Process exited with status", "exit status");
          try {
            resolve(output.result(failure));
          } catch (error) {
            reject(error as Error);
          }
        });
      });
    },

    cancel: () => cancelled.abort(),
  };
}
