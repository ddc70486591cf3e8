import { kourierKind } from "../../components/ingress/kourierKind";
import { JsonObject } from "../../lib/json";
import { KubernetesObject } from "../../components/cluster/kubernetesObject";
import { formatQuantity, NanoUnits, parseQuantity, Ratio } from "../../lib/quantity";
import {
  ContainerRef,
  overrideNames,
  ResourceList,
  ResourcePolicy,
  Resources,
  scaledBy,
} from "../../lib/resources";
import { containers, withContainers } from "../../components/cluster/workloads";

/** The resource policies by name, with what each is for. */
export const policies = {
  scale: "every request and limit of Knative and Kourier times resourceFactor",
  edge: "small CPU requests, CPU limits that never throttle, and memory from published idle figures",
  upstream: "the releases' own requests and limits",
  guaranteed: "limits times resourceFactor, and requests equal to them",
} as const;

/** A value of `resourcePolicy`. */
export type PolicyName = keyof typeof policies;

/** What the policies need to know of a stack. */
export interface PolicySettings {
  policy: PolicyName;
  /** Factor of `scale` and `guaranteed`. */
  factor: Ratio;
  /** Number of Knative Services, which `edge` sizes memory for. */
  services: number;
}

const metalLbNamespace = "metallb-system";
const mebibyte = parseQuantity("1Mi");

/** The variable by which Go's runtime knows its memory limit. */
const memoryLimit = "GOMEMLIMIT";

/**
 * What MetalLB gets, whose release gives it nothing: BestEffort pods are evicted first, and the load balancer's
 * address goes with them. No CPU limit: throttled, the speaker answers ARP too late (metallb/metallb#765). With 10m
 * each, CoreDNS could not roll out beside the reference set-up on one CPU.
 */
const metalLbResources: Resources = {
  requests: { cpu: "5m", memory: "32Mi" },
  limits: { memory: "128Mi" },
};

/** The policy with a name. */
export function namedPolicy({ policy, factor, services }: PolicySettings): ResourcePolicy {
  const scaled = scaledBy(factor);
  const byName: Record<PolicyName, ResourcePolicy> = {
    scale: scaled,
    edge: edgePolicy(services),
    upstream: (_container, given) => given,
    guaranteed: (container, given) => guaranteed(scaled(container, given)),
  };
  return policy === "upstream" ? byName.upstream : withMetalLb(byName[policy], policy);
}

/**
 * Keys of config-deployment for the queue-proxy that Knative adds to each pod. Knative's own default is 25m of CPU
 * and nothing for memory, or 400Mi and 800Mi with `queueproxy.resource-defaults`; one was measured at 24 MiB. For
 * `guaranteed` the request is the limit, and so must be enough for every request that passes.
 */
export function queueProxyConfig(policy: PolicyName): Record<string, string> {
  switch (policy) {
    case "edge":
      return {
        "queue-sidecar-cpu-request": "10m",
        "queue-sidecar-memory-request": "24Mi",
        "queue-sidecar-memory-limit": "96Mi",
      };
    case "guaranteed":
      return {
        "queue-sidecar-cpu-request": "100m",
        "queue-sidecar-cpu-limit": "100m",
        "queue-sidecar-memory-request": "96Mi",
        "queue-sidecar-memory-limit": "96Mi",
      };
    default:
      return {};
  }
}

/**
 * Tells Go's runtime the memory limit, for the `edge` policy: GOMEMLIMIT at 85 % of it, so that the garbage collector
 * works harder before the kernel kills; and GOGC 100, since the activator ships with 500, which lets its heap grow
 * to six times what is alive (knative/serving#13583 is how it then dies).
 */
export function goMemory(object: KubernetesObject): KubernetesObject {
  return withContainers(object, (container) => {
    const limit = (container.resources as Resources | undefined)?.limits?.memory;
    // Envoy is no Go program.
    if (limit === undefined || container.name === kourierKind.gatewayContainer) {
      return container;
    }
    const mebibytes = (parseQuantity(limit) * 85n) / (100n * mebibyte);
    const env = { GOGC: "100", [memoryLimit]: `${mebibytes > 0n ? mebibytes : 1n}MiB` };
    const others = ((container.env ?? []) as JsonObject[]).filter(
      ({ name }) => !(String(name) in env),
    );
    return {
      ...container,
      env: [...others, ...Object.entries(env).map(([name, value]) => ({ name, value }))],
    };
  });
}

