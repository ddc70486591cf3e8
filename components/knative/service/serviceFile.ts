import { readFileSync } from "node:fs";
import { loadAll } from "js-yaml";
import { KubernetesObject } from "../../cluster/kubernetesObject";
import { isRecord } from "../../../lib/json";
import { UserError } from "../../../lib/userError";

/**
 * Reads a file with one YAML document.
 * @param file Path from the folder of the stack's file.
 * @throws UserError for a file that cannot be read, or that is something else.
 */
export function readDocument(file: string): Record<string, unknown> {
  const documents = parsed(file, textOf(file)).filter((document) => document !== null);
  const [document = {}] = documents;
  if (documents.length > 1) {
    throw new UserError(
      `${file} has ${documents.length} documents; leave the service alone in it.`,
    );
  }
  if (!isRecord(document)) {
    throw new UserError(`${file} is no mapping; write a Knative Service or a Score workload.`);
  }
  return document;
}

/**
 * The Knative Service of a document, without what a cluster adds to it: `kubectl get --output yaml` writes such files.
 * @param file Name for messages.
 * @throws UserError for a document of something else.
 */
export function serviceOfDocument(
  document: Record<string, unknown>,
  file: string,
): KubernetesObject {
  const { apiVersion, kind } = document;
  if (kind !== "Service" || !/^serving\.knative\.dev\//.test(String(apiVersion))) {
    const what = kind === undefined ? "something else" : `a ${String(apiVersion)} ${String(kind)}`;
    throw new UserError(
      `${file} has ${what}, not a Knative Service (apiVersion: serving.knative.dev/v1, kind: Service) ` +
        "or a Score workload (apiVersion: score.dev/v1b1).",
    );
  }
  return withoutClusterFields(document);
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UserError(
      code === "ENOENT"
        ? `there is no file ${file}; its path begins at the folder of the stack's file.`
        : `${file} cannot be read (${code}).`,
    );
  }
}

function parsed(file: string, text: string): unknown[] {
  try {
    return loadAll(text);
  } catch (error) {
    const [line] = (error as Error).message.split("\n");
    throw new UserError(`${file} is no YAML: ${line}`);
  }
}

/** Metadata that only a cluster writes. */
const clusterMetadata = [
  ...["creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"],
];

/** Annotations that only Knative and kubectl write. */
const clusterAnnotations = [
  "kubectl.kubernetes.io/last-applied-configuration",
  "serving.knative.dev/creator",
  "serving.knative.dev/lastModifier",
];

function withoutClusterFields({
  status: _,
  ...service
}: Record<string, unknown>): KubernetesObject {
  if (!isRecord(service.metadata)) {
    return service as KubernetesObject;
  }
  const { annotations, ...metadata } = without(service.metadata, clusterMetadata);
  const kept = isRecord(annotations) ? without(annotations, clusterAnnotations) : annotations;
  const isEmpty = isRecord(kept) && Object.keys(kept).length === 0;
  return {
    ...service,
    metadata: { ...metadata, ...(kept !== undefined && !isEmpty && { annotations: kept }) },
  } as KubernetesObject;
}

function without(mapping: Record<string, unknown>, keys: string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(mapping).filter(([key]) => !keys.includes(key)));
}
