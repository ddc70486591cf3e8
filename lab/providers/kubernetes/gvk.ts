/** Kinds of objects, by group, version and kind. */
import { Obj, str } from "../values";

export interface Gvk {
  group: string;
  version: string;
  kind: string;
}

export const apiVersionOf = (gvk: Gvk): string =>
  gvk.group ? `${gvk.group}/${gvk.version}` : gvk.version;

/** The kind of an object. `core/v1`, as some SDKs write it, is `v1`. */
export function gvkOf(object: Obj): Gvk {
  const apiVersion = str(object, "apiVersion").replace(/^core\//, "");
  const slash = apiVersion.indexOf("/");
  return {
    group: slash < 0 ? "" : apiVersion.slice(0, slash),
    version: apiVersion.slice(slash + 1),
    kind: str(object, "kind"),
  };
}

/** A kind as the key of a map. */
export const keyOf = (gvk: Gvk): string => `${gvk.group}/${gvk.version}/${gvk.kind}`;
