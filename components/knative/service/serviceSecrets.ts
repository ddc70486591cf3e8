import { createHmac } from "node:crypto";
import { posix } from "node:path";
import { JsonObject } from "../../../lib/json";
import { KubernetesObject } from "../../cluster/kubernetesObject";
import { answeringContainer, serviceContainers } from "./serviceObject";

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
  const placed = Object.keys(files)
    .sort()
    .map((file, index) => ({
      file,
      key: `.file-${index}`,
      path: `${index}-${posix.basename(file)}`,
    }));
  const env = Object.keys(variables).map((name) => ({
    name,
    valueFrom: { secretKeyRef: { name: secret, key: name } },
  }));
  // One file at a time: a whole folder would hide what the image has there.
  const mounts = placed.map(({ file, path }) => ({
    name: volumeName,
    mountPath: file,
    subPath: path,
    readOnly: true,
  }));
  const items = placed.map((each) => ({ key: each.key, path: each.path }));
  const { template, ...spec } = object.spec as unknown as { template: Template };
  const annotations = {
    ...template.metadata?.annotations,
    [digests]: digestsOf({ ...variables, ...files }, key),
  };
  const { containers } = serviceContainers(object);
  const answering = answeringContainer(containers);
  const pod = {
    ...template.spec,
    containers: containers.map((container, index) =>
      index === answering ? withEntries(container, env, mounts) : container,
    ),
    ...(items.length > 0 && {
      volumes: [
        ...(template.spec?.volumes ?? []),
        { name: volumeName, secret: { secretName: secret, items } },
      ],
    }),
  };
  const changed = {
    ...spec,
    template: { metadata: { ...template.metadata, annotations }, spec: pod },
  };
  return {
    object: { ...object, spec: changed as unknown as JsonObject },
    secretData: Object.fromEntries([
      ...Object.entries(variables).map(([name, value]) => [name, base64(value)]),
      ...placed.map((each) => [each.key, files[each.file] ?? ""]),
    ]) as Record<string, string>,
  };
}

/** Name of the volume with a service's secret files. */
const volumeName = "knative-edge-secrets";

interface Template {
  metadata?: { annotations?: Record<string, string> };
  spec?: { volumes?: object[] };
}

interface Container {
  env?: { name: string }[];
  volumeMounts?: { mountPath: string }[];
}

function withEntries(
  container: Container,
  env: { name: string }[],
  mounts: { mountPath: string }[],
): Container {
  const others = (container.env ?? []).filter(({ name }) => !env.some((one) => one.name === name));
  const mounted = (container.volumeMounts ?? []).filter(
    ({ mountPath }) => !mounts.some((one) => one.mountPath === mountPath),
  );
  return {
    ...container,
    ...(env.length > 0 && { env: [...others, ...env] }),
    ...(mounts.length > 0 && { volumeMounts: [...mounted, ...mounts] }),
  };
}

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
  const { template } = (spec ?? {}) as { template?: Template };
  const text = template?.metadata?.annotations?.[digests];
  // A name may have an equals sign in it, a digest has none.
  const pairs = (text?.split(", ") ?? []).map((each) => /^(.*)=(.*)$/.exec(each));
  return Object.fromEntries(pairs.map((pair) => [pair?.[1] ?? "", pair?.[2] ?? ""]));
}

function base64(text: string): string {
  return Buffer.from(text, "utf8").toString("base64");
}
