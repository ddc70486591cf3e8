/**
 * What commands on a host and on this machine have in common.
 * Facts: provider/pkg/provider/{common,local,remote} of pulumi/pulumi-command, infer's default Diff of
 * pulumi-go-provider.
 */
import { randomBytes } from "node:crypto";
import { Failure, nameOf, PropertyChange, Provider } from "../server";
import {
  containsUnknown,
  equal,
  formatPath,
  isObj,
  Obj,
  PathElement,
  reveal,
  unknown,
  Value,
} from "../values";
import { Output } from "./output";

/** The differences between the kinds of commands. */
export interface CommandKind {
  /** The names that its inputs may have. */
  inputKeys: readonly string[];
  /** The inputs with their defaults, and what is wrong with them. */
  check(urn: string, news: Obj): { inputs: Obj; failures: Failure[] };
  /**
   * Runs a command to its end; throws when it fails.
   * @param previous the state whose output the command is offered
   * @param timeoutSeconds 0: no limit
   */
  run(
    urn: string,
    command: string,
    inputs: Obj,
    previous: Obj,
    timeoutSeconds: number,
  ): Promise<Output>;
  cancel(): void;
}

/** A failure for a property that the double does not have. */
export function unknownProperty(property: string, path = property): Failure {
  return { property: path, reason: `the lab's stand-in does not know the property '${property}'` };
}

/** Paths that differ, to the depth at which the engine shows them; a secret is one value. */
export function diffInputs(
  olds: Obj,
  news: Obj,
  keys: readonly string[],
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

/** The provider of a kind of command. */
export function commandProvider(kind: CommandKind): Provider {
  return {
    version: "1.2.1",

    check: async (urn, _olds, news) => Promise.resolve(kind.check(urn, news)),

    diff: async (_urn, olds, news) => {
      const detailed = diffInputs(olds, news, kind.inputKeys);
      const replaces = [...detailed].filter(([, change]) => change.replace).map(([path]) => path);
      return Promise.resolve({
        changes: detailed.size > 0,
        replaces,
        deleteBeforeReplace: false,
        detailed,
      });
    },

    create: async (urn, inputs, preview, timeoutSeconds) => {
      const id = `${nameOf(urn)}${randomBytes(4).toString("hex")}`;
      if (preview) return { id: "", state: { ...inputs, stdout: unknown, stderr: unknown } };
      const command = textOf(inputs, "create");
      const output =
        command === undefined
          ? { stdout: "", stderr: "" }
          : await kind.run(urn, command, inputs, {}, timeoutSeconds);
      return { id, state: { ...inputs, ...output } };
    },

    update: async (urn, _id, olds, news, preview, timeoutSeconds) => {
      if (preview || containsUnknown(news)) return { ...news, stdout: unknown, stderr: unknown };
      const command = textOf(news, "update") ?? textOf(news, "create");
      const output =
        command === undefined
          ? { stdout: olds.stdout ?? "", stderr: olds.stderr ?? "" }
          : await kind.run(urn, command, news, olds, timeoutSeconds);
      return { ...news, ...output };
    },

    // A command has nothing to read. A refresh keeps the state.
    read: async (_urn, id, state, inputs) => Promise.resolve({ id, state, inputs }),

    delete: async (urn, _id, state, timeoutSeconds) => {
      const command = textOf(state, "delete");
      if (command !== undefined) await kind.run(urn, command, state, state, timeoutSeconds);
    },

    cancel: () => kind.cancel(),
  };
}

function textOf(inputs: Obj, key: string): string | undefined {
  const value = inputs[key] === undefined ? undefined : reveal(inputs[key]);
  return typeof value === "string" ? value : undefined;
}
