import * as pulumi from "@pulumi/pulumi";
import { hostConnection } from "../components/host/hostConnection";
import { renderK0sConfig } from "../components/host/k0sConfig";
import { K0sHostArgs } from "../components/host/k0sHost";
import { kourierKind } from "../components/ingress/kourierKind";
import { gatewayPorts } from "../components/ingress/nodeIp";
import { KubernetesObject } from "../components/cluster/kubernetesObject";
import { hasPlainUrls } from "../components/knative/service/serviceSpec";
import { serviceImages } from "../components/knative/service/serviceImage";
import { parseImageReference } from "../components/registry/imageReference";
import { RegistryLogin } from "../components/registry/pullSecret";
import { loginOf, Registries } from "../components/registry/registry";
import { defaultMeasures, withMeasures } from "../components/host/lowMemory";
import { noSettings } from "../components/host/k0sSettings";
import { WorkerConfig } from "../components/worker/workerConfig";
import { EdgeConfig } from "../stack/config";
import { releaseVersions } from "../stack/releases/releases";
import { stackIdentity } from "../stack/render/stackIdentity";
import { NamespaceTraits } from "../components/knative/namespaceTraits";
import { KeyPair } from "../components/tls/keyPair";
import { StackPlan } from "./planStack";

/** A service of the plan: its object, and the probe. */
export interface PlannedService {
  name: string;
  spec: {
    object: KubernetesObject;
    readyTimeoutSeconds?: number;
    plainUrl: boolean;
    registryLogins: RegistryLogin[];
    secretData?: Record<string, string>;
    fileData?: Record<string, string>;
    scheme: "http" | "https";
  };
  domains: { name: string; certificate?: KeyPair }[];
  /** What is asked of it; undefined where it is not asked. */
  probe: { path: string; versions: Record<string, string> } | undefined;
}

/** What each component of the stack is told, but for the components before it. */
export function componentArgs(plan: StackPlan) {
  const { config, objects, budget, certificate } = plan;
  const { loadBalancer } = config;
  // Where not all fits, who comes first finds room: then one after the other, as in the budget.
  const oneByOne = !budget.requestsFit;
  // Another certificate is one more reason to ask.
  const versions = {
    ...releaseVersions(config),
    ...(certificate && { certificate: certificate.secretName }),
  };
  const scheme = config.tls ? "https" : "http";
  const plainUrl = hasPlainUrls(config.knative);
  return {
    host: hostArgs(plan),
    workers: plan.config.workers.map((worker) => workerArgs(plan, worker)),
    addresses: { objects: objects.metalLb, ...loadBalancer },
    knative: { objects: objects.serving },
    certificate: config.tls && certificate && { ...config.tls, ...certificate },
    ingress: { objects: objects.kourier, oneByOne },
    domain: { objects: objects.defaultDomain, domain: config.knative.domain, oneByOne },
    namespaces: serviceNamespaces(plan),
    services: objects.services.map(
      ({
        name,
        object,
        readyTimeoutSeconds,
        secretData,
        fileData,
        domains = [],
        probe: path,
      }): PlannedService => {
        const probe = path === undefined ? undefined : { path, versions };
        const registryLogins = loginsFor(object, config.registries);
        const spec: PlannedService["spec"] = {
          object,
          readyTimeoutSeconds,
          plainUrl,
          registryLogins,
          secretData,
          fileData,
          scheme,
        };
        const own = domains.map((domain) => ({
          name: domain,
          certificate: config.tls?.certificates[domain],
        }));
        return { name, spec, domains: own, probe };
      },
    ),
  };
}

/** The namespaces of the services with what is said of them. `default` is one only if something is. */
function serviceNamespaces({
  config,
  objects,
}: StackPlan): { name: string; traits?: NamespaceTraits }[] {
  const names = objects.services.map(({ object }) => object.metadata.namespace ?? "default");
  return [...new Set(names)]
    .sort()
    .map((name) => ({ name, traits: config.namespaces[name] }))
    .filter(({ name, traits }) => name !== "default" || traits !== undefined);
}

/** The logins with which a service's images are pulled; none of registries that have none. */
function loginsFor(service: KubernetesObject, registries: Registries): RegistryLogin[] {
  const names = serviceImages(service).map(({ image }) => parseImageReference(image).registry);
  return [...new Set(names)].flatMap((registry) => {
    const login = loginOf(registries[registry] ?? {});
    return login === undefined ? [] : [{ registry, ...login }];
  });
}

function hostArgs({ config, objects }: StackPlan): K0sHostArgs {
  return {
    connection: hostConnection(config.host),
    owner: `${pulumi.getStack()}@${config.host.address}`,
    facts: stackIdentity(config),
    allow: config.allow,
    abandoned: config.abandonHost,
    nodeAddress: config.host.nodeAddress,
    hostSize: config.hostSize,
    gatewayPorts: portsOnNodes(config),
    apiEndpoint: config.apiEndpoint,
    k0sYaml: renderK0sConfig({ ...config, joinable: isJoinable(config) }),
    ...config.k0s,
    joinable: isJoinable(config),
    steadyServices: servicesOnTheWay([...objects.serving.core, ...objects.kourier]),
    registries: config.registries,
  };
}

/** The Services that requests pass on their way to a pod: the gateway's, and the activator's. */
function servicesOnTheWay(objects: KubernetesObject[]): string[] {
  return objects
    .filter(({ kind, spec }) => kind === "Service" && spec?.selector !== undefined)
    .filter(
      ({ metadata }) =>
        metadata.namespace === kourierKind.namespace || metadata.name === "activator-service",
    )
    .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
}

/** The ports that the gateway takes on each node itself. */
function portsOnNodes({ loadBalancer }: EdgeConfig): number[] {
  return loadBalancer.kind === "nodeIp" ? gatewayPorts : [];
}

/** A stack with workers. Without any, the host is a single node. */
function isJoinable({ workers }: EdgeConfig): boolean {
  return workers.length > 0;
}

function workerArgs({ config }: StackPlan, worker: WorkerConfig) {
  const { k0s, host } = config;
  const small = withMeasures(defaultMeasures(worker.size), noSettings);
  return {
    ...k0s,
    // Resource names begin with it: a worker may be called `host` too.
    name: `worker-${worker.name}`,
    node: worker.name,
    connection: hostConnection(worker),
    owner: `${pulumi.getStack()}@${worker.address}`,
    host: worker.address,
    nodeAddress: worker.nodeAddress,
    apiServer: `https://${host.nodeAddress}:6443`,
    size: worker.size,
    labels: worker.labels,
    taints: worker.taints,
    generation: worker.generation,
    abandoned: worker.abandoned,
    gatewayPorts: portsOnNodes(config),
    environment: { ...small.environment, ...k0s.environment },
    registries: config.registries,
    drainTimeoutSeconds: config.drainTimeoutSeconds,
  };
}
