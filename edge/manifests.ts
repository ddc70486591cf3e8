import { CORE_SCHEMA } from "js-yaml";
import { isRecord, JsonObject } from "./json";
import { parseYaml } from "./yaml";

/** A Kubernetes object, of whatever kind. */
export interface KubernetesObject {
  /** `group/version`, or `v1` for the core group. */
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    /** Absent on cluster-scoped objects. */
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  spec?: JsonObject;
  /** What a ConfigMap or Secret holds. */
  data?: Record<string, string>;
  /** The other fields of the kind. */
  [field: string]: unknown;
}

/** A manifest that cannot be used; the message names the file, the document in it and what is wrong. */
export class ManifestError extends Error {}

/**
 * Parses a file of YAML documents into Kubernetes objects; empty documents are left out.
 * @param file Name for error messages.
 * @throws ManifestError at the first document that is broken YAML or no Kubernetes object.
 */
export function parseManifest(text: string, file: string): KubernetesObject[] {
  const objects: KubernetesObject[] = [];
  // Document by document, so that an error can say which one. A separator stands at a line's start, where YAML allows
  // no block text to stand.
  const documents = text.split(/^---(?=\s|$)/m);
  documents.forEach((document, index) => {
    const place = `${file}, document ${index + 1}`;
    const value = parseDocument(document, place);
    if (value !== null && value !== undefined) {
      objects.push(checkObject(value, place));
    }
  });
  return objects;
}

/** What names an object in messages: `apps/v1 Deployment knative-serving/activator`. */
export function describe({ apiVersion, kind, metadata }: KubernetesObject): string {
  const name =
    metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
  return `${apiVersion} ${kind} ${name}`;
}

/**
 * The objects, each once. Every Knative CRD stands in serving-crds.yaml and in serving-core.yaml; registered twice
 * they would be two resources fighting over one object.
 * @throws ManifestError when an object stands there twice with different contents.
 */
export function withoutDuplicates(objects: KubernetesObject[]): KubernetesObject[] {
  const seen = new Map<string, KubernetesObject>();
  for (const object of objects) {
    const id = describe(object);
    const first = seen.get(id);
    if (first !== undefined && JSON.stringify(first) !== JSON.stringify(object)) {
      throw new ManifestError(
        `${id} is there twice with different contents; use files of one release.`,
      );
    }
    seen.set(id, first ?? object);
  }
  return [...seen.values()];
}

/** True for a CustomResourceDefinition. */
export function isDefinition(object: KubernetesObject): boolean {
  return object.kind === "CustomResourceDefinition";
}

/** True for the Service that a load balancer gives an address. */
export function isLoadBalancer(object: KubernetesObject): boolean {
  return object.kind === "Service" && object.spec?.type === "LoadBalancer";
}

const identityAndConfiguration = [
  "ServiceAccount",
  "Role",
  "ClusterRole",
  "RoleBinding",
  "ClusterRoleBinding",
  "PriorityClass",
  "ConfigMap",
  "Secret",
];
// One tier: the provider waits for a Service until its pods are ready, so it cannot come before them.
const running = [
  "Service",
  "Deployment",
  "DaemonSet",
  "StatefulSet",
  "Job",
  "HorizontalPodAutoscaler",
  "PodDisruptionBudget",
  "ValidatingWebhookConfiguration",
  "MutatingWebhookConfiguration",
];
const tierKinds = [["Namespace"], ["CustomResourceDefinition"], identityAndConfiguration, running];

/**
 * The objects in the order in which they can be applied, those of one tier at the same time: namespaces, definitions,
 * identity and configuration, what runs with its services and webhooks, and custom resources. No tier is empty.
 */
export function tiers(objects: KubernetesObject[]): KubernetesObject[][] {
  const all: KubernetesObject[][] = [...tierKinds, []].map(() => []);
  for (const object of objects) {
    // Knative's own Service has the kind of the core one.
    const kind = object.apiVersion.startsWith("serving.knative.dev/") ? "" : object.kind;
    const tier = tierKinds.findIndex((kinds) => kinds.includes(kind));
    all.at(tier)?.push(object);
  }
  return all.filter((tier) => tier.length > 0);
}

