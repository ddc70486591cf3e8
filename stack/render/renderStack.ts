import { withAwait } from "../../components/cluster/awaits";
import { ConfigError, EdgeConfig } from "../config";
import { ServiceImage, withImage } from "../../components/knative/serviceImage";
import { knativeService } from "../../components/knative/serviceObject";
import { ServiceSpec } from "../../components/knative/serviceSpec";
import { KubernetesObject } from "../../components/cluster/kubernetesObject";
import { ReleaseObjects } from "../releases/releases";
import { serviceResourceProblems } from "../../components/knative/serviceResources";
import { configuredImage } from "./pinImages";
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
export interface StackService {
  name: string;
  /** As configured; it has what the object does not: the deadline and the probe. */
  spec: ServiceSpec;
  object: KubernetesObject;
}

/**
 * Turns the releases' objects into those of a stack: every transform applied.
 * @param images What services run, by name, see {@link pinImages}. By default, what the configuration says.
 * @throws ConfigError when the configuration names what the releases do not have.
 */
export function renderStack(
  config: EdgeConfig,
  releases: ReleaseObjects,
  images: Record<string, ServiceImage> = {},
): StackObjects {
  const problems = validateAgainstManifests(config, Object.values(releases).flat());
  if (problems.length > 0) {
    throw new ConfigError(problems);
  }
  const render = (objects: KubernetesObject[]): KubernetesObject[] =>
    transformAll(objects, config).map(withAwait);
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
    services: Object.entries(config.services).map(([name, spec]) => {
      const image = images[name] ?? { image: configuredImage(spec, config) };
      const object = withImage(knativeService(name, "default", spec), image);
      return { name, spec, object: withAwait(object) };
    }),
  };
}
