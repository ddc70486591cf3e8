/**
 * What the provider knows of objects without a server: their kinds, annotations, normal form, and form in the state.
 * Facts: provider/pkg/provider/{provider,util}.go, pkg/kinds, pkg/metadata, pkg/clients of pulumi/pulumi-kubernetes.
 */
import {
  containsUnknown,
  containsSecret,
  isObj,
  Obj,
  objAt,
  omit,
  reveal,
  Secret,
  str,
  Value,
} from "../values";
import { typeOf } from "../server";
import { Gvk, gvkOf } from "./gvk";

/** Groups that Kubernetes itself serves. */
const builtInGroup =
  /^$|^(apps|autoscaling|batch|policy|extensions)$|^(admissionregistration|apiextensions|apiregistration|authentication|authorization|certificates|coordination|discovery|events|flowcontrol\.apiserver|internal\.apiserver|networking|node|rbac\.authorization|resource|scheduling|storage|storagemigration)\.k8s\.io$/;

const builtInClusterScoped = new Set([
  "APIService",
  "CertificateSigningRequest",
  "ClusterRole",
  "ClusterRoleBinding",
  "ClusterTrustBundle",
  "ComponentStatus",
  "CSIDriver",
  "CSINode",
  "CustomResourceDefinition",
  "DeviceClass",
  "FlowSchema",
  "IngressClass",
  "IPAddress",
  "MutatingAdmissionPolicy",
  "MutatingAdmissionPolicyBinding",
  "MutatingWebhookConfiguration",
  "Namespace",
  "Node",
  "PersistentVolume",
  "PriorityClass",
  "PriorityLevelConfiguration",
  "ResourceSlice",
  "RuntimeClass",
  "ServiceCIDR",
  "StorageClass",
  "StorageVersion",
  "StorageVersionMigration",
  "ValidatingAdmissionPolicy",
  "ValidatingAdmissionPolicyBinding",
  "ValidatingWebhookConfiguration",
  "VolumeAttachment",
  "VolumeAttributesClass",
]);

export const isBuiltIn = (gvk: Gvk): boolean => builtInGroup.test(gvk.group);
export const isBuiltInClusterScoped = (gvk: Gvk): boolean => builtInClusterScoped.has(gvk.kind);
export const isCrd = (object: Obj): boolean =>
  object.kind === "CustomResourceDefinition" && gvkOf(object).group === "apiextensions.k8s.io";
export const isSecretKind = (object: Obj): boolean =>
  object.kind === "Secret" && gvkOf(object).group === "" && gvkOf(object).version === "v1";
export const isConfigMap = (object: Obj): boolean =>
  object.kind === "ConfigMap" && gvkOf(object).group === "" && gvkOf(object).version === "v1";

/** The kind that a type token names. Throws for those that the double does not have: Helm, yaml and Kustomize groups, lists. */
export function gvkOfToken(token: string): Gvk {
  const [pkg, module, kind] = token.split(":");
  const [group, version, ...more] = (module ?? "").split("/");
  if (pkg !== "kubernetes" || !kind) {
    throw new Error(`unrecognized resource type: "${token}" for this provider`);
  }
  if (!group || !version || more.length > 0) {
    throw new Error(`apiVersion does not have both a group and a version: "${module ?? ""}"`);
  }
  const given = { group: group === "core" ? "" : group, version, kind };
  const gvk = isBuiltIn(given) ? { ...given, kind: kind.replace(/Patch$/, "") } : given;
  const composite = ["helm.sh", "yaml", "kustomize"].includes(group);
  if (composite || (isBuiltIn(gvk) && /List$/.test(kind))) {
    throw new Error(`the lab's stand-in for the kubernetes provider does not have ${token}`);
  }
  return gvk;
}

/** Whether a resource has some fields of an object that another one made: a type such as ConfigMapPatch. */
export const isPatch = (urn: string): boolean =>
  isBuiltIn(gvkOfToken(typeOf(urn))) && typeOf(urn).endsWith("Patch");

export const annotation = (object: Obj, key: string): string =>
  str(object, "metadata", "annotations", `pulumi.com/${key}`);
export const isAnnotated = (object: Obj, key: string): boolean =>
  annotation(object, key) === "true";

