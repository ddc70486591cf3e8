import { posix } from "node:path";
import { isImageName } from "../../../lib/imageNames";
import { isDns1123Label } from "../../cluster/kubernetesNames";
import { Check } from "../../../lib/check";
import { isRecord } from "../../../lib/json";
import { asResourceList, resourceErrors } from "../../../lib/resources";
import { isClusterLocal } from "./configuredService";
import {
  ServiceEntry,
  visibilityLabel,
  AutoscalingSpec,
  TrafficTarget,
  variableProblem,
} from "./serviceSpec";

/**
 * Checks a service as the user wrote it.
 * @param check Takes the problems; its key is the service's.
 * @param name The service's name.
 * @param value What stands in the configuration, of whatever shape.
 */
export function checkService(check: Check, name: string, value: unknown): void {
  if (!isRecord(value)) {
    check.add("", `a mapping with image or from was expected, not ${JSON.stringify(value)}.`);
    return;
  }
  if (!dnsLabel.test(name) || name.length > 63) {
    check.add(
      "",
      `"${name}" cannot be a service's name; take up to 63 lower-case letters, digits and dashes.`,
    );
  }
  check.knownFields("", value, serviceFields);
  checkSource(check, value);
  checkFiles(check, value.files);
  checkContainer(check, value);
  checkScaling(check, value.autoscaling);
  checkRevision(check, name, value);
  checkTraffic(check, name, value);
  check.wholeNumber("timeoutSeconds", value.timeoutSeconds, 1, 600);
  check.wholeNumber("readyTimeoutSeconds", value.readyTimeoutSeconds, 10, 7200);
  check.wholeNumber("containerConcurrency", value.containerConcurrency, 0, 1000);
  check.filledText("serviceAccountName", value.serviceAccountName);
  checkMetadata(check, value);
  checkProbe(check, value);
}

const serviceFields = [
  "from",
  "namespace",
  "domains",
  "files",
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
] as const satisfies (keyof ServiceEntry)[];

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
export const reservedVariables = ["PORT", "K_SERVICE", "K_CONFIGURATION", "K_REVISION"];

const reservedPorts = [8008, 8012, 8013, 8022, 9090, 9091];

/** Namespaces that belong to what this program installs, and to Kubernetes itself. */
const takenNamespaces = /^(kube-.*|k0s-.*|knative-serving|kourier-system|metallb-system)$/;

/** Whether a namespace is the system's, so that no service goes there. */
export function isTakenNamespace(name: string): boolean {
  return takenNamespaces.test(name);
}

/** Most bytes in a ConfigMap, and in a Secret: MaxSecretSize in k8s.io/kubernetes/pkg/apis/core/types.go. */
export const mostBytes = 1024 * 1024;

/** Whether a text is the absolute path of a file. */
export function isFilePath(text: string): boolean {
  return posix.isAbsolute(text) && posix.normalize(text) === text && !text.endsWith("/");
}

function checkFiles(check: Check, files: unknown): void {
  if (!check.texts("files", files) || !isRecord(files)) {
    return;
  }
  for (const file of Object.keys(files).filter((path) => !isFilePath(path))) {
    check.add(
      `files.${file}`,
      "is no absolute path of a file; write it like /etc/app/config.json.",
    );
  }
  const bytes = Object.values(files).map((text) => Buffer.byteLength(String(text)));
  if (bytes.reduce((total, size) => total + size, 0) > mostBytes) {
    check.add("files", "are larger than a Kubernetes ConfigMap, which holds 1 MiB.");
  }
}

function checkSource(check: Check, { from, namespace }: Record<string, unknown>): void {
  check.filledText("from", from);
  if (namespace === undefined) {
    return;
  }
  if (typeof namespace !== "string" || !isDns1123Label(namespace)) {
    check.add(
      "namespace",
      `${JSON.stringify(namespace)} cannot be a namespace; take up to 63 lower-case letters, digits and dashes.`,
    );
  } else if (isTakenNamespace(namespace)) {
    check.add("namespace", `"${namespace}" is the system's; take a namespace of your own.`);
  }
}

function checkContainer(check: Check, value: Record<string, unknown>): void {
  const isInFile = value.from !== undefined && value.image === undefined;
  if (!isInFile && (typeof value.image !== "string" || !isImageName(value.image))) {
    check.add(
      "image",
      "a container image was expected, such as ghcr.io/knative/helloworld-go:latest.",
    );
  }
  if (check.texts("env", value.env)) {
    for (const name of Object.keys((value.env ?? {}) as object).filter(
      (text) => !isVariableName(text),
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
  check.wholeNumber("port", value.port, 1, 65535);
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

/** Whether a container's environment can have a variable of that name. */
export function isVariableName(name: string): boolean {
  return /^[A-Za-z_][\w.-]*$/.test(name);
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
  } else if (isRecord(labels) && isClusterLocal(labels as Record<string, string>)) {
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
  check.wholeNumber("autoscaling.minScale", scaling.minScale, 0, 1000);
  check.wholeNumber("autoscaling.maxScale", scaling.maxScale, 0, 1000);
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
  check.filledText(`${path}.revisionName`, target.revisionName);
  check.wholeNumber(`${path}.percent`, target.percent, 0, 100);
  if (target.tag !== undefined && !(typeof target.tag === "string" && dnsLabel.test(target.tag))) {
    check.add(
      `${path}.tag`,
      `${JSON.stringify(target.tag)} cannot be a tag; take lower-case letters, digits and dashes.`,
    );
  }
  return target as TrafficTarget;
}
