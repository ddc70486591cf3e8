import { textTable } from "../../lib/table";

/** How an operation on one stack ended. */
export interface FleetResult {
  stack: string;
  /** Number of resources by operation, `same` among them. */
  changes: Record<string, number>;
  seconds: number;
  /** Why it failed, in one line; undefined where it went well. */
  error?: string;
}

/**
 * The stacks whose names match a pattern, sorted; numbers in names count as numbers, so that edge2 is before edge10.
 * @param pattern A name, in which `*` stands for any text, `?` for any character and `[1-4]` for one of these.
 */
export function matchStacks(names: string[], pattern: string): string[] {
  const parts = pattern.match(/\[(\w-\w|\w+)\]|./g) ?? [];
  const matcher = new RegExp(`^${parts.map(partOfPattern).join("")}$`);
  return names
    .filter((name) => matcher.test(name))
    .sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
}

function partOfPattern(part: string): string {
  if (part === "*") return ".*";
  if (part === "?") return ".";
  // As in a shell, no character is between 9 and 2; a regular expression would not be one.
  const [, first, last] = /^\[(.)-(.)\]$/.exec(part) ?? [];
  if (first && last && first > last) return "(?!)";
  return part.length > 1 ? part : part.replace(/[\\^$.|+()[\]{}]/, "\\$&");
}

/**
 * Does some work for each item, so many at a time, in the order of the items. A failure must be part of a result:
 * work that throws ends the whole.
 */
export async function inParallel<T, R>(
  items: T[],
  parallel: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const queue = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of queue) {
      results[index] = await work(item);
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallel, items.length) }, worker));
  return results;
}

/** The results as a table, why some failed, and a line with the sum. */
export function fleetSummary(results: FleetResult[], seconds: number): string {
  const failed = results.filter(({ error }) => error !== undefined);
  const table = textTable(
    [
      { title: "stack" },
      { title: "result" },
      { title: "changes" },
      { title: "seconds", align: "right" },
    ],
    results.map(({ stack, error, changes, seconds }) => [
      stack,
      error === undefined ? "ok" : "failed",
      changesText(changes),
      seconds.toFixed(1),
    ]),
  );
  const reasons = failed.map(({ stack, error }) => `${stack}: ${error}`).join("\n");
  const good = results.length - failed.length;
  const sum = `${good} of ${results.length} stacks ok, in ${seconds.toFixed(1)} s`;
  return [table, reasons, sum].filter((part) => part !== "").join("\n\n");
}

/** `2 create, 1 update`, or `none`. */
export function changesText(changes: Record<string, number>): string {
  const words = Object.entries(changes)
    .filter(([op, count]) => op !== "same" && count > 0)
    .map(([op, count]) => `${count} ${op}`);
  return words.length === 0 ? "none" : words.join(", ");
}
