/** Check: what the program gives is completed as the official provider completes it. */
import { randomBytes } from "node:crypto";
import { Failure, nameOf, Provider, typeOf } from "../../server";
import { Obj, pluck, str, Unknown } from "../../values";
import { Cluster } from "../cluster";
import { Gvk, gvkOf } from "../gvk";
import {
  annotateSecrets,
  gvkOfToken,
  isAnnotated,
  isCrd,
  isPatch,
  nameOfObject,
  normalize,
  setAnnotation,
  toObject,
  withMetadata,
} from "../objects";

export const check =
  (cluster: Cluster): Provider["check"] =>
  async (urn, olds, news, proposedName) => {
    const gvk = gvkOfToken(typeOf(urn));
    if (!cluster.api && cluster.skipUpdateUnreachable) {
      await cluster.host.log(
        "warning",
        urn,
        "Cluster is unreachable but cluster.skipUpdateUnreachable flag is set to true, skipping...",
      );
      return { inputs: olds ?? {}, failures: [] };
    }
    const given = toObject(news);
    const failures = kindFailures(urn, gvk, given);
    let inputs = normalize(given);
    if (isPatch(urn) && nameOfObject(inputs) === "") {
      throw new Error("patch resources require the `.metadata.name` field to be set");
    }
    if (!(inputs.metadata instanceof Unknown)) {
      inputs = named(urn, inputs, olds && toObject(olds), proposedName);
      const hasNone = pluck(inputs, "metadata", "namespace") === undefined;
      if (hasNone && (await cluster.isNamespaced(gvk))) {
        inputs = withMetadata(inputs, "namespace", cluster.defaultNamespace);
      }
    }
    if (isCrd(inputs)) {
      const key = `${str(inputs, "spec", "group")}/${str(inputs, "spec", "names", "kind")}`;
      cluster.declaredKinds.set(key, str(inputs, "spec", "scope") !== "Cluster");
    }
    annotateSecrets(inputs, news);
    return { inputs, failures };
  };

/** Properties of another kind than the resource's type. */
function kindFailures(urn: string, gvk: Gvk, given: Obj): Failure[] {
  const { apiVersion, kind } = given;
  if (typeof apiVersion !== "string" || typeof kind !== "string") return [];
  const said = gvkOf(given);
  if (said.group === gvk.group && said.version === gvk.version && said.kind === gvk.kind) return [];
  const reason = `the resource's type says ${typeOf(urn)}, its properties ${apiVersion} ${kind}`;
  return [{ property: "kind", reason }];
}

/** The inputs with a name: their own, that of the resource before, or one from the resource's name. */
function named(urn: string, inputs: Obj, before: Obj | undefined, proposedName?: string): Obj {
  const metadata = inputs.metadata ?? {};
  if (pluck(metadata, "name") !== undefined) return inputs;
  if (pluck(metadata, "generateName") !== undefined) {
    throw new Error(
      "the `.metadata.generateName` field is not supported in Server-Side Apply mode",
    );
  }
  const adopted = before && isAnnotated(before, "autonamed") ? nameOfObject(before) : "";
  const name =
    adopted || (before ? "" : proposedName || `${nameOf(urn)}-${randomBytes(4).toString("hex")}`);
  if (!name) return inputs;
  const result = withMetadata(inputs, "name", name);
  setAnnotation(result, "autonamed", "true");
  return result;
}
