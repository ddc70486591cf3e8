import { isImageName } from "./images";
import { isRecord, JsonObject } from "./json";
import { KubernetesObject } from "./manifests";
import { suggestion } from "./nearest";
import { Problem } from "./problem";
import { asResourceList, resourceErrors } from "./resources";

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
   * cluster alone (label {@link visibilityLabel}) is never asked, for it does not answer outside.
   */
  probe?: string | false;
}

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
  revisionName?: string;
  latestRevision?: boolean;
  /** Share of the requests, 0 to 100. */
  percent?: number;
  /** Gives this target a URL of its own: `<tag>-<service>...`. */
  tag?: string;
}

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

/**
 * Whether services' URLs are `http://<service>.<namespace>.<domain>`: Knative's settings of domains and of networking,
 * where the user changes them, can make them others.
 */
export function hasPlainUrls({ configMaps }: { configMaps: Record<string, unknown> }): boolean {
  return !("config-domain" in configMaps) && !("config-network" in configMaps);
}

/** The domain of a service's URL: the stack's, or the cluster's own for a service that only the cluster reaches. */
export function urlDomain<Domain>(spec: ServiceSpec, domain: Domain): Domain | string {
  return isClusterLocal(spec) ? "svc.cluster.local" : domain;
}

/** The path at which a service is asked from outside; undefined where it is not. */
export function probePath(spec: ServiceSpec): string | undefined {
  return spec.probe === false || isClusterLocal(spec) ? undefined : (spec.probe ?? "/");
}

function isClusterLocal({ labels }: ServiceSpec): boolean {
  return labels?.[visibilityLabel] === "cluster-local";
}

/**
 * Everything that is wrong with a service as the user wrote it.
 * @param name The service's name.
 * @param value What stands in the configuration, of whatever shape.
 * @param key Configuration key that the problems' keys start with.
 */
export function serviceProblems(name: string, value: unknown, key: string): Problem[] {
  const check = new Check(key);
  if (!isRecord(value)) {
    check.add("", `a mapping with an image was expected, not ${JSON.stringify(value)}.`);
    return check.problems;
  }
  if (!dnsLabel.test(name) || name.length > 63) {
    check.add(
      "",
      `"${name}" cannot be a service's name; take up to 63 lower-case letters, digits and dashes.`,
    );
  }
  check.knownFields("", value, serviceFields);
  checkContainer(check, value);
  checkScaling(check, value.autoscaling);
  checkRevision(check, name, value);
  checkTraffic(check, name, value);
  check.integer("timeoutSeconds", value.timeoutSeconds, 1, 600);
  check.integer("readyTimeoutSeconds", value.readyTimeoutSeconds, 10, 7200);
  check.integer("containerConcurrency", value.containerConcurrency, 0, 1000);
  check.text("serviceAccountName", value.serviceAccountName);
  checkMetadata(check, value);
  checkProbe(check, value);
  return check.problems;
}

const serviceFields = [
  "image",
  "env",
  "port",
  "protocol",
  "requests",
  "limits",
  "containerConcurrency",
  "autoscaling",
  "revisionName",
  "traffic",
  "timeoutSeconds",
  "readyTimeoutSeconds",
  "serviceAccountName",
  "labels",
  "annotations",
  "probe",
] as const satisfies (keyof ServiceSpec)[];
const autoscalingFields = [
  "class",
  "metric",
  "target",
  "minScale",
  "maxScale",
  "window",
  "retention",
] as const satisfies (keyof AutoscalingSpec)[];
const trafficFields = [
  "revisionName",
  "latestRevision",
  "percent",
  "tag",
] as const satisfies (keyof TrafficTarget)[];

