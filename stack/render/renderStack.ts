import { withAwait } from "../../components/cluster/awaits";
import { ConfigError, EdgeConfig } from "../config";
import { ConfiguredService } from "../../components/knative/service/configuredService";
import { withColdStart } from "../../components/knative/service/coldStart";
import { withImages } from "../../components/knative/service/serviceImage";
import { mirrorImage } from "../../lib/imageNames";
import { KubernetesObject } from "../../components/cluster/kubernetesObject";
import { ReleaseObjects } from "../releases/releases";
import { serviceResourceProblems } from "../../components/knative/service/serviceResources";
import { Pins } from "./pinImages";
import { transformAll, validateAgainstManifests } from "./transforms";
import { ServingObjects, servingSteps } from "../../components/knative/servingObjects";

/** The objects of a stack, exactly as they are applied. */
export interface StackObjects {
  /** Empty where the load balancer is another. */
  metalLb: KubernetesObject[];
  serving: ServingObjects;
  kourier: KubernetesObject[];
  /** Empty where the domain is known without it. */
  defaultDomain: KubernetesObject[];
  services: StackService[];
}

/** A Knative Service of a stack. */
export interface StackService extends ConfiguredService {
  name: string;
}

/**
 * Turns the releases' objects into those of a stack: every transform applied.
 * @param images What services run, see {@link pinImages}. By default, what the configuration says.
 * @param acmeAccount Thumbprint of the account for whose challenges the gateway answers. By default it answers none.
 * @throws ConfigError when the configuration names what the releases do not have.
 */
export function renderStack(
  config: EdgeConfig,
  releases: ReleaseObjects,
  images: Pins = {},
  acmeAccount?: string,
): StackObjects {
  const problems = validateAgainstManifests(config, Object.values(releases).flat());
  if (problems.length > 0) {
    throw new ConfigError(problems);
  }
  const render = (objects: KubernetesObject[]): KubernetesObject[] =>
    transformAll(objects, config, acmeAccount).map(withAwait);
  const serving = servingSteps(render(releases.serving));
  const clashes = serviceResourceProblems(config.services, serving.core);
  if (clashes.length > 0) {
    throw new ConfigError(clashes);
  }
  return {
    metalLb: render(releases.metalLb),
    serving,
    kourier: render(releases.kourier),
    defaultDomain: config.knative.domain === undefined ? render(releases.defaultDomain) : [],
    services: Object.entries(config.services).map(([name, service]) => {
      const object = withImages(service.object, (image) => {
        const mirrored = mirrorImage(image, config.imageMirrors);
        return images[name]?.[mirrored] ?? { image: mirrored };
      });
      return { ...service, name, object: withAwait(withColdStart(object, config.coldStart)) };
    }),
  };
}
