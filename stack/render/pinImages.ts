import {
  revisionName,
  ServiceImage,
  serviceImages,
} from "../../components/knative/service/serviceImage";
import { KubernetesObject } from "../../components/cluster/kubernetesObject";
import { parseImageReference, pinnedImage } from "../../components/registry/imageReference";
import { RegistryError } from "../../components/registry/registryError";
import { dockerHub } from "../../components/registry/registry";
import { mirrorImage } from "../../lib/imageNames";
import { Problem } from "../../lib/problem";
import { ConfigError, EdgeConfig } from "../config";

/** What {@link pinImages} asks. */
export interface ImageSources {
  /** The digest of an image, from its registry. Throws RegistryError where it gives none. */
  resolve: (image: string) => Promise<string>;
  /** The Services' objects as the last `up` left them, by the service's name. Called at most once. */
  lastServices: () => Promise<Record<string, object>>;
}

/** What stands in the place of images, by the service's name and by the image that `imageMirrors` make of the user's. */
export type Pins = Record<string, Record<string, ServiceImage>>;

/** What the services run, and what to tell about it. */
export interface PinnedImages {
  images: Pins;
  warnings: string[];
}

/**
 * Puts digests in place of the tags of the services' images.
 *
 * - An image with a digest stays as it is, and so does one of a registry that Knative is not to ask
 *   (`registries-skipping-tag-resolving` of config-deployment): what the host has under that name need not be there.
 * - A service with a `revisionName` keeps the image of the last `up` as long as both stay, because Knative lets no revision
 *   change.
 * - If the registry gives no digest, what a service runs stays: its digest if the trouble may pass, its tag in any case. A
 *   stack without a way to the registries goes on as before.
 *
 * @throws ConfigError with what the registries say about all other images.
 */
export async function pinImages(config: EdgeConfig, sources: ImageSources): Promise<PinnedImages> {
  const pins = new Pinning(config, sources);
  const services = Object.entries(config.services);
  const images = await Promise.all(
    services.map(async ([name, { object }]) => [name, await pins.images(name, object)] as const),
  );
  if (pins.problems.length > 0) {
    throw new ConfigError(pins.problems);
  }
  return { images: Object.fromEntries(images), warnings: pins.warnings() };
}

class Pinning {
  public readonly problems: Problem[] = [];
  private readonly kept: { service: string; why: RegistryError }[] = [];
  private readonly skipped: Set<string>;
  private asked: Promise<Record<string, object>> | undefined;

  constructor(
    private readonly config: EdgeConfig,
    private readonly sources: ImageSources,
  ) {
    this.skipped = skippedRegistries(config);
  }

  /** What a service's containers run, by what its configuration and `imageMirrors` say. */
  public async images(
    service: string,
    object: KubernetesObject,
  ): Promise<Record<string, ServiceImage>> {
    const { imageMirrors } = this.config;
    const wanted = serviceImages(object).map(({ image }) => mirrorImage(image, imageMirrors));
    const pinned = [...new Set(wanted)].map(
      async (image) => [image, await this.image(service, image, revisionName(object))] as const,
    );
    return Object.fromEntries(await Promise.all(pinned));
  }

  private async image(service: string, image: string, revision?: string): Promise<ServiceImage> {
    const { registry, digest } = parseImageReference(image);
    if (digest !== undefined || this.skipped.has(registry)) {
      return { image };
    }
    if (revision !== undefined) {
      const last = await this.last(service, image);
      if (last?.revisionName === revision) {
        return last.image;
      }
    }
    try {
      return { image: pinnedImage(image, await this.sources.resolve(image)), byTag: image };
    } catch (error) {
      if (!(error instanceof RegistryError)) {
        throw error;
      }
      const last = await this.last(service, image);
      if (last !== undefined && (error.mayPass || last.image.byTag === undefined)) {
        this.kept.push({ service, why: error });
        return last.image;
      }
      this.problems.push({ key: `services.${service}.image`, message: error.message });
      return { image };
    }
  }

  /** A sentence for each trouble of each registry. */
  public warnings(): string[] {
    const groups = new Map<string, { message: string; services: string[] }>();
    for (const { service, why } of this.kept) {
      const { message, services } = groups.get(why.subject) ?? {
        message: why.message,
        services: [],
      };
      groups.set(why.subject, { message, services: [...new Set([...services, service])] });
    }
    return [...groups.values()].map(
      ({ message, services }) =>
        `${message} Until then these services keep the images that they run: ${services.join(", ")}.`,
    );
  }

  /** What the last `up` left of a service's image, if it was configured with the same one. */
  private async last(
    service: string,
    image: string,
  ): Promise<{ image: ServiceImage; revisionName?: string } | undefined> {
    this.asked ??= this.sources.lastServices();
    const object: { spec?: object } = (await this.asked)[service] ?? {};
    const last = serviceImages(object).find((one) => (one.byTag ?? one.image) === image);
    return last && { image: last, revisionName: revisionName(object) };
  }
}

/** The registries that Knative asks for no digests; its own default is that of pkg/deployment/config.go in serving. */
function skippedRegistries({ knative }: EdgeConfig): Set<string> {
  const list =
    knative.configMaps["config-deployment"]?.["registries-skipping-tag-resolving"] ??
    "kind.local,ko.local,dev.local";
  const names = list.split(",").map((name) => name.trim());
  // Knative calls Docker Hub by the name of its index.
  return new Set(names.map((name) => (name === `index.${dockerHub}` ? dockerHub : name)));
}