const dnsLabel = /^[a-z]([a-z0-9-]*[a-z0-9])?$/;
/** The form of a label's value, and of its key's last part. */
const labelText = /^[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?$/;
/** What Knative's webhook refuses: reservedEnvVars and reservedPorts in serving's pkg/apis/serving/k8s_validation.go. */
const reservedVariables = ["PORT", "K_SERVICE", "K_CONFIGURATION", "K_REVISION"];
const reservedPorts = [8008, 8012, 8013, 8022, 9090, 9091];

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

/** Annotation names as in knative.dev/serving's pkg/apis/autoscaling/register.go. */
function autoscalingAnnotations(spec: AutoscalingSpec): Record<string, string> {
  const values = {
    class: spec.class && `${spec.class}.autoscaling.knative.dev`,
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
      .map(([name, value]) => [`autoscaling.knative.dev/${name}`, String(value)]),
  );
}

/** Collects problems below one key. */
class Check {
  public readonly problems: Problem[] = [];

  constructor(private readonly key: string) {}

  public add(path: string, message: string): void {
    this.problems.push({ key: path === "" ? this.key : `${this.key}.${path}`, message });
  }

  public knownFields(path: string, value: Record<string, unknown>, known: readonly string[]): void {
    for (const field of Object.keys(value).filter((name) => !known.includes(name))) {
      this.add(
        path === "" ? field : `${path}.${field}`,
        `there is no such field; ${suggestion(field, known)}`,
      );
    }
  }

  public integer(path: string, value: unknown, least: number, most: number): void {
    if (
      value !== undefined &&
      !(Number.isInteger(value) && Number(value) >= least && Number(value) <= most)
    ) {
      this.add(path, `${JSON.stringify(value)} is not a whole number from ${least} to ${most}.`);
    }
  }

  public text(path: string, value: unknown): void {
    if (value !== undefined && (typeof value !== "string" || value === "")) {
      this.add(path, `${JSON.stringify(value)} is not a text; put it in quotes.`);
    }
  }

  public texts(path: string, value: unknown): boolean {
    if (value === undefined) {
      return true;
    }
    if (!isRecord(value)) {
      this.add(path, "a mapping of names to texts was expected.");
      return false;
    }
    const wrong = Object.entries(value).filter(([, text]) => typeof text !== "string");
    for (const [name] of wrong) {
      this.add(`${path}.${name}`, "a text was expected; put the value in quotes.");
    }
    return wrong.length === 0;
  }

  public oneOf(path: string, value: unknown, known: readonly string[]): void {
    if (value !== undefined && !known.includes(value as string)) {
      this.add(path, `${JSON.stringify(value)} is none of ${known.join(", ")}.`);
    }
  }

  public duration(path: string, value: unknown, least: number): void {
    const seconds = typeof value === "string" ? durationSeconds(value) : undefined;
    if (value !== undefined && (seconds === undefined || seconds < least || seconds > 3600)) {
      this.add(
        path,
        `${JSON.stringify(value)} is no duration from ${least}s to 1h; write it like 30s, 5m or 1m30s.`,
      );
    }
  }
}

function checkContainer(check: Check, value: Record<string, unknown>): void {
  if (typeof value.image !== "string" || !isImageName(value.image)) {
    check.add(
      "image",
      "a container image was expected, such as ghcr.io/knative/helloworld-go:latest.",
    );
  }
  if (check.texts("env", value.env)) {
    for (const name of Object.keys((value.env ?? {}) as object).filter(
      (text) => !/^[A-Za-z_][\w.-]*$/.test(text),
    )) {
      check.add(
        `env.${name}`,
        "this cannot be an environment variable's name; take letters, digits and underscores.",
      );
    }
  }
  for (const [name, text] of Object.entries(isRecord(value.env) ? value.env : {})) {
    const problem = typeof text === "string" ? variableProblem(name, text) : undefined;
    if (problem !== undefined) {
      check.add(`env.${name}`, problem);
    }
  }
  for (const name of reservedVariables.filter((text) => isRecord(value.env) && text in value.env)) {
    const instead = name === "PORT" ? "set port" : "take another name";
    check.add(`env.${name}`, `Knative itself sets this variable; ${instead}.`);
  }
  check.integer("port", value.port, 1, 65535);
  if (reservedPorts.includes(value.port as number)) {
    check.add(
      "port",
      `${value.port} is reserved for Knative's own container in every pod, as are ${reservedPorts.join(", ")}; take another.`,
    );
  }
  check.oneOf("protocol", value.protocol, ["http1", "h2c"]);
  const lists = ["requests", "limits"].filter((list) => value[list] !== undefined);
  for (const list of lists.filter((name) => asResourceList(value[name]) === undefined)) {
    check.add(list, 'a mapping with quantities was expected, such as {cpu: "50m"}.');
  }
  const resources = Object.fromEntries(lists.map((list) => [list, asResourceList(value[list])]));
  for (const message of resourceErrors(resources)) {
    check.add("", message);
  }
}

/** Most bytes of `NAME=value` with its end: MAX_ARG_STRLEN of Linux (include/uapi/linux/binfmts.h), 32 pages. */
const mostVariableBytes = 32 * 4096;

/** What keeps a text from being a variable's value for a process of Linux. */
function variableProblem(name: string, value: string): string | undefined {
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

function checkMetadata(check: Check, { labels, annotations }: Record<string, unknown>): void {
  for (const [path, texts] of Object.entries({ labels, annotations })) {
    check.texts(path, texts);
    for (const key of Object.keys(isRecord(texts) ? texts : {}).filter((key) => !isLabelKey(key))) {
      check.add(
        `${path}.${key}`,
        "this cannot be a key; write up to 63 letters, digits, -, _ and ., after a domain and / if need be: example.com/team.",
      );
    }
  }
  for (const [key, text] of Object.entries(isRecord(labels) ? labels : {})) {
    if (key === visibilityLabel && text !== "cluster-local") {
      check.add(
        `labels.${key}`,
        `${JSON.stringify(text)} is not cluster-local; write that, or leave it out.`,
      );
    } else if (typeof text === "string" && text !== "" && !labelText.test(text)) {
      check.add(
        `labels.${key}`,
        `"${text}" cannot be a label's value; take up to 63 letters, digits, -, _ and ., the first and last a letter or digit.`,
      );
    }
  }
}

/** True for `name` and `<domain>/name`, as Kubernetes wants the keys of labels and annotations. */
function isLabelKey(key: string): boolean {
  const [name = "", domain, ...others] = key.split("/").reverse();
  const isDomain =
    domain === undefined ||
    (domain.length <= 253 &&
      domain.split(".").every((label) => /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(label)));
  return labelText.test(name) && isDomain && others.length === 0;
}

function checkProbe(check: Check, value: Record<string, unknown>): void {
  const { probe, labels } = value;
  if (probe === undefined || probe === false) {
    return;
  }
  if (typeof probe !== "string" || !/^\/[!-~]*$/.test(probe)) {
    check.add("probe", `${JSON.stringify(probe)} is neither a path, such as /healthz, nor false.`);
  } else if (isClusterLocal({ labels } as ServiceSpec)) {
    check.add(
      "probe",
      `does nothing with the label ${visibilityLabel}: cluster-local; unset one of them.`,
    );
  }
}

function checkScaling(check: Check, scaling: unknown): void {
  if (scaling === undefined) {
    return;
  }
  if (!isRecord(scaling)) {
    check.add(
      "autoscaling",
      `a mapping was expected, with some of ${autoscalingFields.join(", ")}.`,
    );
    return;
  }
  check.knownFields("autoscaling", scaling, autoscalingFields);
  if (scaling.class === "hpa") {
    check.add(
      "autoscaling.class",
      '"hpa" needs serving-hpa.yaml, which this program does not install; take kpa, or leave it out.',
    );
  } else {
    check.oneOf("autoscaling.class", scaling.class, ["kpa"]);
  }
  check.oneOf("autoscaling.metric", scaling.metric, ["concurrency", "rps"]);
  if (
    scaling.target !== undefined &&
    !(typeof scaling.target === "number" && scaling.target >= 0.01)
  ) {
    check.add(
      "autoscaling.target",
      `${JSON.stringify(scaling.target)} is not a number of 0.01 or more.`,
    );
  }
  check.integer("autoscaling.minScale", scaling.minScale, 0, 1000);
  check.integer("autoscaling.maxScale", scaling.maxScale, 0, 1000);
  if (Number(scaling.maxScale) > 0 && Number(scaling.minScale) > Number(scaling.maxScale)) {
    check.add(
      "autoscaling.minScale",
      `${scaling.minScale} is above maxScale ${scaling.maxScale}; lower it.`,
    );
  }
  check.duration("autoscaling.window", scaling.window, 6);
  check.duration("autoscaling.retention", scaling.retention, 0);
}

function checkRevision(
  check: Check,
  service: string,
  { revisionName }: Record<string, unknown>,
): void {
  if (revisionName === undefined) {
    return;
  }
  const valid =
    typeof revisionName === "string" && dnsLabel.test(revisionName) && revisionName.length <= 63;
  if (!valid || !revisionName.startsWith(`${service}-`)) {
    check.add(
      "revisionName",
      `${JSON.stringify(revisionName)} cannot be a revision's name; write it like ${service}-v1.`,
    );
  }
}

function checkTraffic(check: Check, service: string, { traffic }: Record<string, unknown>): void {
  if (traffic === undefined) {
    return;
  }
  if (!Array.isArray(traffic) || traffic.length === 0) {
    check.add(
      "traffic",
      `a list of targets was expected, such as {revisionName: ${service}-v1, percent: 100}.`,
    );
    return;
  }
  const targets = traffic.map((target: unknown, index) =>
    checkTarget(check, `traffic[${index}]`, target),
  );
  const percents = targets.map(({ percent = 0 }) => percent);
  const sum = percents.reduce((total, percent) => total + percent, 0);
  // A percent that is a text is told where it stands, and adds to nothing.
  if (percents.every(Number.isInteger) && sum !== 100) {
    check.add("traffic", `the percents add to ${sum}; make them add to 100.`);
  }
  const tags = targets.map(({ tag }) => tag).filter((tag) => tag !== undefined);
  if (new Set(tags).size < tags.length) {
    check.add("traffic", "two targets have the same tag; give each its own.");
  }
}

function checkTarget(check: Check, path: string, target: unknown): TrafficTarget {
  if (!isRecord(target)) {
    check.add(path, `a mapping was expected, with some of ${trafficFields.join(", ")}.`);
    return {};
  }
  check.knownFields(path, target, trafficFields);
  if ((target.revisionName === undefined) === (target.latestRevision !== true)) {
    check.add(
      path,
      "exactly one of revisionName and latestRevision: true must say where requests go.",
    );
  }
  check.text(`${path}.revisionName`, target.revisionName);
  check.integer(`${path}.percent`, target.percent, 0, 100);
  if (target.tag !== undefined && !(typeof target.tag === "string" && dnsLabel.test(target.tag))) {
    check.add(
      `${path}.tag`,
      `${JSON.stringify(target.tag)} cannot be a tag; take lower-case letters, digits and dashes.`,
    );
  }
  return target as TrafficTarget;
}

/** Seconds of a Go duration of hours, minutes and seconds; undefined for anything else. */
function durationSeconds(text: string): number | undefined {
  const [matched, hours, minutes, seconds] = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text) ?? [];
  return matched
    ? Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60 + Number(seconds ?? 0)
    : undefined;
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
