import { splitImageName } from "../../lib/imageNames";
import { dockerHub } from "./registry";

/** What an image name means to a container runtime. */
export interface ImageReference {
  /** Host of the registry, with its port where one is written: `docker.io`, `localhost:5000`. */
  registry: string;
  /** Path of the images there: `library/nginx`. */
  repository: string;
  /** `latest` where neither a tag nor a digest is written; absent where only a digest is. */
  tag?: string;
  /** `sha256:<64 hexadecimal digits>`. */
  digest?: string;
}

/**
 * Reads an image name as container runtimes do (normalize.go in github.com/distribution/reference): the first part is a
 * registry only if it has a dot, a colon or a capital letter, or is `localhost`. Otherwise Docker Hub is meant, where images
 * without a path are below `library/`.
 * @param image A name for which isImageName of lib/imageNames.ts is true.
 */
export function parseImageReference(image: string): ImageReference {
  const { name, version } = splitImageName(image);
  const [, tag, digest] = /^(?::([^@]*))?(?:@(.*))?$/.exec(version) ?? [];
  const slash = name.indexOf("/");
  const first = name.slice(0, Math.max(slash, 0));
  const isRegistry = /[.:A-Z]/.test(first) || first === "localhost";
  const registry = isRegistry && first !== `index.${dockerHub}` ? first : dockerHub;
  const path = isRegistry ? name.slice(slash + 1) : name;
  return {
    registry,
    repository: registry === dockerHub && !path.includes("/") ? `library/${path}` : path,
    ...(digest === undefined ? { tag: tag ?? "latest" } : { tag, digest }),
  };
}

/**
 * The image by its digest, its registry and repository as they were written. It has no tag: with the tag `latest`
 * Kubernetes would ask the registry each time a pod starts (SetDefaults_Container in pkg/apis/core/v1/defaults.go).
 */
export function pinnedImage(image: string, digest: string): string {
  return `${splitImageName(image).name}@${digest}`;
}
