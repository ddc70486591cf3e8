/** Creates and changes objects, with the retries and the words of the official provider. */
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Obj, pluck, str } from "../values";
import { isReason, messageOf, NoMatchError, StatusError } from "./apiErrors";
import { Cluster } from "./cluster";
import {
  isAnnotated,
  isCrd,
  isPatch,
  listOf,
  nameOfObject,
  namespaceOfObject,
  withMetadata,
} from "./objects";
import { createManager, takeOver, withIgnoredFields } from "./ownership";

const conflictHelp =
  "server-side apply field conflict detected, see https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/" +
  "managing-resources-with-server-side-apply/#handle-field-conflicts-on-existing-resources for troubleshooting help";

/** Creates an object, and tries again for a while if the kind or the namespace is not there yet. */
export async function createObject(
  cluster: Cluster,
  urn: string,
  object: Obj,
  manager: string,
  preview: boolean,
): Promise<Obj> {
  const client = cluster.reachable();
  let pause = 1000;
  for (let tries = 0; ; tries++) {
    try {
      return cluster.upsert || isPatch(urn)
        ? await upsertObject(cluster, object, manager, preview)
        : await client.create(object, createManager, preview);
    } catch (error) {
      if (
        preview &&
        isReason(error, "NotFound") &&
        (error as StatusError).detailsKind === "namespaces"
      )
        throw error;
      if (!isReason(error, "NotFound") && !(error instanceof NoMatchError)) throw error;
      await cluster.host.status(
        "info",
        urn,
        `Retry #${tries}; creation failed: ${messageOf(error)}`,
      );
      client.forgetDiscovery();
      // The official provider sleeps after its last try, too.
      await sleep(pause, undefined, { signal: cluster.signal });
      if (tries === 5) throw error;
      pause *= 2;
    }
  }
}

/** Creates by server-side apply, which takes over an object that is there already. */
async function upsertObject(
  cluster: Cluster,
  object: Obj,
  manager: string,
  preview: boolean,
): Promise<Obj> {
  const force = cluster.patchForce || preview || isAnnotated(object, "patchForce");
  try {
    return await cluster.reachable().apply(object, manager, force, preview);
  } catch (error) {
    if (preview && isReason(error, "Invalid") && /field is immutable/.test(messageOf(error))) {
      // The create will be a replacement. A dry run can only show it under another name.
      const name = `${nameOfObject(object)}${randomBytes(3).toString("hex").slice(1)}`;
      return await cluster
        .reachable()
        .apply(withMetadata(object, "name", name), manager, force, preview);
    }
    throw conflictError(error, manager);
  }
}

/** Updates by server-side apply. A CustomResourceDefinition is replaced as a whole. */
export async function updateObject(
  cluster: Cluster,
  urn: string,
  inputs: Obj,
  before: Obj,
  manager: string,
  ignoreChanges: string[],
  preview: boolean,
): Promise<Obj> {
  const client = cluster.reachable();
  if (isCrd(inputs)) {
    const resourceVersion = str(before, "metadata", "resourceVersion");
    return client.put(withMetadata(inputs, "resourceVersion", resourceVersion), manager, preview);
  }
  let live = before;
  const managed = listOf(pluck(live, "metadata", "managedFields"));
  // A Patch resource leaves to others what is theirs (fixCSAFieldManagers).
  const handedOver = preview || isPatch(urn) ? undefined : takeOver(managed, manager);
  if (handedOver) {
    live = await client.jsonPatch(live, [
      { op: "replace", path: "/metadata/managedFields", value: handedOver },
      {
        op: "replace",
        path: "/metadata/resourceVersion",
        value: str(live, "metadata", "resourceVersion"),
      },
    ]);
  }
  // A preview cannot take fields over first, so it must not fail because of them.
  const clientSide = (entry: Obj) =>
    entry.operation === "Update" && str(entry, "manager") === createManager;
  const force =
    cluster.patchForce ||
    isAnnotated(inputs, "patchForce") ||
    managed.length === 0 ||
    (preview && managed.some(clientSide));
  try {
    return await client.apply(
      withIgnoredFields(inputs, live, ignoreChanges, manager),
      manager,
      force,
      preview,
    );
  } catch (error) {
    throw conflictError(error, manager);
  }
}

/** Gives up the fields that a manager has of an object: those that nobody else has go (ssa.Relinquish). */
export async function relinquish(cluster: Cluster, live: Obj, manager: string): Promise<void> {
  const { apiVersion = null, kind = null } = live;
  const [name, namespace] = [nameOfObject(live), namespaceOfObject(live)];
  const least = { apiVersion, kind, metadata: { name, namespace } };
  await cluster.reachable().apply(least, manager, false, false);
}

/** A conflict of server-side apply, in the provider's words. Returns any other error unchanged. */
function conflictError(error: unknown, manager: string): unknown {
  return isReason(error, "Conflict")
    ? new Error(
        `${conflictHelp}\nThe resource managed by field manager "${manager}" had an apply conflict: ${messageOf(error)}`,
      )
    : error;
}