/** Whether {@link goMemory} changed a workload, so that its policy is `edge`: no release sets that variable. */
export function hasGoMemory(object: KubernetesObject): boolean {
  return containers(object).some((container) =>
    ((container.env ?? []) as JsonObject[]).some(({ name }) => name === memoryLimit),
  );
}

/** Numbers of services for which idle memory was published. */
const published = [0, 100, 500, 1000];

/**
 * Idle memory in MiB at those numbers: Red Hat's measurements, openshift-docs
 * modules/serverless-minimal-requirements-serving.adoc. The Job's is what the reference set-up measured.
 */
const idleMebibytes: Record<string, number[]> = {
  "activator/activator": [55, 86, 300, 450],
  "autoscaler/autoscaler": [52, 102, 225, 350],
  "controller/controller": [100, 135, 310, 500],
  "webhook/webhook": [60, 60, 60, 60],
  ...kourierKind.idleMebibytes,
  "default-domain/default-domain": [7, 7, 7, 7],
};

/**
 * Idle memory of a container in MiB, between and beyond the published numbers of services along a straight line.
 * @returns undefined for a container that nothing was published about.
 */
export function idleMemory(container: ContainerRef, services: number): number | undefined {
  const known = overrideNames(container)
    .map((name) => idleMebibytes[name])
    .find((found) => found !== undefined);
  if (known === undefined) {
    return undefined;
  }
  const last = 1 + published.slice(1, -1).filter((count) => count < services).length;
  const [from, to] = [published[last - 1] ?? 0, published[last] ?? 0];
  const [low, high] = [known[last - 1] ?? 0, known[last] ?? 0];
  return low + ((high - low) * (services - from)) / (to - from);
}

/**
 * CPU requests a quarter of the release's, for they only share out what is contended and all must fit beside k0s.
 * CPU limits of at least a whole CPU: half of one doubles the time to start, and saves nothing. Memory requests at
 * the idle figures, so that no pod sits above its request and is the first to be evicted; limits two and a half
 * times that.
 */
function edgePolicy(services: number): ResourcePolicy {
  return (container, given) => {
    const memory = given.requests?.memory;
    const idle =
      idleMemory(container, services) ??
      (memory === undefined ? 0 : Number(parseQuantity(memory) / mebibyte) / 2);
    const request = upToMultiple(Math.max(idle, 32));
    return {
      ...given,
      requests: {
        ...given.requests,
        cpu: formatQuantity(quarter(parseQuantity(given.requests?.cpu ?? "40m")), "decimal"),
        memory: `${request}Mi`,
      },
      limits: {
        ...given.limits,
        cpu: largest("1", given.limits?.cpu ?? "0", given.requests?.cpu ?? "0"),
        memory: `${upToMultiple(Math.max(request * 2.5, 128))}Mi`,
      },
    };
  };
}

function withMetalLb(policy: ResourcePolicy, name: PolicyName): ResourcePolicy {
  return (container, given) => {
    if (container.namespace !== metalLbNamespace) {
      return policy(container, given);
    }
    const { requests, limits } = metalLbResources;
    const own =
      name === "guaranteed"
        ? { limits, requests: { ...requests, ...limits } }
        : { requests, limits };
    return Object.keys(given).length === 0 ? own : given;
  };
}

/** Requests equal to limits; what has no limit is limited to its request. */
function guaranteed(resources: Resources): Resources {
  const both: ResourceList = { ...resources.requests, ...resources.limits };
  return Object.keys(both).length === 0
    ? resources
    : { ...resources, requests: both, limits: both };
}

/** A quarter, in whole m and never 0. */
function quarter(amount: NanoUnits): NanoUnits {
  const step = parseQuantity("1m");
  const steps = amount / (4n * step);
  return steps === 0n ? step : steps * step;
}

/** The largest, of equal ones the last. */
function largest(...quantities: [string, ...string[]]): string {
  return quantities.reduce((a, b) => (parseQuantity(b) >= parseQuantity(a) ? b : a));
}

/** Up to the next multiple of 8, so that a service more seldom changes a Deployment. */
function upToMultiple(mebibytes: number): number {
  return Math.ceil(mebibytes / 8) * 8;
}
