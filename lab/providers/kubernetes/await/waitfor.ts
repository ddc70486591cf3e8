/**
 * The `pulumi.com/waitFor` annotation. Facts: provider/pkg/metadata/overrides.go, pkg/await/condition and
 * pkg/jsonpath of pulumi/pulumi-kubernetes. JSON paths follow RFC 9535, as there.
 */
import { query } from "jsonpath-rfc9535";

import { isObj, Obj, pluck } from "../../values";
import { listOf } from "../objects";

/** Whether an object fulfils the conditions, and if not, why. */
export type Check = (object: Obj) => { done: boolean; message: string };

const generationLag = (object: Obj, observed: unknown): boolean => {
  const generation = pluck(object, "metadata", "generation");
  return typeof generation === "number" && typeof observed === "number" && observed < generation;
};

const sameWord = (a: unknown, b: string) =>
  typeof a === "string" && a.toLowerCase() === b.toLowerCase();

function parseCondition(expression: string): Check {
  const [type = "", ...status] = expression.split("=");
  const wanted = status.length > 0 ? status.join("=") : "True";
  return (object) => {
    const conditions = pluck(object, "status", "conditions");
    if (!Array.isArray(conditions)) return { done: false, message: "Has no .status.conditions" };
    const condition = listOf(conditions).find(
      (c) => sameWord(c.type, type) && typeof c.status === "string",
    );
    if (!condition) return { done: false, message: `Waiting for condition ${type}` };
    const observed = condition.observedGeneration ?? pluck(object, "status", "observedGeneration");
    if (generationLag(object, observed)) {
      const generation = pluck(object, "metadata", "generation") as number;
      return {
        done: false,
        message: `Generation ${String(observed)} is less than expected ${generation}`,
      };
    }
    const found = String(condition.status);
    return {
      done: sameWord(found, wanted),
      message: `Resource has condition ${type}=${found} (want ${wanted})`,
    };
  };
}

function parseJsonPath(raw: string): Check {
  const parts = raw.replaceAll("==", "\ufffd").split("=");
  const path = (parts[0] ?? "").replaceAll("\ufffd", "==");
  if (parts.length > 2) throw new Error(`format should be {.path}=value or {.path}, got "${raw}"`);
  const value = (parts[1] ?? "").replaceAll("\ufffd", "==");
  if (parts.length === 2 && !value) throw new Error(`${path}= requires a value`);
  if (path.startsWith("'") && path.endsWith("'"))
    throw new Error(`${path} should omit shell quotes`);
  const inner = /\{\s*(.*?)\s*\}/.exec(path)?.[1];
  if (inner === undefined) throw new Error(`${path} should be wrapped in brackets { ... }`);
  const rooted = inner.startsWith("$") ? inner : `$${inner}`;
  try {
    query({}, rooted);
  } catch (error) {
    throw new Error(`parsing "${path}": ${error instanceof Error ? error.message : String(error)}`);
  }
  const label = value ? `${path}=${value}` : path;
  return (object) => {
    if (generationLag(object, pluck(object, "status", "observedGeneration"))) {
      return { done: false, message: `Waiting for ${label}` };
    }
    const results = query(object as Parameters<typeof query>[0], rooted) as unknown[];
    if (results.length === 0) return { done: false, message: `${path} selected nothing` };
    const first = results[0];
    if (Array.isArray(first) || isObj(first)) {
      if (value) throw new Error(`"${path}" has a non-primitive value (${JSON.stringify(first)})`);
      return { done: true, message: "" };
    }
    const found = first === null ? "<nil>" : String(first);
    return { done: !value || found === value, message: `Waiting for ${label} (found "${found}")` };
  };
}

function parseOne(expression: string): Check {
  if (expression.startsWith("jsonpath="))
    return parseJsonPath(expression.slice("jsonpath=".length));
  if (expression.startsWith("condition="))
    return parseCondition(expression.slice("condition=".length));
  throw new Error(`expected a "jsonpath=" or "condition=" prefix, got "${expression}"`);
}

/** Reads the annotation: one expression, or a JSON list of them that must all hold. Throws on one it cannot read. */
export function parseWaitFor(text: string): Check {
  let expressions = [text];
  try {
    const list: unknown = JSON.parse(text);
    if (Array.isArray(list)) expressions = list.map(String);
  } catch {
    // It is no list, so it is one expression.
  }
  if (expressions.length === 0) throw new Error("at least one condition must be specified");
  const checks = expressions.map(parseOne);
  return (object) => {
    const pending = checks.map((check) => check(object)).find((result) => !result.done);
    return pending ?? { done: true, message: "" };
  };
}
