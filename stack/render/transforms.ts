import { kourierKind } from "../../components/ingress/kourierKind";
import { EdgeConfig } from "../config";
import { MetalLbConfig } from "../config/loadBalancer";
import { mirrorImage } from "../../lib/imageNames";
import { JsonObject } from "../../lib/json";
import { configMapProblems, exampleKey } from "../../components/knative/configMaps";
import {
  domainAnnotation,
  isDomainConfig,
  isGatewayService,
  isKnativeServing,
  poolAnnotation,
} from "../../components/cluster/fieldRules";
import { KubernetesObject, annotated } from "../../components/cluster/kubernetesObject";
import { suggestion } from "../../lib/nearest";
import { answeringChallenges } from "../../components/ingress/kourierChallenges";
import { atNodeAddresses } from "../../components/ingress/nodeIp";
import { firstAddress } from "../../components/metallb/pool";
import { Problem } from "../../lib/problem";
import { goMemory, namedPolicy, queueProxyConfig } from "../resources/policies";
import {
  ContainerRef,
  overrideNames,
  resourceErrors,
  ResourcePolicy,
  Resources,
  withOverrides,
} from "../../lib/resources";
import { withSeveralNodes } from "../resources/severalNodes";
import { applyTweaks } from "../resources/singleNodeTweaks";
import { containers, withContainers, withPodAnnotation } from "../../components/cluster/workloads";

/** A change to an object of a release. Returns the object itself where it has nothing to change, never alters it. */
export type Transform = (object: KubernetesObject) => KubernetesObject;

const servingNamespace = "knative-serving";
const metalLbNamespace = "metallb-system";

/**
 * All transforms in the order of use, by name.
 * @param acmeAccount Thumbprint of the account for whose challenges the gateway answers. By default it answers none.
 */
export function transforms(config: EdgeConfig, acmeAccount?: string): Record<string, Transform> {
  return {
    forceWebhooks,
    ownRollout,
    announceFromAnyNode,
    ...(config.loadBalancer.kind === "nodeIp" && {
      atNodeAddresses: atNodeAddresses(nodeAddresses(config)),
    }),
    ...(acmeAccount !== undefined && { answeringChallenges: answeringChallenges(acmeAccount) }),
    resources: resources(resourcePolicy(config)),
    ...(config.knative.resources.policy === "edge" && { goMemory }),
    knativeConfig: knativeConfig(knativeConfigMaps(config)),
    ...(config.knative.domain !== undefined && { knownDomain: knownDomain(config.knative.domain) }),
    ...(config.loadBalancer.kind === "metallb" && {
      ofPool: ofPool(config.loadBalancer, config.knative.domain === undefined),
    }),
    images: images(config.imageMirrors),
  };
}

/** The objects that the nodes should have, with every transform applied. */
export function transformAll(
  objects: KubernetesObject[],
  config: EdgeConfig,
  acmeAccount?: string,
): KubernetesObject[] {
  const kept = applyTweaks(objects, config.oneNode).map((object) =>
    withSeveralNodes(object, config.severalNodes, 1 + config.workers.length),
  );
  const steps = [ownReplicas(kept), ...Object.values(transforms(config, acmeAccount))];
  return kept.map((object) => steps.reduce((result, step) => step(result), object));
}

/** The addresses of all nodes, the host's first: names of the stack lead there. */
export function nodeAddresses({ host, workers }: EdgeConfig): string[] {
  return [host, ...workers].map(({ nodeAddress }) => nodeAddress);
}

/** The policy that a configuration asks for. */
export function resourcePolicy({ knative, services }: EdgeConfig): ResourcePolicy {
  const { overrides, ...settings } = knative.resources;
  const policy = namedPolicy({ ...settings, services: Object.keys(services).length });
  return withOverrides(policy, overrides);
}

/**
 * What only the release's objects can tell about a configuration: overrides of containers that it does not have, or
 * that leave a request above its limit, and what {@link configMapProblems} finds.
 */
export function validateAgainstManifests(
  config: EdgeConfig,
  objects: KubernetesObject[],
): Problem[] {
  const own = objects.filter(isKnativeConfigMap);
  return [
    ...overrideProblems(config, objects),
    ...configMapProblems(config.knative.configMaps, own),
  ];
}

