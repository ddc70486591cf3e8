import { createHmac } from "node:crypto";
import { KubernetesObject } from "../../cluster/kubernetesObject";
import { fileItems, fileMounts, placedFiles, withAdditions } from "./templateAdditions";

/** The secrets of a service. */
export interface ServiceSecrets {
  /** Environment variables, by name. */
  variables: Record<string, string>;
  /** Files in the container, by absolute path; each its bytes in base64. */
  files: Record<string, string>;
}

/** A Knative Service that takes its secrets from a Kubernetes Secret. */
export interface ServiceWithSecrets {
  object: KubernetesObject;
  /** What the Secret {@link secretName} holds: base64, by key. */
  secretData: Record<string, string>;
}

/** Annotation of a revision template with a digest of each secret, so that a changed one makes a new revision. */
const digests = "knative-edge/secrets";

/** Name of the Secret of a service, in the service's namespace. */
export function secretName(service: string): string {
  return `${service}-secrets`;
}

/**
 * Gives the container that answers requests its secrets: variables, and read-only files. A variable or a file of that name
 * that the Service has is replaced.
 * @param key Key of the digests. Without it nobody can try values until one has the digest that the state shows.
 */
export function withSecrets(
  object: KubernetesObject,
  { variables, files }: ServiceSecrets,
  key: string,
): ServiceWithSecrets {
  const secret = secretName(object.metadata.name);
  const placed = placedFiles(Object.keys(files));
  const env = Object.keys(variables).map((name) => ({
    name,
    valueFrom: { secretKeyRef: { name: secret, key: name } },
  }));
  const volume = { name: volumeName, secret: { secretName: secret, items: fileItems(placed) } };
  return {
    object: withAdditions(object, {
      annotations: { [digests]: digestsOf({ ...variables, ...files }, key) },
      volumes: placed.length > 0 ? [volume] : [],
      env,
      mounts: fileMounts(volumeName, placed),
    }),
    secretData: Object.fromEntries([
      ...Object.entries(variables).map(([name, value]) => [name, base64(value)]),
      ...placed.map((each) => [each.key, files[each.file] ?? ""]),
    ]) as Record<string, string>,
  };
}

/** Name of the volume with a service's secret files. */
const volumeName = "knative-edge-secrets";

/** `TOKEN=0f1e…, /etc/key=…`: a preview shows which of them changed, and nothing of what they are. */
function digestsOf(values: Record<string, string>, key: string): string {
  return Object.entries(values)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => {
      const digest = createHmac("sha256", key)
        .update(JSON.stringify([name, value]))
        .digest("hex");
      return `${name}=${digest.slice(0, 16)}`;
    })
    .join(", ");
}

/** The digests of a Service's secrets, by name; none of a Service without secrets. */
export function secretDigests({ spec }: { spec?: object }): Record<string, string> {
  const { template } = (spec ?? {}) as {
    template?: { metadata?: { annotations?: Record<string, string> } };
  };
  const text = template?.metadata?.annotations?.[digests];
  // A name may have an equals sign in it, a digest has none.
  const pairs = (text?.split(", ") ?? []).map((each) => /^(.*)=(.*)$/.exec(each));
  return Object.fromEntries(pairs.map((pair) => [pair?.[1] ?? "", pair?.[2] ?? ""]));
}

function base64(text: string): string {
  return Buffer.from(text, "utf8").toString("base64");
}
