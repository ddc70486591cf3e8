import { posix } from "node:path";
import { JsonObject } from "../../../lib/json";
import { KubernetesObject } from "../../cluster/kubernetesObject";
import { answeringContainer, serviceContainers } from "./serviceObject";

/** What a service's template gets besides what its user wrote. */
export interface TemplateAdditions {
  annotations: Record<string, string>;
  volumes: object[];
  /** Variables of the container that answers requests. They replace those of the same name. */
  env?: { name: string }[];
  /** What is mounted there. It replaces what is mounted at the same path. */
  mounts: { mountPath: string }[];
}

/** A Knative Service with additions to its template. */
export function withAdditions(
  object: KubernetesObject,
  { annotations, volumes, env = [], mounts }: TemplateAdditions,
): KubernetesObject {
  const { template, ...spec } = object.spec as unknown as { template: Template };
  const { containers } = serviceContainers(object);
  const answering = answeringContainer(containers);
  const pod = {
    ...template.spec,
    containers: containers.map((container, index) =>
      index === answering ? withEntries(container, env, mounts) : container,
    ),
    ...(volumes.length > 0 && { volumes: [...(template.spec?.volumes ?? []), ...volumes] }),
  };
  const metadata = {
    ...template.metadata,
    annotations: { ...template.metadata?.annotations, ...annotations },
  };
  const changed = { ...spec, template: { metadata, spec: pod } };
  return { ...object, spec: changed as unknown as JsonObject };
}

/** A file of a volume that has a key for each. */
export interface PlacedFile {
  /** Absolute path in the container. */
  file: string;
  /** In the Secret or the ConfigMap. */
  key: string;
  /** Below the volume. */
  path: string;
}

/** Gives each file its key and its place. */
export function placedFiles(files: string[]): PlacedFile[] {
  return [...files].sort().map((file, index) => ({
    file,
    key: `.file-${index}`,
    path: `${index}-${posix.basename(file)}`,
  }));
}

/** How the files are mounted: one at a time, because a whole folder would hide what the image has there. */
export function fileMounts(
  volume: string,
  files: PlacedFile[],
): { name: string; mountPath: string; subPath: string; readOnly: boolean }[] {
  return files.map(({ file, path }) => ({
    name: volume,
    mountPath: file,
    subPath: path,
    readOnly: true,
  }));
}

/** The files as the items of a volume. */
export function fileItems(files: PlacedFile[]): { key: string; path: string }[] {
  return files.map(({ key, path }) => ({ key, path }));
}

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
