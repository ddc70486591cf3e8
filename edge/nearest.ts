import { closest } from "fastest-levenshtein";

/**
 * `did you mean "x"?`, with the known name nearest to a mistyped one.
 * @param known At least one name.
 */
export function suggestion(name: string, known: readonly string[]): string {
  return `did you mean "${closest(name, known)}"?`;
}
