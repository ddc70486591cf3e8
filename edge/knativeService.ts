/** A Knative Service, in the terms of serving.knative.dev/v1. What is left out is Knative's own default. */
export interface ServiceSpec {
  /** Container image. */
  image: string;
  /** Environment variables of the container. */
  env?: Record<string, string>;
  /** Port the container listens on. Knative's default: 8080. */
  port?: number;
  /** `http1` (default) or `h2c` (HTTP/2 without TLS, for gRPC). */
  protocol?: "http1" | "h2c";
  /** What the scheduler keeps free, as Kubernetes quantities: `{ cpu: "50m", memory: "32Mi" }`. */
  requests?: Record<string, string>;
  /** What the container may use at most, as Kubernetes quantities. */
  limits?: Record<string, string>;
  /** Requests one pod serves at a time; 0 is no limit. */
  containerConcurrency?: number;
  /** How the revision scales. */
  autoscaling?: AutoscalingSpec;
  /** Name of the revision; must start with `<service>-`, and must change with whatever changes the template. */
  revisionName?: string;
  /** Which revisions answer. Must add to 100 percent. Knative's default: all to the latest ready revision. */
  traffic?: TrafficTarget[];
  /** How long a request may take, in seconds. Knative's default: 300. */
  timeoutSeconds?: number;
  /** ServiceAccount of the pods, in the service's namespace. */
  serviceAccountName?: string;
  /** Labels of the Service object. */
  labels?: Record<string, string>;
  /** Annotations of the Service object. */
  annotations?: Record<string, string>;
}

/** The annotations of autoscaling.knative.dev on the revision template. */
export interface AutoscalingSpec {
  /** `kpa` (Knative's, scales to zero; default) or `hpa` (Kubernetes', by CPU or memory; needs serving-hpa.yaml). */
  class?: "kpa" | "hpa";
  /** `concurrency` or `rps` with kpa, `cpu` or `memory` with hpa. */
  metric?: "concurrency" | "rps" | "cpu" | "memory";
  /** Wanted value of the metric per pod. */
  target?: number;
  /** Pods kept at all times. */
  minScale?: number;
  /** Pods at most; 0 is no limit. */
  maxScale?: number;
  /** Time over which the metric is averaged, `6s` to `1h`. */
  window?: string;
  /** Least time that the last pod stays after traffic stops: `0s` to `1h`. */
  retention?: string;
}

/** A share of a service's traffic. Either `revisionName` or `latestRevision: true`. */
export interface TrafficTarget {
  revisionName?: string;
  latestRevision?: boolean;
  /** Share of the requests, 0 to 100. */
  percent?: number;
  /** Gives this target a URL of its own: `<tag>-<service>...`. */
  tag?: string;
}
