/**
 * Pulumi property values as plain JavaScript: null, boolean, number, string, array, object, and two kinds of its own,
 * a secret and a value not known yet. Facts: sdk/go/common/resource/plugin/rpc.go of pulumi/pulumi.
 */
import { Struct } from "google-protobuf/google/protobuf/struct_pb";

const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
const unknownValue = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
/** Values that the engine may send, but that no resource of this project has: assets, archives, resource references. */
const refused: Record<string, string> = {
  c44067f5952c0a294b673a41bacd8c17: "an asset",
  "0def7320c3a5731c473e5ecbe6d01bc7": "an archive",
  "5cf8f73096256a8f31e491e813e4eb8e": "a resource reference",
  d0e6a833031e9bbcd3f4e8bde6ca49a4: "an output value",
};

export class Secret {
  constructor(readonly element: Value) {}
}

export class Unknown {}
export const unknown = new Unknown();

export type Value = null | boolean | number | string | Value[] | Obj | Secret | Unknown;
export interface Obj {
  [key: string]: Value;
}

export function isObj(v: unknown): v is Obj {
  return (
    typeof v === "object" &&
    v !== null &&
    !Array.isArray(v) &&
    !(v instanceof Secret) &&
    !(v instanceof Unknown)
  );
}

/** The object at a key, or an empty one. */
export function objAt(v: Value | undefined, key: string): Obj {
  const child = isObj(v) ? v[key] : undefined;
  return isObj(child) ? child : {};
}

/** The value under nested keys, or undefined. */
export function pluck(v: Value | undefined, ...path: string[]): Value | undefined {
  return path.reduce<Value | undefined>((o, key) => (isObj(o) ? o[key] : undefined), v);
}

/** The string under nested keys, or "". */
export function str(v: Value | undefined, ...path: string[]): string {
  const found = pluck(v, ...path);
  return typeof found === "string" ? found : "";
}

/** A copy without some keys. */
export function omit(v: Obj, ...keys: string[]): Obj {
  return Object.fromEntries(Object.entries(v).filter(([key]) => !keys.includes(key)));
}

type Wire = null | boolean | number | string | Wire[] | { [key: string]: Wire };

function fromWire(v: Wire): Value {
  if (v === unknownValue) return unknown;
  if (Array.isArray(v)) return v.map(fromWire);
  if (typeof v !== "object" || v === null) return v;
  const signature = v[signatureKey];
  if (signature === secretSignature) return new Secret(fromWire(v.value ?? null));
  if (typeof signature === "string") {
    throw new Error(
      `the lab's provider stand-in cannot take ${refused[signature] ?? "this value"}`,
    );
  }
  return Object.fromEntries(Object.entries(v).map(([key, child]) => [key, fromWire(child)]));
}

function toWire(v: Value): Wire {
  if (v instanceof Unknown) return unknownValue;
  if (v instanceof Secret) return { [signatureKey]: secretSignature, value: toWire(v.element) };
  if (Array.isArray(v)) return v.map(toWire);
  if (!isObj(v)) return v;
  return Object.fromEntries(Object.entries(v).map(([key, child]) => [key, toWire(child)]));
}

export function unmarshal(struct: Struct | undefined): Obj {
  return struct ? (fromWire(struct.toJavaScript() as Wire) as Obj) : {};
}

export function marshal(obj: Obj): Struct {
  return Struct.fromJavaScript(toWire(obj) as Parameters<typeof Struct.fromJavaScript>[0]);
}

/** A deep copy without the secret wrappers. */
export function reveal(v: Obj): Obj;
export function reveal(v: Value): Value;
export function reveal(v: Value): Value {
  if (v instanceof Secret) return reveal(v.element);
  if (Array.isArray(v)) return v.map(reveal);
  if (!isObj(v)) return v;
  return Object.fromEntries(Object.entries(v).map(([key, child]) => [key, reveal(child)]));
}

function contains(v: Value, wanted: typeof Secret | typeof Unknown): boolean {
  if (v instanceof wanted) return true;
  if (v instanceof Secret) return contains(v.element, wanted);
  if (Array.isArray(v)) return v.some((child) => contains(child, wanted));
  return isObj(v) && Object.values(v).some((child) => contains(child, wanted));
}

export const containsUnknown = (v: Value): boolean => contains(v, Unknown);
export const containsSecret = (v: Value): boolean => contains(v, Secret);

/** Deep equality. A secret never equals the same value in plain; a value not known yet equals nothing. */
export function equal(a: Value | undefined, b: Value | undefined): boolean {
  if (a instanceof Unknown || b instanceof Unknown) return false;
  if (a instanceof Secret || b instanceof Secret) {
    return a instanceof Secret && b instanceof Secret && equal(a.element, b.element);
  }
  if (Array.isArray(a) || Array.isArray(b)) {
    return (
      Array.isArray(a) &&
      Array.isArray(b) &&
      a.length === b.length &&
      a.every((v, i) => equal(v, b[i]))
    );
  }
  if (isObj(a) && isObj(b)) {
    const keys = Object.keys(a);
    return (
      keys.length === Object.keys(b).length &&
      keys.every((key) => key in b && equal(a[key], b[key]))
    );
  }
  return a === b;
}

export type PathElement = string | number;

/** A path in the engine's syntax: `spec.containers[0].env`, `metadata.labels["app.kubernetes.io/name"]`. */
export function formatPath(path: readonly PathElement[]): string {
  let text = "";
  for (const element of path) {
    if (typeof element === "number") text += `[${element}]`;
    else if (/[."[\]]/.test(element)) text += `["${element.replaceAll('"', '\\"')}"]`;
    else text += text ? `.${element}` : element;
  }
  return text;
}

/** The reverse of {@link formatPath}; `*` and `[*]` are the string "*". */
export function parsePath(text: string): PathElement[] {
  const path: PathElement[] = [];
  let rest = text;
  while (rest) {
    const match =
      /^\.?\["((?:\\.|[^"\\])*)"\]/.exec(rest) ??
      /^\[(\d+|\*)\]/.exec(rest) ??
      /^\.?([^.[\]"]+)/.exec(rest);
    if (!match?.[1]) throw new Error(`failed to parse ignore path: "${text}"`);
    const element = match[1].replaceAll('\\"', '"');
    path.push(/^\[\d/.test(match[0]) ? Number(element) : element);
    rest = rest.slice(match[0].length);
  }
  return path;
}

/** Whether the first path is, or leads to, the second. */
export function pathContains(
  outer: readonly PathElement[],
  inner: readonly PathElement[],
): boolean {
  return outer.length <= inner.length && outer.every((e, i) => e === "*" || e === inner[i]);
}
