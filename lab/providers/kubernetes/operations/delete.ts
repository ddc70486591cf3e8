/** Delete: removes an object and waits until it is gone. */
import { InitError, Provider } from "../../server";
import { str } from "../../values";
import { isReason, NoMatchError } from "../apiErrors";
import { awaitDeleted, AwaitError } from "../await";
import { Cluster } from "../cluster";
import { annotation, checkpoint, idOf, isPatch, parseCheckpoint, withMetadata } from "../objects";
import { relinquish } from "../write";
import { fieldManagerOf } from "./common";

export const deleteObject =
  (cluster: Cluster): Provider["delete"] =>
  async (urn, id, state, timeoutSeconds) => {
    if (!cluster.api) {
      if (await cluster.isGivenUp(urn)) return;
      throw new Error(
        "configured Kubernetes cluster is unreachable. If the cluster was deleted, " +
          "you can remove this resource from Pulumi state by rerunning the operation with the " +
          'PULUMI_K8S_DELETE_UNREACHABLE environment variable set to "true"',
      );
    }
    const { inputs, live } = parseCheckpoint(state);
    if (isPatch(urn)) return relinquish(cluster, live, fieldManagerOf(inputs, state));
    const name = id.slice(id.indexOf("/") + 1);
    const object = withMetadata(live, "name", name);
    const wish = annotation(inputs, "deletionPropagationPolicy").toLowerCase();
    const policy =
      wish === "orphan" ? "Orphan" : wish === "background" ? "Background" : "Foreground";
    try {
      await cluster.api.delete(object, policy);
      await awaitDeleted(cluster.waiting(urn), inputs, object, timeoutSeconds);
    } catch (error) {
      // If the kind or the object is gone, nothing is left to delete.
      if (isReason(error, "NotFound") || error instanceof NoMatchError) return;
      if (!(error instanceof AwaitError)) throw error;
      const last = checkpoint(
        live,
        error.object,
        state,
        str(state, "__initialApiVersion"),
        fieldManagerOf(inputs, state),
      );
      throw new InitError(idOf(error.object), error.message, [error.message], last);
    }
    await cluster.host.status("info", urn, "");
  };
