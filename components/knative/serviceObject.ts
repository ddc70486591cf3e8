import { JsonObject } from "../../lib/json";
import { KubernetesObject } from "../cluster/kubernetesObject";
import { Resources } from "../../lib/resources";
import { AutoscalingSpec, ServiceSpec, TrafficTarget } from "./serviceSpec";

/** serving.knative.dev/v1 Service from a spec that {@link serviceProblems} finds nothing wrong with. */
export function knativeService(
  name: string,
  namespace: string,
  spec: ServiceSpec,
): KubernetesObject {
  return compact({
    apiVersion: "serving.knative.dev/v1",
    kind: "Service",
    metadata: compact({ name, namespace, labels: spec.labels, annotations: spec.annotations }),
    spec: compact({
      template: {
        metadata: compact({
          name: spec.revisionName,
          annotations: orUndefined(autoscalingAnnotations(spec.autoscaling ?? {})),
        }),
        spec: compact({
          containers: [container(spec)],
          containerConcurrency: spec.containerConcurrency,
          timeoutSeconds: spec.timeoutSeconds,
          serviceAccountName: spec.serviceAccountName,
        }),
      },
      traffic: spec.traffic?.map((target) => ({ ...target })),
    }),
  }) as unknown as KubernetesObject;
}

/** What a budget reads of a Service: {@link knativeService} the other way round. */
export interface ServiceDemand {
  revisionName?: string;
  /** Pods kept at all times; absent where Knative's own default holds. */
  minScale?: number;
  /** Of the service's own container. */
  resources: Resources;
  /** Empty where all requests go to the latest revision. */
  traffic: TrafficTarget[];
}

/** Reads a Service's object. */
export function serviceDemand({ spec }: KubernetesObject): ServiceDemand {
  const { template, traffic = [] } = spec as unknown as {
    template: {
      metadata: { name?: string; annotations?: Record<string, string> };
      spec: { containers: { resources?: Resources }[] };
    };
    traffic?: TrafficTarget[];
  };
  const minScale = template.metadata.annotations?.[`${autoscalingGroup}/min-scale`];
  return {
    revisionName: template.metadata.name,
    minScale: minScale === undefined ? undefined : Number(minScale),
    resources: template.spec.containers[0]?.resources ?? {},
    traffic,
  };
}

function container(spec: ServiceSpec): JsonObject {
  const env = Object.entries(spec.env ?? {}).map(([name, value]) => ({ name, value }));
  const port = compact({
    // The name is what tells Knative to speak HTTP/2 to the container.
    name: spec.protocol,
    containerPort: spec.port,
  });
  return compact({
    image: spec.image,
    env: env.length > 0 ? env : undefined,
    ports: Object.keys(port).length > 0 ? [port] : undefined,
    resources: orUndefined(compact({ requests: spec.requests, limits: spec.limits })),
  }) as JsonObject;
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

/** The object without fields that are undefined. */
function compact<Value extends object>(value: Value): Value {
  return Object.fromEntries(
    Object.entries(value).filter(([, field]) => field !== undefined),
  ) as Value;
}

function orUndefined<Value extends object>(value: Value): Value | undefined {
  return Object.keys(value).length > 0 ? value : undefined;
}
