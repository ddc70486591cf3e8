import { withAwait } from "./awaits";
import { ConfigError, EdgeConfig } from "./config";
import { mirrorImage } from "./images";
import { ServiceSpec } from "./knativeService";
import { isDefinition, KubernetesObject } from "./manifests";
import { ReleaseObjects } from "./releases";
import { serviceResourceProblems } from "./servicePods";
import { transformAll, validateAgainstManifests } from "./transforms";

/** Knative Serving's objects in the three steps in which they can be applied. */
export interface ServingObjects {
  /** The namespace and the CustomResourceDefinitions. */
  definitions: KubernetesObject[];
  /** What runs Knative, with its configuration and webhooks. */
  core: KubernetesObject[];
  /** Custom resources that Knative's own webhook must admit, so that its pods come first. */
  admitted: KubernetesObject[];
}

/** The objects of a stack, exactly as they are applied. */
export interface StackObjects {
  /** Empty where the load balancer is another. */
  metalLb: KubernetesObject[];
  serving: ServingObjects;
  kourier: KubernetesObject[];
  /** Empty where the domain is known without it. */
  defaultDomain: KubernetesObject[];
  /** The Knative Services, their images at the mirrors. */
  services: Record<string, ServiceSpec>;
}

/**
 * Turns the releases' objects into those of a stack: every transform applied.
 * @throws ConfigError when the configuration names what the releases do not have.
 */
export function renderStack(config: EdgeConfig, releases: ReleaseObjects): StackObjects {
  const problems = validateAgainstManifests(config, Object.values(releases).flat());
  if (problems.length > 0) {
    throw new ConfigError(problems);
  }
  const render = (objects: KubernetesObject[]): KubernetesObject[] =>
    transformAll(objects, config).map(withAwait);
  const serving = inSteps(render(releases.serving));
  const clashes = serviceResourceProblems(config.services, serving.core);
  if (clashes.length > 0) {
    throw new ConfigError(clashes);
  }
  return {
    metalLb: render(releases.metalLb),
    serving,
    kourier: render(releases.kourier),
    defaultDomain: config.knative.domain === undefined ? render(releases.defaultDomain) : [],
    services: Object.fromEntries(
      Object.entries(config.services).map(([name, spec]) => [
        name,
        { ...spec, image: mirrorImage(spec.image, config.imageMirrors) },
      ]),
    ),
  };
}

function inSteps(objects: KubernetesObject[]): ServingObjects {
  const steps: ServingObjects = { definitions: [], core: [], admitted: [] };
  for (const object of objects) {
    steps[stepOf(object)].push(object);
  }
  return steps;
}

function stepOf(object: KubernetesObject): keyof ServingObjects {
  if (object.kind === "Namespace" || isDefinition(object)) {
    return "definitions";
  }
  // The webhook validates certificates.networking.internal.knative.dev with failurePolicy Fail, and the release holds
  // such an object: knative/operator#2179 is the deadlock that comes of applying both at once.
  return object.kind === "Certificate" ? "admitted" : "core";
}
