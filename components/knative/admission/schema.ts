import { isRecord } from "../../../lib/json";
import { parseQuantity } from "../../../lib/quantity";
import { Feature } from "./features";
import { Findings } from "./findings";
import { unknownField } from "./unknownField";

/**
 * Reads what stands at a path and reports what the API server would refuse of it: another type, a missing field, a field that
 * is not there. It returns what is left, so that the rules that follow can rely on the types.
 */
export type Schema<Value> = (findings: Findings, path: string, value: unknown) => Value | undefined;

/** What a schema reads. */
export type ValueOf<Of> = Of extends Schema<infer Value> ? Value : never;

type Fields = Record<string, Schema<unknown>>;

/** A mapping with some of these fields. */
type Mapping<Of extends Fields> = { [Name in keyof Of]?: ValueOf<Of[Name]> };

/** A text. */
export const text = typed(
  (value): value is string => typeof value === "string",
  "is not a text; put it in quotes.",
);

/** True or false. */
export const truth = typed(
  (value): value is boolean => typeof value === "boolean",
  "is neither true nor false.",
);

/** A whole number of 32 bits. */
export const int32 = typed(
  (value): value is number => Number.isInteger(value) && Math.abs(Number(value)) < 2 ** 31,
  "is not a whole number.",
);

/** A whole number of 64 bits, as far as YAML in JavaScript keeps it exactly. */
export const int64 = typed(
  (value): value is number => Number.isSafeInteger(value),
  "is not a whole number.",
);

/** A port by its number or its name. */
export const intOrText = typed(
  (value): value is number | string => typeof value === "string" || Number.isInteger(value),
  "is neither a whole number nor a text.",
);

/** A quantity of Kubernetes. */
export const quantity = typed(isQuantity, 'is not a quantity in quotes, such as "0.5" or "64Mi".');

/** A mapping whose fields nobody checks here. */
export const anyMapping = typed(isRecord, "is not a mapping.");

/** A list. */
export function list<Value>(of: Schema<Value>): Schema<Value[]> {
  return (findings, path, value) => {
    if (!Array.isArray(value)) {
      return wrong(findings, path, value, "is not a list.");
    }
    return value.flatMap((item: unknown, index) => {
      const at = `${path}[${index}]`;
      return (
        (item === null ? wrong(findings, at, item, "is empty.") : of(findings, at, item)) ?? []
      );
    });
  };
}

/** A list whose items differ in one field, by which Kubernetes merges them. */
export function listBy<Value extends object>(
  key: keyof Value & string,
  of: Schema<Value>,
): Schema<Value[]> {
  const read = list(of);
  return (findings, path, value) => {
    const items = read(findings, path, value);
    const names = (Array.isArray(value) ? value : []).map((item: unknown) =>
      isRecord(item) ? item[key] : undefined,
    );
    names.forEach((name, index) => {
      if (name !== undefined && names.indexOf(name) < index) {
        findings.add(
          `${path}[${index}].${key}`,
          `${JSON.stringify(name)} stands twice in the list; remove one.`,
        );
      }
    });
    return items;
  };
}

/** A mapping of names to values of one kind. */
export function mapOf<Value>(of: Schema<Value>): Schema<Record<string, Value>> {
  return (findings, path, value) => {
    if (!isRecord(value)) {
      return wrong(findings, path, value, "is not a mapping.");
    }
    const entries = Object.entries(value).map(
      ([name, item]) => [name, of(findings, `${path}.${name}`, item)] as const,
    );
    return Object.fromEntries(entries.filter(([, item]) => item !== undefined)) as Record<
      string,
      Value
    >;
  };
}

/** A mapping with known fields. A field that is null is as good as none. */
export function fields<Of extends Fields>(
  of: Of,
  required: readonly (keyof Of & string)[] = [],
): Schema<Mapping<Of>> {
  return (findings, path, value) => {
    if (!isRecord(value)) {
      return wrong(findings, path, value, "is not a mapping.");
    }
    const given = Object.entries(value).filter(([, item]) => item !== null && item !== undefined);
    const names = given.map(([name]) => name);
    for (const name of required.filter((each) => !names.includes(each))) {
      findings.add(join(path, name), "is missing.");
    }
    const read = given.flatMap(([name, item]) => {
      const schema = Object.hasOwn(of, name) ? of[name] : undefined;
      if (schema === undefined) {
        findings.add(join(path, name), unknownField(name, Object.keys(of)));
        return [];
      }
      return [[name, schema(findings, join(path, name), item)]];
    });
    return Object.fromEntries(read) as Mapping<Of>;
  };
}

/** How a field needs a flag. */
interface FlagUse {
  /** The flag's value `allowed` will not do: Knative's rules ask for `enabled`. */
  enabled?: true;
  /** Go's type of the field cannot tell false and "" from nothing. */
  zeroIsNone?: true;
}

/** What needs a flag of config-features. */
export function flagged<Value>(
  feature: Feature,
  of: Schema<Value>,
  { enabled, zeroIsNone }: FlagUse = {},
): Schema<Value> {
  return (findings, path, value) => {
    if (!zeroIsNone || (value !== false && value !== "")) {
      findings.needs(path, feature, !enabled);
    }
    return of(findings, path, value);
  };
}

/** True or false, of which Knative takes only false. */
export const onlyFalse: Schema<boolean> = (findings, path, value) => {
  if (value === true) {
    findings.add(path, "is true, and Knative allows only false; remove it.");
  }
  return truth(findings, path, value);
};

/** The path of a field. */
export function join(path: string, field: string): string {
  return path === "" ? field : `${path}.${field}`;
}

function typed<Value>(is: (value: unknown) => value is Value, message: string): Schema<Value> {
  return (findings, path, value) => (is(value) ? value : wrong(findings, path, value, message));
}

function wrong(findings: Findings, path: string, value: unknown, message: string): undefined {
  const shown = typeof value === "object" && value !== null ? "this" : JSON.stringify(value);
  findings.add(path, `${shown} ${message}`);
  return undefined;
}

function isQuantity(value: unknown): value is string | number {
  try {
    return typeof value === "string"
      ? parseQuantity(value) !== undefined
      : Number.isSafeInteger(value);
  } catch {
    return false;
  }
}
