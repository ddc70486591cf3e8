/** Who owns which fields of an object under server-side apply. */
import { isObj, Obj, objAt, pluck, str } from "../values";
import { listOf } from "./objects";

/** The field manager of a create without upsert. The first update takes its fields over. */
export const createManager = "pulumi-kubernetes";

/** The union of two trees of owned fields (`fieldsV1`). */
export function mergeFields(a: Obj, b: Obj): Obj {
  const merged: Obj = { ...a };
  for (const [key, value] of Object.entries(b)) {
    const known = merged[key];
    merged[key] = isObj(known) && isObj(value) ? mergeFields(known, value) : value;
  }
  return merged;
}

/**
 * `managedFields` after a server-side apply manager took the fields of client-side writers over; undefined: no change.
 */
export function takeOver(managedFields: Obj[], manager: string): Obj[] | undefined {
  const writers = ["kubectl", "before-first-apply", createManager, "pulumi-resource-kubernetes"];
  const isTaken = (entry: Obj) =>
    !entry.subresource &&
    ((entry.operation === "Update" &&
      writers.some((name) => str(entry, "manager").startsWith(name))) ||
      (entry.operation === "Apply" && entry.manager === "kubectl"));
  const taken = managedFields.filter(isTaken);
  if (taken.length === 0) return undefined;
  const isOurs = (entry: Obj) =>
    entry.operation === "Apply" && entry.manager === manager && !entry.subresource;
  const ours = managedFields.filter(isOurs);
  const fields = [...ours, ...taken].reduce<Obj>(
    (all, entry) => mergeFields(all, objAt(entry, "fieldsV1")),
    {},
  );
  const rest = managedFields.filter((entry) => !isTaken(entry) && !isOurs(entry));
  const first = ours[0] ?? taken[0] ?? {};
  return [...rest, { ...first, manager, operation: "Apply", fieldsV1: fields }];
}

/** Whether a tree of owned fields has the dotted path, or anything below it. */
export function ownsField(fieldsV1: Obj, path: string[]): boolean {
  return pluck(fieldsV1, ...path.map((part) => `f:${part}`)) !== undefined;
}

function setField(object: Obj, path: string[], value: Obj[string] | undefined): Obj {
  const [head, ...tail] = path;
  if (head === undefined) return object;
  const copy = { ...object };
  if (tail.length > 0) {
    if (value === undefined && !isObj(copy[head])) return copy;
    copy[head] = setField(objAt(copy, head), tail, value);
  } else if (value === undefined) delete copy[head];
  else copy[head] = value;
  return copy;
}

/** The inputs to apply with `ignoreChanges`: ignored fields stay as another manager left them, or as they are. */
export function withIgnoredFields(
  inputs: Obj,
  live: Obj,
  ignoreChanges: string[],
  manager: string,
): Obj {
  const managed = listOf(pluck(live, "metadata", "managedFields"));
  const isOurs = (entry: Obj) => entry.manager === manager;
  let result = inputs;
  for (const ignored of ignoreChanges) {
    const path = ignored.split(".");
    const owns = (entry: Obj) => ownsField(objAt(entry, "fieldsV1"), path);
    if (managed.some((e) => !isOurs(e) && owns(e)) && !managed.some((e) => isOurs(e) && owns(e))) {
      result = setField(result, path, undefined);
      continue;
    }
    const lastLive = pluck(live, ...path);
    if (lastLive !== undefined) result = setField(result, path, lastLive);
  }
  return result;
}