/**
 * Knative's webhook rewrites the rules of its own configurations and so owns them; without force the API server
 * answers the next release's rules with a conflict. The webhook puts its rules back at once.
 */
export function forceWebhooks(object: KubernetesObject): KubernetesObject {
  return object.kind.endsWith("WebhookConfiguration") && isKnativeServing(object)
    ? annotated(object, "pulumi.com/patchForce", "true")
    : object;
}

/**
 * Writes out how a Deployment rolls out, with the numbers that the API server fills in: those would be nobody's, and would
 * stay in the way of Recreate where that is chosen later (pulumi/pulumi-kubernetes#2843). The defaults are those of
 * pkg/apis/apps/v1/defaults.go in Kubernetes.
 */
export function ownRollout(object: KubernetesObject): KubernetesObject {
  const strategy = (object.spec?.strategy ?? {}) as { type?: string; rollingUpdate?: JsonObject };
  if (object.kind !== "Deployment" || strategy.type === "Recreate") {
    return object;
  }
  const rollingUpdate = { maxSurge: "25%", maxUnavailable: "25%", ...strategy.rollingUpdate };
  return {
    ...object,
    spec: { ...object.spec, strategy: { type: "RollingUpdate", rollingUpdate } },
  };
}

/**
 * Writes out the number of pods of a Deployment, by default 1 as in the API server (pkg/apis/apps/v1/defaults.go in
 * Kubernetes): a number that nobody gave is nobody's, so that a `kubectl scale` was neither shown nor mended. That
 * command owns the number from then on, by a subresource of which the provider takes nothing over
 * (fixCSAFieldManagers in pulumi-kubernetes' await.go), hence the force.
 * @param objects All that are applied. What an autoscaler among them scales is left to it.
 */
export function ownReplicas(objects: KubernetesObject[]): Transform {
  const scaled = objects
    .filter(({ kind }) => kind === "HorizontalPodAutoscaler")
    .map(({ metadata, spec }) => {
      const { kind, name } = (spec?.scaleTargetRef ?? {}) as { kind?: string; name?: string };
      return `${kind} ${metadata.namespace}/${name}`;
    });
  return (object) => {
    const { kind, metadata, spec } = object;
    if (
      kind !== "Deployment" ||
      scaled.includes(`${kind} ${metadata.namespace}/${metadata.name}`)
    ) {
      return object;
    }
    const owned = { ...object, spec: { ...spec, replicas: spec?.replicas ?? 1 } };
    return annotated(owned, "pulumi.com/patchForce", "true");
  };
}

/**
 * MetalLB's speaker announces from a control plane node too (`--ignore-exclude-lb`, MetalLB 0.14.4 and newer), which
 * is all that a single node has.
 */
export function announceFromAnyNode(object: KubernetesObject): KubernetesObject {
  return object.metadata.namespace === metalLbNamespace && object.kind === "DaemonSet"
    ? withContainers(object, (container) => ({
        ...container,
        args: [...((container.args as string[] | undefined) ?? []), "--ignore-exclude-lb=true"],
      }))
    : object;
}

/** Gives every container what the policy decides. */
export function resources(policy: ResourcePolicy): Transform {
  return (object) =>
    withContainers(object, (container) => {
      const decided = policy(
        containerRef(object, container),
        (container.resources ?? {}) as Resources,
      );
      return Object.keys(decided).length === 0
        ? container
        : { ...container, resources: decided as JsonObject };
    });
}

/** Sets keys in Knative's ConfigMaps at their creation, before its webhook is there to be asked. */
export function knativeConfig(configMaps: Record<string, Record<string, string>>): Transform {
  return (object) => {
    const keys = isKnativeConfigMap(object) ? configMaps[object.metadata.name] : undefined;
    return keys === undefined ? object : { ...object, data: { ...object.data, ...keys } };
  };
}

/** Marks config-domain with the domain that is set in it: see {@link replacingFields}. */
export function knownDomain(domain: string): Transform {
  return (object) =>
    isDomainConfig(object) ? annotated(object, domainAnnotation, domain) : object;
}

/**
 * Marks what depends on the address that MetalLB gives with the pool's first one: the gateway's Service, and, where the
 * default-domain Job makes a domain of the address, config-domain (see {@link replacingFields}) and the Job's pods, for no
 * Job may change those.
 * @param makesDomain Whether it does.
 */
