import { JsonObject } from "../../../lib/json";
import { KubernetesObject } from "../../cluster/kubernetesObject";
import { AutoscalingSpec, ServiceSpec } from "./serviceSpec";

/** A container of a Service, as far as this program reads it. */
export interface ServiceContainer {
  image?: string;
  name?: string;
  env?: { name: string }[];
  ports?: object[];
  resources?: { requests?: Record<string, string>; limits?: Record<string, string> };
}

/** serving.knative.dev/v1 Service from a spec that {@link checkService} finds nothing wrong with. */
export function knativeService(
  name: string,
  namespace: string,
  spec: ServiceSpec,
): KubernetesObject {
  const bare = {
    apiVersion: "serving.knative.dev/v1",
    kind: "Service",
    metadata: { name, namespace },
    spec: { template: { spec: { containers: [{}] } } },
  };
  return withSpec(bare, spec);
}

/**
 * A Service with a spec over it. Mappings are put together key by key, environment variables by name; all else of the spec
 * stands in the place of what the Service has. What concerns a container concerns the one that answers requests.
 */
export function withSpec(object: KubernetesObject, spec: Partial<ServiceSpec>): KubernetesObject {
  const { metadata, spec: own = {} } = object;
  const { metadata: above = {}, spec: pod = {} } = (own.template ?? {}) as {
    metadata?: { name?: string; annotations?: Record<string, string> };
    spec?: JsonObject;
  };
  const autoscaling = autoscalingAnnotations(spec.autoscaling ?? {});
  return compact({
    ...object,
    metadata: compact({
      ...metadata,
      labels: merged(metadata.labels, spec.labels),
      annotations: merged(metadata.annotations, spec.annotations),
    }),
    spec: compact({
      ...own,
      template: {
        metadata: compact({
          ...above,
          name: spec.revisionName ?? above.name,
          annotations: merged(above.annotations, autoscaling),
        }),
        spec: compact({
          ...pod,
          containers: withContainerSpec((pod.containers ?? []) as ServiceContainer[], spec),
          containerConcurrency: spec.containerConcurrency ?? pod.containerConcurrency,
          timeoutSeconds: spec.timeoutSeconds ?? pod.timeoutSeconds,
          serviceAccountName: spec.serviceAccountName ?? pod.serviceAccountName,
        }),
      },
      traffic: spec.traffic?.map((target) => ({ ...target })) ?? own.traffic,
    }),
  }) as unknown as KubernetesObject;
}

/**
 * Which of a Service's containers answers requests: the one with a port, or the only one. -1 where there is none, which
 * Knative does not admit.
 */
export function answeringContainer(containers: ServiceContainer[]): number {
  return containers.length === 1 ? 0 : containers.findIndex(({ ports = [] }) => ports.length > 0);
}

/** The containers that run together in a Service's pods, and those that run before them. */
export function serviceContainers({ spec }: { spec?: object }): {
  containers: ServiceContainer[];
  initContainers: ServiceContainer[];
} {
  const { template } = (spec ?? {}) as {
    template?: { spec?: { containers?: ServiceContainer[]; initContainers?: ServiceContainer[] } };
  };
  const { containers = [], initContainers = [] } = template?.spec ?? {};
  return { containers, initContainers };
}

function withContainerSpec(containers: ServiceContainer[], spec: Partial<ServiceSpec>) {
  const answering = answeringContainer(containers);
  return containers.map((container, index) =>
    index === answering ? withFields(container, spec) : container,
  );
}

function withFields(container: ServiceContainer, spec: Partial<ServiceSpec>): ServiceContainer {
  const { env = [], ports = [], resources = {} } = container;
  const given = Object.entries(spec.env ?? {}).map(([name, value]) => ({ name, value }));
  const variables = [...env.filter(({ name }) => !(name in (spec.env ?? {}))), ...given];
  const port = compact({
    ...ports[0],
    // The name is what tells Knative to speak HTTP/2 to the container.
    ...(spec.protocol && { name: spec.protocol }),
    ...(spec.port && { containerPort: spec.port }),
  });
  return compact({
    ...container,
    image: spec.image ?? container.image,
    env: variables.length > 0 ? variables : container.env,
    ports: Object.keys(port).length > 0 ? [port, ...ports.slice(1)] : container.ports,
    resources: orUndefined(
      compact({
        ...resources,
        requests: merged(resources.requests, spec.requests),
        limits: merged(resources.limits, spec.limits),
      }),
    ),
  });
}

const autoscalingGroup = "autoscaling.knative.dev";

/** Annotation names as in knative.dev/serving's pkg/apis/autoscaling/register.go. */
function autoscalingAnnotations(spec: AutoscalingSpec): Record<string, string> {
  const values = {
    class: spec.class && `${spec.class}.${autoscalingGroup}`,
    metric: spec.metric,
    target: spec.target,
    "min-scale": spec.minScale,
    "max-scale": spec.maxScale,
    window: spec.window,
    "scale-to-zero-pod-retention-period": spec.retention,
  };
  return Object.fromEntries(
    Object.entries(values)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [`${autoscalingGroup}/${name}`, String(value)]),
  );
}

/** Two mappings in one, the second over the first; undefined where both are empty. */
function merged<Value>(
  below: Record<string, Value> = {},
  over: Record<string, Value> = {},
): Record<string, Value> | undefined {
  return orUndefined({ ...below, ...over });
}

/** The object without fields that are undefined. */
function compact<Value extends object>(value: Value): Value {
  return Object.fromEntries(
    Object.entries(value).filter(([, field]) => field !== undefined),
  ) as Value;
}

function orUndefined<Value extends object>(value: Value): Value | undefined {
  return Object.keys(value).length > 0 ? value : undefined;
}
