import { closest, distance } from "fastest-levenshtein";

/**
 * What to write in place of a name that is not known: `did you mean "x"?` where a known name is near, that is, a third
 * of its letters away at most; and the list of all.
 * @param known At least one name.
 * @param list A sentence that tells of all names, begun in lower case. By default it names them, where none is near.
 */
export function suggestion(name: string, known: readonly string[], list?: string): string {
  const nearest = closest(name, known);
  if (distance(name, nearest) > Math.max(1, Math.ceil(name.length / 3))) {
    return list ?? `there are ${known.join(", ")}.`;
  }
  const more = list === undefined ? "" : ` ${list.charAt(0).toUpperCase()}${list.slice(1)}`;
  return `did you mean "${nearest}"?${more}`;
}
