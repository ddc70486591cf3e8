import * as pulumi from "@pulumi/pulumi";
import { KubernetesObject } from "./kubernetesObject";

/** The metadata of a Kubernetes object, each of whose fields may be known only later. */
export type ManifestMetadata = {
  [Field in keyof KubernetesObject["metadata"]]: pulumi.Input<KubernetesObject["metadata"][Field]>;
};

/** A Kubernetes object whose fields may be known only later. Its kind cannot. */
export interface ManifestArgs {
  apiVersion: string;
  kind: string;
  metadata: pulumi.Input<ManifestMetadata>;
  /** The other fields of the kind. */
  [field: string]: unknown;
}

/**
 * One Kubernetes object, as a resource of its own, so that a preview shows a changed field as one changed line.
 *
 * The type token is the one that the typed classes of @pulumi/kubernetes have (`kubernetes:apps/v1:Deployment`,
 * `kubernetes:core/v1:Service`), so that moving an object to its typed class later changes no URN.
 */
export class Manifest extends pulumi.CustomResource {
  /** The object's status as the API server last told it; unknown in the preview of a new object. */
  // Declared only: Pulumi's constructor sets it, and a field definition would set it back to undefined.
  declare public readonly status: pulumi.Output<unknown>;

  constructor(name: string, object: ManifestArgs, opts: pulumi.CustomResourceOptions) {
    super(manifestType(object), name, { ...object, status: undefined }, opts);
  }
}

/**
 * Fields of an object that another resource has made, under server-side apply: they are this resource's own, and go with it. It
 * has the type token of the typed class (`kubernetes:core/v1:ConfigMapPatch`).
 */
export class ManifestPatch extends pulumi.CustomResource {
  constructor(name: string, fields: ManifestArgs, opts: pulumi.CustomResourceOptions) {
    super(`${manifestType(fields)}Patch`, name, { ...fields }, opts);
  }
}

/** The Pulumi type token of an object: core kinds have the group `core`. */
export function manifestType({ apiVersion, kind }: { apiVersion: string; kind: string }): string {
  return `kubernetes:${apiVersion === "v1" ? "core/v1" : apiVersion}:${kind}`;
}

/**
 * The resource name of an object below a component: `<component>-<namespace>/<name>`, without the namespace for
 * cluster-scoped objects. The kind is in the type token.
 */
export function manifestName(component: string, object: KubernetesObject): string {
  const { namespace, name } = object.metadata;
  return `${component}-${namespace === undefined ? name : `${namespace}/${name}`}`;
}
