import { loadAll, LoadOptions, YAMLException } from "js-yaml";
import { UserError } from "./userError";

/** A text that is not one YAML document; the message says why, with the line where one is known. */
export class YamlError extends UserError {}

/**
 * The most values that a document may have once its aliases are expanded, which JSON requires. The largest object of a
 * release, Knative's definition of services, has about 1,200.
 */
const mostValues = 100_000;

/**
 * Parses a text of one YAML document. Empty documents may follow, because many editors and tools end a file in `---`.
 * @returns null or undefined for an empty text.
 * @throws YamlError
 */
export function parseYaml(text: string, options: LoadOptions = {}): unknown {
  const [value, ...others] = documents(text, options);
  if (others.some((other) => other !== null)) {
    throw new YamlError(`another document begins at line ${secondDocument(text)}`);
  }
  const values = count(value, new Map());
  if (values === Infinity) {
    throw new YamlError("an alias in it stands for what it is itself a part of");
  }
  if (values > mostValues) {
    throw new YamlError(`its aliases make it more than ${mostValues} values`);
  }
  return value;
}

function documents(text: string, options: LoadOptions): unknown[] {
  try {
    // loadAll, because js-yaml's load gives no line for a second document.
    return loadAll(text, null, options);
  } catch (error) {
    if (!(error instanceof YAMLException)) {
      throw error;
    }
    // Not every exception has a mark, whatever its type says.
    const mark = error.mark as YAMLException["mark"] | undefined;
    const place = mark === undefined ? "" : ` at line ${mark.line + 1}`;
    throw new YamlError(`${error.reason}${place}`, { cause: error });
  }
}

/** The line of the separator before the second document. */
function secondDocument(text: string): number {
  const lines = text.split(/\r?\n/);
  const isContent = (line: string): boolean => /^[^#%]/.test(line.replace(/^---\s*|^\s+/, ""));
  const first = lines.findIndex(isContent);
  return lines.findIndex((line, index) => index > first && /^(---|\.\.\.)(\s|$)/.test(line)) + 1;
}

/** The number of values with every alias expanded; Infinity if an alias refers to a value that contains it. */
function count(value: unknown, known: Map<object, number>): number {
  if (typeof value !== "object" || value === null) {
    return 1;
  }
  const before = known.get(value);
  if (before !== undefined) {
    return before;
  }
  known.set(value, Infinity);
  const total = Object.values(value).reduce<number>((sum, part) => sum + count(part, known), 1);
  known.set(value, total);
  return total;
}