export function setAnnotation(object: Obj, key: string, value: string): void {
  if (object.metadata !== undefined && !isObj(object.metadata)) return;
  const metadata = objAt(object, "metadata");
  object.metadata = {
    ...metadata,
    annotations: { ...objAt(metadata, "annotations"), [`pulumi.com/${key}`]: value },
  };
}

/** A copy with one field of metadata set, or removed if the value is "". */
export function withMetadata(object: Obj, key: string, value: string): Obj {
  const metadata = { ...objAt(object, "metadata") };
  if (value) metadata[key] = value;
  else delete metadata[key];
  return { ...object, metadata };
}

export const nameOfObject = (object: Obj): string => str(object, "metadata", "name");
export const namespaceOfObject = (object: Obj): string => str(object, "metadata", "namespace");

/** The resource's ID: `namespace/name`, or `name` if the object is in no namespace. */
export function idOf(object: Obj): string {
  const namespace = namespaceOfObject(object);
  return namespace ? `${namespace}/${nameOfObject(object)}` : nameOfObject(object);
}

// ---- x-kubernetes-* ----

const dashed = new Map(
  [
    "embedded-resource",
    "int-or-string",
    "list-map-keys",
    "list-type",
    "map-type",
    "preserve-unknown-fields",
    "validations",
  ].map((name) => [`x_kubernetes_${name.replaceAll("-", "_")}`, `x-kubernetes-${name}`]),
);
const underscored = new Map([...dashed].map(([a, b]) => [b, a]));

function renameKeys(value: Value, names: Map<string, string>): Value {
  if (value instanceof Secret) return new Secret(renameKeys(value.element, names));
  if (Array.isArray(value)) return value.map((v) => renameKeys(v, names));
  if (!isObj(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([k, v]) => [names.get(k) ?? k, renameKeys(v, names)]),
  );
}

/** An object as the API server takes it, from properties as SDKs send them. */
export const toObject = (properties: Obj): Obj => renameKeys(reveal(properties), dashed) as Obj;

// ---- normal form ----

/** The keys of `source` that `shape` has too, all the way down; lists are cut to the shape's length. */
export function pruneToShape(source: Value, shape: Value | undefined): Value {
  if (isObj(source) && isObj(shape)) {
    return Object.fromEntries(
      Object.entries(source)
        .filter(([key]) => key in shape)
        .map(([key, value]) => [key, pruneToShape(value, shape[key])]),
    );
  }
  if (Array.isArray(source) && Array.isArray(shape)) {
    const [first, wanted] = [source[0], shape[0]];
    if (first === undefined || wanted === undefined) return [];
    if (typeof first !== typeof wanted || Array.isArray(first) !== Array.isArray(wanted))
      return source;
    return source.slice(0, shape.length).map((value, i) => pruneToShape(value, shape[i]));
  }
  return source;
}

const readOnlyMetadata = [
  "creationTimestamp",
  "deletionGracePeriodSeconds",
  "deletionTimestamp",
  "generation",
  "managedFields",
  "resourceVersion",
  "uid",
];

const quantityParents = new Set([
  "requests",
  "limits",
  "hard",
  "capacity",
  "default",
  "defaultRequest",
  "min",
  "max",
]);
const quantity =
  /^([+-]?\d+(?:\.\d*)?|[+-]?\.\d+)(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?\d+)?$/;
const decimal = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];

/** A quantity as the API server writes it: `1000m` is `1`, `0.5` is `500m`, `1024Mi` is `1Gi`. */
export function canonicalQuantity(text: string): string {
  const match = quantity.exec(text);
  if (!match) return text;
  const [, digits = "", suffix = ""] = match;
  const [whole = "", fraction = ""] = digits.replace(/^\+/, "").split(".");
  let n = BigInt(whole.replace("-", "") + fraction || "0");
  const sign = whole.startsWith("-") ? "-" : "";
  let exponent = -fraction.length;
  if (suffix.endsWith("i")) {
    const power = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].indexOf(suffix) + 1;
    if (fraction.length > 0) {
      const bytes = Number(digits) * 1024 ** power;
      if (!Number.isInteger(bytes)) return text;
      n = BigInt(Math.abs(bytes));
    } else n *= 1024n ** BigInt(power);
    if (n === 0n) return "0";
    let up = 0;
    while (up < 6 && n % 1024n === 0n) {
      n /= 1024n;
      up++;
    }
    return `${sign}${n.toString()}${["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"][up] ?? ""}`;
  }
  const isExponent = /^[eE]/.test(suffix);
  exponent += isExponent ? Number(suffix.slice(1)) : 3 * (decimal.indexOf(suffix) - 3);
  if (n === 0n) return "0";
  while (n % 10n === 0n) {
    n /= 10n;
    exponent++;
  }
  const step = Math.floor(exponent / 3);
  n *= 10n ** BigInt(exponent - 3 * step);
  if (isExponent)
    return step === 0 ? `${sign}${n.toString()}` : `${sign}${n.toString()}e${3 * step}`;
  // A number that no suffix fits is left to the server, which rounds or refuses it.
  return decimal[step + 3] === undefined
    ? text
    : `${sign}${n.toString()}${decimal[step + 3] ?? ""}`;
}

