import { KubernetesObject } from "../cluster/kubernetesObject";

/** The annotation of a revision template in which kn, too, keeps the tag of an image that stands there by its digest. */
const userImage = "client.knative.dev/user-image";

/** What a Knative Service runs. */
export interface ServiceImage {
  /** As the container has it. */
  image: string;
  /** The image by its tag, where `image` has the digest that a registry gave for it. */
  byTag?: string;
}

/** The parts of a Service that this file knows. */
interface Service {
  spec?: {
    template?: {
      metadata?: { name?: string; annotations?: Record<string, string> };
      spec?: { containers?: { image?: string }[] };
    };
  };
}

/** What a Service runs, by its object; undefined for an object without an image. */
export function serviceImage(object: object): ServiceImage | undefined {
  const { metadata, spec } = (object as Service).spec?.template ?? {};
  const image = spec?.containers?.[0]?.image;
  return image === undefined ? undefined : { image, byTag: metadata?.annotations?.[userImage] };
}

/** The name that a Service's template gives its revision; undefined where Knative makes one. */
export function revisionName(object: object): string | undefined {
  return (object as Service).spec?.template?.metadata?.name;
}

/** A Service's object with another image in its first container. */
export function withImage(
  object: KubernetesObject,
  { image, byTag }: ServiceImage,
): KubernetesObject {
  const { template, ...spec } = object.spec as {
    template: {
      metadata: { annotations?: Record<string, string> };
      spec: { containers: [{ image: string }, ...{ image: string }[]] };
    };
  };
  const [first, ...others] = template.spec.containers;
  const annotations = { ...template.metadata.annotations, [userImage]: byTag };
  const metadata = byTag === undefined ? template.metadata : { ...template.metadata, annotations };
  const containers = [{ ...first, image }, ...others];
  const changed = { ...spec, template: { metadata, spec: { ...template.spec, containers } } };
  return { ...object, spec: changed } as unknown as KubernetesObject;
}
