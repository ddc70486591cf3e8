import { describe, KubernetesObject } from "../../components/cluster/kubernetesObject";
import { exampleKey } from "../../components/knative/configMaps";
import { isRecord } from "../../lib/json";

/** What one release has and another has not; objects by their names in messages. */
export interface ReleaseComparison {
  added: string[];
  removed: string[];
  /** Objects that both have, each with a line for each field that differs. */
  changed: { object: string; fields: string[] }[];
}

/** Texts that differ in every release and say nothing. */
const ignored = ["app.kubernetes.io/version", "knative.dev/example-checksum"];

/** Fields with too many differences to list: the comparison only says that they changed. */
const summarized = ["schema", "rules"];

/** The longest text that the comparison shows. Of a longer one it only says that it changed. */
const longest = 120;

/**
 * What changes from one release to another: objects, and every field of the objects that both have. So it has containers,
 * images, requests, limits, and the keys of ConfigMaps, also those that only the ConfigMap's example explains.
 * @param before Objects of the older release, each once.
 * @param after Objects of the newer release, each once.
 */
export function compareReleases(
  before: KubernetesObject[],
  after: KubernetesObject[],
): ReleaseComparison {
  const [older, newer] = [before, after].map(
    (objects) => new Map(objects.map((object) => [describe(object), object])),
  ) as [Map<string, KubernetesObject>, Map<string, KubernetesObject>];
  const changed = [...older].flatMap(([object, old]) => {
    const now = newer.get(object);
    const fields = now === undefined ? [] : differences("", comparable(old), comparable(now));
    return fields.length === 0 ? [] : [{ object, fields }];
  });
  return {
    added: [...newer.keys()].filter((name) => !older.has(name)),
    removed: [...older.keys()].filter((name) => !newer.has(name)),
    changed,
  };
}

/** A comparison as lines for a terminal. */
export function comparisonText({ added, removed, changed }: ReleaseComparison): string {
  const lines = [
    ...added.map((object) => `+ ${object}`),
    ...removed.map((object) => `- ${object}`),
    ...changed.flatMap(({ object, fields }) => [
      `~ ${object}`,
      ...fields.map((field) => `    ${field}`),
    ]),
  ];
  return lines.length === 0 ? "No object differs." : lines.join("\n");
}

/** The object with the keys that its example explains in place of the example's text. */
function comparable(object: KubernetesObject): unknown {
  const example = object.data?.[exampleKey];
  if (example === undefined) {
    return object;
  }
  const keys = [...example.matchAll(/^([\w.-]+):[ \t]*(.*)$/gm)];
  const explained = Object.fromEntries(keys.map(([, key = "", value = ""]) => [key, value]));
  return { ...object, data: { ...object.data, [exampleKey]: explained } };
}

function differences(path: string, before: unknown, after: unknown): string[] {
  const last = path.split(".").at(-1) ?? "";
  if (
    JSON.stringify(before) === JSON.stringify(after) ||
    ignored.some((name) => path.endsWith(name))
  ) {
    return [];
  }
  if (before === undefined || after === undefined || summarized.includes(last)) {
    return [line(path, before, after)];
  }
  const [older, newer] = [fieldsOf(before), fieldsOf(after)];
  if (older === undefined || newer === undefined) {
    return [line(path, before, after)];
  }
  const names = [...new Set([...Object.keys(older), ...Object.keys(newer)])];
  return names.flatMap((name) => {
    const below = Array.isArray(before)
      ? `${path}[${name}]`
      : path === ""
        ? name
        : `${path}.${name}`;
    return differences(below, older[name], newer[name]);
  });
}

/** The fields of an object, and the items of a list by their names; undefined for another value. */
function fieldsOf(value: unknown): Record<string, unknown> | undefined {
  if (!Array.isArray(value)) {
    return isRecord(value) ? value : undefined;
  }
  const items: unknown[] = value;
  const named = items.map((item) => [isRecord(item) ? item.name : undefined, item] as const);
  const isNamed = named.every(([name]) => typeof name === "string");
  return isNamed ? (Object.fromEntries(named) as Record<string, unknown>) : undefined;
}

function line(path: string, before: unknown, after: unknown): string {
  const [old, now] = [shown(before), shown(after)];
  const field = path.replace(/^spec\.template\.spec\./, "");
  if (before === undefined) {
    return `+ ${field}${now === undefined ? "" : `: ${now}`}`;
  }
  if (after === undefined) {
    return `- ${field}${old === undefined ? "" : `: ${old}`}`;
  }
  return old === undefined || now === undefined || summarized.some((name) => path.endsWith(name))
    ? `${field} changed`
    : `${field}: ${old} → ${now}`;
}

/** A value on one line, with digests cut to what a reader compares; undefined if it is too long. */
function shown(value: unknown): string | undefined {
  const text = typeof value === "string" ? value : JSON.stringify(value ?? null);
  const short = text.replace(/(@sha256:\w{12})\w+/, "$1");
  return short.length > longest || short.includes("\n") ? undefined : short || '""';
}
