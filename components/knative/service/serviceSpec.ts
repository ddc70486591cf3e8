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
  /** Which revisions answer. The percents must add to 100. Knative's default: all to the latest ready revision. */
  traffic?: TrafficTarget[];
  /** How long a request may take, in seconds. Knative's default: 300. */
  timeoutSeconds?: number;
  /** How long the service may take to become Ready, its image pulled, in seconds. Defaults to 600. */
  readyTimeoutSeconds?: number;
  /** ServiceAccount of the pods, in the service's namespace. */
  serviceAccountName?: string;
  /** Labels of the Service object. */
  labels?: Record<string, string>;
  /** Annotations of the Service object. */
  annotations?: Record<string, string>;
  /**
   * Path that the machine running Pulumi asks for at the end; `false` asks nothing. Defaults to `/`. A service for the
   * cluster alone (label `networking.knative.dev/visibility: cluster-local`) is never asked, for it does not answer
   * outside.
   */
  probe?: string | false;
}

/** Where a service of the stack comes from, and where it goes. The fields of {@link ServiceSpec} stand over its file. */
export interface ServiceSource {
  /**
   * File with a Knative Service (`serving.knative.dev/v1`), as `kubectl apply` and `kn service apply` take it, or with a
   * Score workload (`score.dev/v1b1`). Its path begins at the folder of the stack's file. Without it, `image` is required.
   */
  from?: string;
  /**
   * Namespace of the Service. It is made if it is not there, and stays when no service is in it any more. Defaults to the
   * one in the file, or `default`.
   */
  namespace?: string;
  /**
   * Files of the container that answers requests, by absolute path. They are read-only, and everybody may see them: secret ones
   * stand in `serviceSecrets`.
   */
  files?: Record<string, string>;
  /**
   * Further domains at which the service answers, such as `api.example.com`. DNS must have each as the load balancer's
   * address: the output `domains` has the records.
   */
  domains?: string[];
}

/** A service as it stands in a stack's file. */
export type ServiceEntry = Partial<ServiceSpec> & ServiceSource;

/** The label that, with `cluster-local`, keeps a service from answering outside of its cluster. */
export const visibilityLabel = "networking.knative.dev/visibility";

/** The annotations of autoscaling.knative.dev on the revision template. */
export interface AutoscalingSpec {
  /** Knative's own autoscaler, which scales to zero: the only one that is installed, and the default. */
  class?: "kpa";
  /** Requests in flight (default) or per second. */
  metric?: "concurrency" | "rps";
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
  /** A revision by its name. */
  revisionName?: string;
  /** `true` stands for the latest ready revision. */
  latestRevision?: boolean;
  /** Share of the requests, 0 to 100. */
  percent?: number;
  /** Gives this target a URL of its own: `<tag>-<service>...`. */
  tag?: string;
}

/**
 * Whether services' URLs are `http://<service>.<namespace>.<domain>`: Knative's settings of domains and of networking,
 * where the user changes them, can make them others.
 */
export function hasPlainUrls({ configMaps }: { configMaps: Record<string, unknown> }): boolean {
  return !("config-domain" in configMaps) && !("config-network" in configMaps);
}

/** Most bytes of `NAME=value` with its end: MAX_ARG_STRLEN of Linux (include/uapi/linux/binfmts.h), 32 pages. */
const mostVariableBytes = 32 * 4096;

/** What keeps a text from being a variable's value for a process of Linux. */
export function variableProblem(name: string, value: string): string | undefined {
  if (value.includes("\0")) {
    return "has the character NUL, where Linux ends a variable; take it out.";
  }
  // Half of a surrogate pair is no character, and UTF-8 has no bytes for it.
  if (Buffer.from(value, "utf8").toString("utf8") !== value) {
    return "is not a text of whole Unicode characters; correct it.";
  }
  const bytes = Buffer.byteLength(`${name}=${value}`) + 1;
  return bytes > mostVariableBytes
    ? `has ${bytes} bytes with its name, and Linux starts no program with more than ${mostVariableBytes}; use a file.`
    : undefined;
}
