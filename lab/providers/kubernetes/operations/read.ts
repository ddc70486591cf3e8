/** Read: an object as it is now, for a refresh, an import or `X.get`. */
import { InitError, Provider, typeOf } from "../../server";
import { Obj, omit, str } from "../../values";
import { Api } from "../api";
import { NoMatchError, StatusError } from "../apiErrors";
import { AwaitError, checkReady } from "../await";
import { Cluster } from "../cluster";
import { apiVersionOf } from "../gvk";
import {
  annotateSecrets,
  checkpoint,
  gvkOfToken,
  idOf,
  normalize,
  parseCheckpoint,
  pruneToShape,
  toObject,
  withMetadata,
} from "../objects";
import { fieldManagerOf } from "./common";

export const read =
  (cluster: Cluster): Provider["read"] =>
  async (urn, id, state, properties) => {
    if (!cluster.api) {
      if (await cluster.isGivenUp(urn)) return undefined;
      if (cluster.skipUpdateUnreachable) return { id, state, inputs: properties };
      throw new Error(
        "failed to read resource state due to unreachable cluster. If the cluster was " +
          "deleted, you can remove this resource from Pulumi state by rerunning the operation with the " +
          'PULUMI_K8S_DELETE_UNREACHABLE environment variable set to "true"',
      );
    }
    const { namespace, name } = parsedId(id);
    const given = normalize(toObject(properties));
    // `X.get` and import come without inputs: all there is comes from the cluster.
    const fromCluster = !given.kind;
    const oldInputs = fromCluster ? leastInputs(urn, namespace, name) : given;
    const seen = await look(
      cluster.api,
      withMetadata(oldInputs, "name", name),
      !fromCluster && oldInputs,
    );
    if (!seen) return undefined;
    const { live, notReady } = seen;
    const inputs = fromCluster
      ? normalize(omit(live, "status"))
      : (pruneToShape(live, oldInputs) as Obj);
    const apiVersion =
      str(state, "__initialApiVersion") ||
      str(parseCheckpoint(state).live, "apiVersion") ||
      str(oldInputs, "apiVersion");
    const fieldManager = fieldManagerOf(oldInputs, state);
    const found = checkpoint(inputs, live, properties, apiVersion, fieldManager);
    annotateSecrets(inputs, properties);
    if (notReady) {
      const reasons = [notReady.message, ...notReady.subErrors];
      throw new InitError(id, notReady.message, reasons, found, inputs);
    }
    return { id: id || idOf(live), state: found, inputs };
  };

function parsedId(id: string): { namespace: string; name: string } {
  const [first = "", second] = id.split("/");
  const [namespace, name] = second === undefined ? ["", first] : [first, second];
  if (!name) {
    throw new Error(
      `failed to read resource because of a failure to parse resource name from request ID: ${id}`,
    );
  }
  return { namespace, name };
}

/** What tells which object is meant. */
function leastInputs(urn: string, namespace: string, name: string): Obj {
  const gvk = gvkOfToken(typeOf(urn));
  return {
    apiVersion: apiVersionOf(gvk),
    kind: gvk.kind,
    metadata: { name, ...(namespace && { namespace }) },
  };
}

/**
 * The object in the cluster, or undefined where it or its kind is gone.
 * @param inputs by which it is judged whether it is ready; false judges nothing
 */
async function look(
  api: Api,
  object: Obj,
  inputs: Obj | false,
): Promise<{ live: Obj; notReady?: AwaitError } | undefined> {
  try {
    const live = await api.get(object);
    let notReady: AwaitError | undefined;
    if (inputs) {
      await checkReady(api, inputs, live).catch((error: unknown) => {
        if (!(error instanceof AwaitError)) throw error;
        notReady = error;
      });
    }
    return { live, notReady };
  } catch (error) {
    if (error instanceof NoMatchError) return undefined;
    if (error instanceof StatusError && error.code === 404) return undefined;
    throw error;
  }
}
