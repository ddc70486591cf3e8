import { CORE_SCHEMA } from "js-yaml";
import { isRecord } from "../../lib/json";
import { UserError } from "../../lib/userError";
import { parseYaml } from "../../lib/yaml";
import { KubernetesObject, describe } from "./kubernetesObject";

/** A manifest that cannot be used; the message names the file, the document in it and what is wrong. */
export class ManifestError extends UserError {}

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
