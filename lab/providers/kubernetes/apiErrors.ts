/** The API server's refusals, in the words of client-go. */
import { apiVersionOf, Gvk } from "./gvk";

/** The API server answered, and refused. */
export class StatusError extends Error {
  constructor(
    readonly code: number,
    readonly reason: string,
    message: string,
    readonly detailsKind: string,
  ) {
    super(message);
  }
}

/** The server has no such kind. */
export class NoMatchError extends Error {
  constructor(gvk: Gvk) {
    super(`no matches for kind "${gvk.kind}" in version "${apiVersionOf(gvk)}"`);
  }
}

/** What an error says. */
export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** Whether the server refused for this reason, such as `NotFound`. */
export const isReason = (error: unknown, reason: string): boolean =>
  error instanceof StatusError && error.reason === reason;
