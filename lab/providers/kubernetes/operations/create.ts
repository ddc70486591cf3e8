/** Create: applies an object and waits until it is ready. */
import { Provider, typeOf } from "../../server";
import { Obj, omit, str } from "../../values";
import { isReason, messageOf, NoMatchError, StatusError } from "../apiErrors";
import { AwaitError, awaitReady } from "../await";
import { Cluster } from "../cluster";
import { checkpoint, gvkOfToken, idOf, isCrd, isPatch, toObject } from "../objects";
import { createObject } from "../write";
import { fieldManagerOf, initError, isBlind, noSuchKind } from "./common";

const advice = `

The resource already exists in the cluster. This can happen when:

  - Renaming a Pulumi resource: use an alias to preserve the identity,
    or use deleteBeforeReplace if the resource needs replacement.
  - Managing an existing resource: use a Patch resource (e.g. NamespacePatch)
    to manage specific fields without owning the resource lifecycle.
  - Adopting a resource into Pulumi: use \`pulumi import\`. Note that
    protected resources (e.g. kube-system) cannot be deleted on destroy.
  - Intentional upsert: set upsertExistingObjects on the provider to allow
    server-side apply to update existing objects on create.`;

export const create =
  (cluster: Cluster): Provider["create"] =>
  async (urn, properties, preview, timeoutSeconds) => {
    const inputs = toObject(properties);
    const asIs = { id: "", state: properties };
    if (preview && (isPatch(urn) || (await isBlind(cluster, properties, inputs)))) return asIs;
    const client = cluster.reachable();
    const fieldManager = fieldManagerOf(inputs, {});
    const stateOf = (live: Obj) =>
      checkpoint(inputs, live, properties, str(inputs, "apiVersion"), fieldManager);

    let outputs: Obj;
    try {
      outputs = await createObject(cluster, urn, inputs, fieldManager, preview);
    } catch (error) {
      if (preview && isOfPreviewAlone(error)) return asIs;
      throw createError(urn, error);
    }
    await cluster.host.status("info", urn, "");
    if (preview) {
      return { id: "", state: stateOf(omit(outputs, "status")) };
    }
    let live: Obj;
    try {
      live = await awaitReady(cluster.waiting(urn), inputs, { outputs }, timeoutSeconds);
    } catch (error) {
      const last = error instanceof AwaitError ? error.object : outputs;
      throw initError(
        `resource "${urn}" was successfully created, but the Kubernetes API server ` +
          "reported that it failed to fully initialize or become live",
        error,
        idOf(last),
        stateOf(last),
      );
    }
    if (isCrd(inputs)) client.forgetDiscovery();
    await cluster.host.status("info", urn, "");
    return { id: idOf(live), state: stateOf(live) };
  };

/** Whether the real create may succeed, although its dry run failed: for want of a namespace, or of rights. */
function isOfPreviewAlone(error: unknown): boolean {
  if (!(error instanceof StatusError)) return false;
  const { code, reason, detailsKind, message } = error;
  const noNamespace = reason === "NotFound" && detailsKind === "namespaces";
  const noDryRun = code === 400 && /dry ?run/i.test(message);
  return noNamespace || noDryRun || ["Forbidden", "AlreadyExists"].includes(reason);
}

function createError(urn: string, error: unknown): Error {
  if (error instanceof NoMatchError) {
    const { group, version, kind } = gvkOfToken(typeOf(urn));
    const gvk = `${group ? `${group}/` : ""}${version}/${kind}`;
    return noSuchKind(`creation of resource "${urn}" with kind ${gvk}`, error);
  }
  const help = isReason(error, "AlreadyExists") ? advice : "";
  return new Error(
    `resource "${urn}" was not successfully created by the Kubernetes API server: ${messageOf(error)}${help}`,
  );
}