/**
 * Fields of an object that controllers fill once it is there, for `ignoreChanges`. A refresh would otherwise show
 * them as drift, and the next update take them back.
 */
export function ignoredFields(object: KubernetesObject): string[] {
  switch (object.kind) {
    case "ValidatingWebhookConfiguration":
    case "MutatingWebhookConfiguration":
      return isKnativeServing(object)
        ? ["webhooks[*].clientConfig.caBundle", "webhooks[*].rules"]
        : ["webhooks[*].clientConfig.caBundle"];
    case "Secret":
      return ["data"];
    case "ClusterRole":
      return "aggregationRule" in object ? ["rules"] : [];
    default:
      return [];
  }
}

/** On config-domain: the domain in it, where it is known before the cluster is there. */
export const domainAnnotation = "knative-edge/domain";

/** On what depends on the address that a load balancer gives: the first of its pool. */
export const poolAnnotation = "knative-edge/first-of-pool";

/**
 * Fields of an object whose change needs a new object. The default-domain Job adds its domain to config-domain as a
 * stranger, so that it outlives every update of ours; and of two domains Knative takes the one that sorts first. Knative's
 * programs hold on to their settings in the moment without the ConfigMap (knative.dev/pkg/configmap/informer).
 *
 * A Service whose address leaves MetalLB's pool is given another behind Pulumi's back, some time after the pool changed: a
 * new Service is given one that is known when it is created.
 */
export function replacingFields(object: KubernetesObject): string[] {
  const field = (annotation: string): string => `metadata.annotations["${annotation}"]`;
  if (isDomainConfig(object)) {
    return [field(domainAnnotation), field(poolAnnotation)];
  }
  return isGatewayService(object) ? [field(poolAnnotation)] : [];
}

/** True for the Deployment of the gateway, Kourier's Envoy. */
export function isGateway({ kind, metadata }: KubernetesObject): boolean {
  return kind === "Deployment" && metadata.namespace === "kourier-system";
}

/** True for the Service at whose address the gateway is reached from outside. */
export function isGatewayService(object: KubernetesObject): boolean {
  const hasOwnAddress = object.kind === "Service" && object.spec?.externalIPs !== undefined;
  return hasOwnAddress || isLoadBalancer(object);
}

/** True for Knative's ConfigMap of domains. */
export function isDomainConfig({ kind, metadata }: KubernetesObject): boolean {
  return (
    kind === "ConfigMap" &&
    metadata.namespace === "knative-serving" &&
    metadata.name === "config-domain"
  );
}

/** True for an object of Knative Serving's own release. */
export function isKnativeServing(object: KubernetesObject): boolean {
  return object.metadata.labels?.["app.kubernetes.io/name"] === "knative-serving";
}

function parseDocument(document: string, place: string): unknown {
  try {
    // The core schema is YAML 1.2's: no value becomes a Date.
    return parseYaml(document, { schema: CORE_SCHEMA });
  } catch (error) {
    const reason = (error as Error).message.replace(/ at line \d+$/, "$& of it");
    throw new ManifestError(`${place}: not YAML: ${reason}.`, { cause: error });
  }
}

function checkObject(value: unknown, place: string): KubernetesObject {
  if (!isRecord(value)) {
    throw new ManifestError(
      `${place}: a Kubernetes object was expected, not a ${typeName(value)}.`,
    );
  }
  const { apiVersion, kind, metadata } = value;
  for (const [field, text] of Object.entries({ apiVersion, kind })) {
    if (typeof text !== "string" || text === "") {
      throw new ManifestError(
        `${place}: ${field} is missing or no text; it is no Kubernetes object.`,
      );
    }
  }
  if (!isRecord(metadata) || typeof metadata.name !== "string" || metadata.name === "") {
    throw new ManifestError(
      `${place}: ${String(kind)} has no metadata.name; only objects with a name can be applied.`,
    );
  }
  return value as unknown as KubernetesObject;
}

function typeName(value: unknown): string {
  return Array.isArray(value) ? "list" : typeof value;
}