export function ofPool({ addresses }: MetalLbConfig, makesDomain: boolean): Transform {
  const first = firstAddress(addresses) ?? "";
  return (object) => {
    if (isGatewayService(object) || (makesDomain && isDomainConfig(object))) {
      return annotated(object, poolAnnotation, first);
    }
    return makesDomain && object.kind === "Job"
      ? withPodAnnotation(object, poolAnnotation, first)
      : object;
  };
}

/**
 * Points images at mirrors: of containers and init containers, of the queue-proxy that Knative adds to every pod
 * (`queue-sidecar-image` in config-deployment) and of its Image object for the image cache.
 */
export function images(mirrors: Record<string, string>): Transform {
  const mirrored = (holder: JsonObject): JsonObject =>
    typeof holder.image === "string"
      ? { ...holder, image: mirrorImage(holder.image, mirrors) }
      : holder;
  return (object) => {
    if (
      object.apiVersion.startsWith("caching.internal.knative.dev/") &&
      object.spec !== undefined
    ) {
      return { ...object, spec: mirrored(object.spec) };
    }
    const sidecar = isKnativeConfigMap(object) ? object.data?.["queue-sidecar-image"] : undefined;
    if (sidecar !== undefined) {
      return {
        ...object,
        data: { ...object.data, "queue-sidecar-image": mirrorImage(sidecar, mirrors) },
      };
    }
    return withContainers(object, mirrored);
  };
}

/** The ConfigMap keys of a configuration: the user's, over those that the program needs. */
function knativeConfigMaps({ knative, tls }: EdgeConfig): Record<string, Record<string, string>> {
  const own: Record<string, Record<string, string>> = {
    "config-network": {
      "ingress-class": kourierKind.ingressClass,
      ...(tls && { "default-external-scheme": "https" }),
      ...(tls?.redirect && { "http-protocol": "Redirected" }),
    },
    "config-deployment": queueProxyConfig(knative.resources.policy),
    ...(knative.domain !== undefined && { "config-domain": { [knative.domain]: "" } }),
  };
  const merged = { ...own, ...knative.configMaps };
  return Object.fromEntries(
    Object.keys(merged).map((name) => [name, { ...own[name], ...knative.configMaps[name] }]),
  );
}

function overrideProblems(config: EdgeConfig, objects: KubernetesObject[]): Problem[] {
  const problems: Problem[] = [];
  const { overrides } = config.knative.resources;
  const policy = resourcePolicy(config);
  const known = new Map<string, string[]>();
  for (const object of objects) {
    for (const container of containers(object)) {
      const ref = containerRef(object, container);
      const errors = resourceErrors(policy(ref, (container.resources ?? {}) as Resources));
      const refNames = overrideNames(ref);
      for (const name of refNames) {
        known.set(name, errors);
      }
      const [first, ...others] = refNames.filter((name) => name in overrides);
      for (const name of others) {
        problems.push({
          key: `resourceOverrides.${name}`,
          message: `is the container of resourceOverrides.${first} too; write both in one.`,
        });
      }
    }
  }
  // The full names are for MetalLB only; naming a container twice would hide the short one.
  const names = [...known.keys()].filter(
    (name) => name.split("/").length === 2 || name.startsWith(metalLbNamespace),
  );
  for (const name of Object.keys(overrides)) {
    const key = `resourceOverrides.${name}`;
    const errors = known.get(name);
    if (errors === undefined) {
      problems.push({
        key,
        message: `no such container; ${suggestion(name, names, `the release has ${names.sort().join(", ")}.`)}`,
      });
    }
    problems.push(...(errors ?? []).map((message) => ({ key, message })));
  }
  return problems;
}

/** Knative's own settings, Kourier's among them: the ConfigMaps in its namespace that explain their keys. */
function isKnativeConfigMap(object: KubernetesObject): boolean {
  return (
    object.kind === "ConfigMap" &&
    object.metadata.namespace === servingNamespace &&
    object.data?.[exampleKey] !== undefined
  );
}

function containerRef(object: KubernetesObject, container: JsonObject): ContainerRef {
  return {
    namespace: object.metadata.namespace ?? "default",
    workload: object.metadata.name,
    container: String(container.name),
  };
}
