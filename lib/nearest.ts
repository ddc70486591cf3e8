import { closest, distance } from "fastest-levenshtein";

/**
 * Suggests what to write instead of an unknown name: `did you mean "x"?` if a known name differs in at most a third of
 * the letters, otherwise the list of all names.
 * @param known At least one name.
 * @param list A sentence about all names, which begins in lower case and is always part of the suggestion. By default the
 * suggestion lists the names only if none is near.
 */
export function suggestion(name: string, known: readonly string[], list?: string): string {
  const nearest = closest(name, known);
  if (distance(name, nearest) > Math.max(1, Math.ceil(name.length / 3))) {
    return list ?? `there are ${known.join(", ")}.`;
  }
  const more = list === undefined ? "" : ` ${list.charAt(0).toUpperCase()}${list.slice(1)}`;
  return `did you mean "${nearest}"?${more}`;
}
