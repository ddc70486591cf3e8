import { readFileSync } from "node:fs";
import { loadAll } from "js-yaml";
import { KubernetesObject } from "../../cluster/kubernetesObject";
import { isRecord } from "../../../lib/json";
import { UserError } from "../../../lib/userError";

/**
 * Reads a file with one Knative Service, without what a cluster adds to it: `kubectl get --output yaml` writes such files.
 * @param file Path from the folder of the stack's file.
 * @throws UserError for a file that cannot be read, or that is something else.
 */
export function readServiceFile(file: string): KubernetesObject {
  const documents = parsed(file, textOf(file)).filter((document) => document !== null);
  const [service, ...others] = documents;
  if (others.length > 0) {
    throw new UserError(
      `${file} has ${documents.length} documents; leave the Knative Service alone in it.`,
    );
  }
  const { apiVersion, kind } = isRecord(service) ? service : {};
  if (
    !isRecord(service) ||
    kind !== "Service" ||
    !/^serving\.knative\.dev\//.test(String(apiVersion))
  ) {
    const what =
      isRecord(service) && kind !== undefined
        ? `a ${String(apiVersion)} ${String(kind)}`
        : "something else";
    throw new UserError(
      `${file} has ${what}, not a Knative Service (apiVersion: serving.knative.dev/v1, kind: Service).`,
    );
  }
  return withoutClusterFields(service);
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
