/** Diff: the inputs against the last ones, property by property. */
import { Diff, PropertyChange, Provider } from "../../server";
import { Obj, pluck, Unknown } from "../../values";
import { isJobDone } from "../await/workloads";
import { Cluster } from "../cluster";
import { diffObjects, forceNewPaths, identityPaths, withoutIgnored } from "../diff";
import { gvkOf } from "../gvk";
import {
  isAnnotated,
  isPatch,
  nameOfObject,
  namespaceOfObject,
  normalize,
  parseCheckpoint,
  pruneToShape,
  toObject,
  withMetadata,
} from "../objects";

export const diff =
  (cluster: Cluster): Provider["diff"] =>
  async (urn, olds, newProperties, ignoreChanges): Promise<Diff> => {
    const { inputs, live: oldLive } = parseCheckpoint(olds);
    const { old, news } = await comparable(
      cluster,
      oldLive,
      normalize(inputs),
      normalize(toObject(newProperties)),
    );
    const detailed = withoutIgnored(
      diffObjects(old, news, isPatch(urn) ? identityPaths : forceNewPaths(news, cluster.mutable)),
      ignoreChanges,
    );
    const replaces = [...detailed]
      .filter(
        ([path, change]: [string, PropertyChange]) =>
          change.replace || (path === "metadata" && change.kind === "delete"),
      )
      .map(([path]) => path);
    const isUnready =
      isAnnotated(news, "replaceUnready") && (await isUnreadyJob(cluster, urn, news, oldLive));
    if (isUnready) replaces.push(`.metadata.annotations["pulumi.com/replaceUnready"]`);
    const sameName = nameOfObject(news) === nameOfObject(oldLive);
    const sameNamespace = namespaceOfObject(news) === namespaceOfObject(oldLive);
    const named = nameOfObject(news) !== "" && !isAnnotated(news, "autonamed");
    return {
      changes: detailed.size > 0 || isUnready,
      replaces,
      deleteBeforeReplace: replaces.length > 0 && named && sameName && sameNamespace,
      detailed,
    };
  };

/** Both sides in one form: with a namespace if the kind has one, and with the name that the cluster has. */
async function comparable(
  cluster: Cluster,
  oldLive: Obj,
  oldInputs: Obj,
  newInputs: Obj,
): Promise<{ old: Obj; news: Obj }> {
  let [old, news] = [pruneToShape(oldLive, oldInputs) as Obj, newInputs];
  if (await cluster.isNamespaced(gvkOf(news))) {
    old = withMetadata(old, "namespace", namespaceOfObject(old) || "default");
    if (!(pluck(news, "metadata", "namespace") instanceof Unknown)) {
      news = withMetadata(news, "namespace", namespaceOfObject(news) || "default");
    }
  } else {
    old = withMetadata(old, "namespace", "");
    news = withMetadata(news, "namespace", "");
  }
  if (nameOfObject(news)) old = withMetadata(old, "name", nameOfObject(oldLive));
  // An object read without inputs does not say what it is.
  if (!old.kind) old = { ...old, apiVersion: news.apiVersion ?? null, kind: news.kind ?? null };
  return { old, news };
}

/** Whether the object is a Job that has not succeeded. Warns if nobody can tell. */
async function isUnreadyJob(
  cluster: Cluster,
  urn: string,
  news: Obj,
  oldLive: Obj,
): Promise<boolean> {
  const warn = (message: string) => cluster.host.log("warning", urn, message);
  if (gvkOf(news).kind !== "Job") {
    await warn("replaceUnready annotation is not supported for this resource");
    return false;
  }
  if (!cluster.api) {
    await warn("Cluster is unreachable, skipping replaceUnready check");
    return false;
  }
  const live = await cluster.api.get(oldLive).catch(() => undefined);
  return live !== undefined && !isJobDone(live);
}
