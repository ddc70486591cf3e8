/** What several operations share. */
import { randomBytes } from "node:crypto";
import { InitError } from "../../server";
import { containsUnknown, Obj, str } from "../../values";
import { messageOf, NoMatchError } from "../apiErrors";
import { AwaitError } from "../await";
import { Cluster } from "../cluster";
import { gvkOf } from "../gvk";
import { annotation } from "../objects";

/** Who owns the fields that are applied: as annotated, as before, or a new name. */
export const fieldManagerOf = (inputs: Obj, state: Obj): string =>
  annotation(inputs, "patchFieldManager") ||
  str(state, "__fieldManager") ||
  `pulumi-kubernetes-${randomBytes(4).toString("hex")}`;

/** The object is there, but does not become ready. */
export function initError(prefix: string, error: unknown, id: string, state: Obj): InitError {
  const message = `${prefix}: ${messageOf(error)}`;
  const subErrors = error instanceof AwaitError ? error.subErrors : [];
  return new InitError(id, message, [message, ...subErrors], state);
}

/** Whether a preview must do without the server: it is away, inputs are unknown, or it has no such kind. */
export async function isBlind(cluster: Cluster, properties: Obj, inputs: Obj): Promise<boolean> {
  return !cluster.api || containsUnknown(properties) || !(await cluster.api.has(gvkOf(inputs)));
}

/** The official provider's sentence for a kind that the server does not have. */
export function noSuchKind(what: string, error: NoMatchError): Error {
  return new Error(
    `${what} failed because the Kubernetes API server ` +
      "reported that the apiVersion for this resource does not exist. " +
      `Verify that any required CRDs have been created: ${error.message}`,
  );
}
