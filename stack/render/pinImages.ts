import { revisionName, ServiceImage, serviceImage } from "../../components/knative/serviceImage";
import { ServiceSpec } from "../../components/knative/serviceSpec";
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

/** What the services run, by name, and what to tell about it. */
export interface PinnedImages {
  images: Record<string, ServiceImage>;
  warnings: string[];
}

/** A service's image by the configuration: `imageMirrors` put another one in its place. */
export function configuredImage({ image }: ServiceSpec, { imageMirrors }: EdgeConfig): string {
  return mirrorImage(image, imageMirrors);
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
  const pins = new Pins(config, sources);
  const services = Object.entries(config.services);
  const images = await Promise.all(
    services.map(async ([name, spec]) => [name, await pins.image(name, spec)] as const),
  );
  if (pins.problems.length > 0) {
    throw new ConfigError(pins.problems);
  }
  return { images: Object.fromEntries(images), warnings: pins.warnings() };
}

class Pins {
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

  public async image(service: string, spec: ServiceSpec): Promise<ServiceImage> {
    const image = configuredImage(spec, this.config);
    const { registry, digest } = parseImageReference(image);
    if (digest !== undefined || this.skipped.has(registry)) {
      return { image };
    }
    if (spec.revisionName !== undefined) {
      const last = await this.last(service, image);
      if (last?.revisionName === spec.revisionName) {
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
      groups.set(why.subject, { message, services: [...services, service] });
    }
    return [...groups.values()].map(
      ({ message, services }) =>
        `${message} Until then these services keep the images that they run: ${services.join(", ")}.`,
    );
  }

  /** What the last `up` left of a service, if it was configured with the same image. */
  private async last(
    service: string,
    image: string,
  ): Promise<{ image: ServiceImage; revisionName?: string } | undefined> {
    this.asked ??= this.sources.lastServices();
    const object = (await this.asked)[service] ?? {};
    const last = serviceImage(object);
    return last === undefined || (last.byTag ?? last.image) !== image
      ? undefined
      : { image: last, revisionName: revisionName(object) };
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