function canonicalQuantities(value: Value, parent: string): Value {
  if (Array.isArray(value)) return value.map((v) => canonicalQuantities(v, parent));
  if (!isObj(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => {
      const isQuantity =
        (quantityParents.has(parent) || key === "sizeLimit") &&
        (typeof child === "string" || typeof child === "number");
      return [key, isQuantity ? canonicalQuantity(String(child)) : canonicalQuantities(child, key)];
    }),
  );
}

function normalSecret(object: Obj): Obj {
  const { stringData, ...rest } = object;
  const data = { ...objAt(object, "data") };
  if (isObj(stringData) && Object.keys(stringData).length > 0) {
    for (const [key, value] of Object.entries(stringData))
      data[key] = Buffer.from(String(value)).toString("base64");
    return { ...rest, data };
  }
  if (Object.keys(data).length === 0) return object;
  for (const [key, value] of Object.entries(data)) {
    if (typeof value === "string") data[key] = Buffer.from(value, "base64").toString("base64");
  }
  return { ...object, data };
}

/**
 * An object's normal form, which is the same for all ways to write the object: canonical quantities, a Secret's
 * stringData as data, no read-only metadata. The official provider goes through Go's types here, which also drops empty
 * fields; `diff` does that.
 */
export function normalize(object: Obj): Obj {
  let normal = object;
  if (!containsUnknown(object) && isBuiltIn(gvkOf(object))) {
    if (isCrd(object)) {
      normal = omit(object, "status");
      const spec = objAt(object, "spec");
      if (spec.preserveUnknownFields === false) normal.spec = omit(spec, "preserveUnknownFields");
    } else if (isSecretKind(object)) normal = normalSecret(object);
    else if (!isConfigMap(object)) normal = canonicalQuantities(object, "") as Obj;
  }
  if (!isObj(normal.metadata)) return normal;
  return { ...normal, metadata: omit(normal.metadata, ...readOnlyMetadata) };
}

// ---- state ----

/** Marks as secret, in place, what is secret in `from` at the same key, and always a Secret's data. */
export function annotateSecrets(out: Obj, from: Obj): void {
  if (out.kind === "Secret") {
    for (const key of ["data", "stringData"]) {
      const value = out[key];
      if (value !== undefined && !(value instanceof Secret)) out[key] = new Secret(value);
    }
    return;
  }
  for (const [key, source] of Object.entries(from)) {
    const value = out[key];
    if (value === undefined) continue;
    if (isObj(value) && isObj(source)) annotateSecrets(value, source);
    else if (!(value instanceof Secret) && containsSecret(source)) out[key] = new Secret(value);
  }
}

/** The state of a resource: the live object and, beside it, what the next diff and update need. */
export function checkpoint(
  inputs: Obj,
  live: Obj,
  secretsFrom: Obj,
  apiVersion: string,
  fieldManager: string,
): Obj {
  const state = renameKeys(live, underscored) as Obj;
  const given = renameKeys(inputs, underscored) as Obj;
  annotateSecrets(state, secretsFrom);
  annotateSecrets(given, secretsFrom);
  return {
    ...state,
    __inputs: given,
    __initialApiVersion: apiVersion,
    __fieldManager: fieldManager,
  };
}

/** The inputs and the live object that a state holds. */
export function parseCheckpoint(state: Obj): { inputs: Obj; live: Obj } {
  const { __inputs: inputs, ...live } = toObject(state);
  return { inputs: isObj(inputs) ? inputs : {}, live };
}

/** A list of objects, or none. */
export function listOf(value: unknown): Obj[] {
  return Array.isArray(value) ? value.filter(isObj) : [];
}
