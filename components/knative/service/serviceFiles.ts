import { createHash } from "node:crypto";
import { KubernetesObject } from "../../cluster/kubernetesObject";
import { fileItems, fileMounts, placedFiles, withAdditions } from "./templateAdditions";

/** Annotation of a revision template with a digest of each file, so that a changed one makes a new revision. */
const digests = "knative-edge/files";

/** Name of the volume with a service's files. */
const volumeName = "knative-edge-files";

/** Name of the ConfigMap with the files of a service, in the service's namespace. */
export function filesName(service: string): string {
  return `${service}-files`;
}

/**
 * Gives the container that answers requests read-only files.
 * @param files Texts, by absolute path.
 * @returns The Service, and what the ConfigMap {@link filesName} holds.
 */
export function withFiles(
  object: KubernetesObject,
  files: Record<string, string>,
): { object: KubernetesObject; fileData: Record<string, string> } {
  const placed = placedFiles(Object.keys(files));
  const configMap = { name: filesName(object.metadata.name), items: fileItems(placed) };
  const text = placed.map(({ file }) => `${file}=${digest(files[file] ?? "")}`).join(", ");
  return {
    object: withAdditions(object, {
      annotations: { [digests]: text },
      volumes: [{ name: volumeName, configMap }],
      mounts: fileMounts(volumeName, placed),
    }),
    fileData: Object.fromEntries(placed.map(({ file, key }) => [key, files[file] ?? ""])),
  };
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
