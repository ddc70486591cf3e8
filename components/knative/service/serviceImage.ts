import { JsonObject } from "../../../lib/json";
import { KubernetesObject } from "../../cluster/kubernetesObject";
import { ServiceContainer, serviceContainers } from "./serviceObject";

/** The annotation of a revision template in which kn, too, keeps the tag of an image that stands there by its digest. */
const userImage = "client.knative.dev/user-image";

/** The same for further containers, of which kn does not know; a container's name or place follows. */
const furtherImage = "user-image.knative-edge/";

/** What a container of a Knative Service runs. */
export interface ServiceImage {
  /** As the container has it. */
  image: string;
  /** The image by its tag, where `image` has the digest that a registry gave for it. */
  byTag?: string;
}

/** What a Service's containers run, by its object: the containers, then the init containers. */
export function serviceImages(object: { spec?: object }): ServiceImage[] {
  const annotations = templateMetadata(object).annotations ?? {};
  return allContainers(object).flatMap(({ container, annotation }) => {
    const { image } = container;
    return image === undefined ? [] : [{ image, byTag: annotations[annotation] }];
  });
}

/** The name that a Service's template gives its revision; undefined where Knative makes one. */
export function revisionName(object: { spec?: object }): string | undefined {
  return templateMetadata(object).name;
}

/**
 * A Service's object with other images in its containers.
 * @param change What takes the place of an image; its tag is kept beside it, where there is one.
 */
export function withImages(
  object: KubernetesObject,
  change: (image: string) => ServiceImage,
): KubernetesObject {
  const { template, ...others } = object.spec as { template: { spec: JsonObject } };
  const tags: Record<string, string> = {};
  const changed = ({ container, annotation }: Placed): ServiceContainer => {
    if (container.image === undefined) {
      return container;
    }
    const { image, byTag } = change(container.image);
    if (byTag !== undefined) {
      tags[annotation] = byTag;
    }
    return { ...container, image };
  };
  const all = allContainers(object);
  const containers = all.filter(({ isInit }) => !isInit).map(changed);
  const initContainers = all.filter(({ isInit }) => isInit).map(changed);
  const metadata = templateMetadata(object);
  const annotations = { ...metadata.annotations, ...tags };
  const spec = {
    ...others,
    template: {
      metadata: Object.keys(annotations).length > 0 ? { ...metadata, annotations } : metadata,
      spec: {
        ...template.spec,
        containers,
        ...(initContainers.length > 0 && { initContainers }),
      },
    },
  };
  return { ...object, spec } as unknown as KubernetesObject;
}

/** A container, and the annotation that keeps its image's tag. */
interface Placed {
  container: ServiceContainer;
  annotation: string;
  isInit: boolean;
}

function allContainers(object: { spec?: object }): Placed[] {
  const { containers, initContainers } = serviceContainers(object);
  const placed = (container: ServiceContainer, index: number, isInit: boolean): Placed => ({
    container,
    annotation:
      !isInit && index === 0
        ? userImage
        : furtherImage + (container.name ?? `${isInit ? "init-" : ""}container-${index}`),
    isInit,
  });
  return [
    ...containers.map((container, index) => placed(container, index, false)),
    ...initContainers.map((container, index) => placed(container, index, true)),
  ];
}

function templateMetadata({ spec }: { spec?: object }): {
  name?: string;
  annotations?: Record<string, string>;
} {
  const { template } = (spec ?? {}) as { template?: { metadata?: object } };
  return template?.metadata ?? {};
}
