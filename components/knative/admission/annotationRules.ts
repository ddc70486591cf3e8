/**
 * Knative's rules for annotations: pkg/apis/autoscaling/annotation_validation.go, pkg/apis/serving/metadata_validation.go and
 * pkg/apis/serving/v1/revision_validation.go in knative.dev/serving, and pkg/apis/networking/metadata_validation.go in
 * knative.dev/networking.
 */
import { goDuration, goInteger, goNumber, isWholeSeconds } from "./goValues";
import { parseQuantity } from "../../../lib/quantity";
import { Findings } from "./findings";
import { join } from "./schema";

type Annotations = Record<string, string>;

const autoscalingGroup = "autoscaling.knative.dev";
const kpa = `kpa.${autoscalingGroup}`;
const hpa = `hpa.${autoscalingGroup}`;
const longestWindow = 3600;
const largestInt32 = 2 ** 31 - 1;

/** Annotations of a Service itself. */
export function checkServiceAnnotations(
  findings: Findings,
  path: string,
  annotations: Annotations,
): void {
  for (const key of Object.keys(annotations).filter((each) => each.startsWith(autoscalingGroup))) {
    findings.add(
      join(path, key),
      "has no effect on the Service; write it into spec.template.metadata.annotations.",
    );
  }
  const rollout = get(annotations, "serving.knative.dev/", "rollout-duration", "rolloutDuration");
  checkDuration(findings, path, rollout, { optional: true, inWholeSeconds: true });
}

/** Annotations of a Service's template. */
export function checkTemplateAnnotations(
  findings: Findings,
  path: string,
  annotations: Annotations,
): void {
  checkClass(findings, path, annotations);
  checkScales(findings, path, annotations);
  checkActivationScale(findings, path, annotations);
  checkInitialScale(findings, path, annotations);
  checkNumbers(findings, path, annotations);
  checkWindows(findings, path, annotations);
  checkNetworking(findings, path, annotations);
  checkQueueProxy(findings, path, annotations);
  checkDuration(findings, path, get(annotations, "serving.knative.dev/", "progress-deadline"), {
    optional: true,
    inWholeSeconds: true,
  });
}

/** An annotation that is there. */
interface Annotation {
  key: string;
  value: string;
}

/** The first of an annotation's names that is there; older names are written in camel case. */
function get(annotations: Annotations, group: string, ...names: string[]): Annotation | undefined {
  const key = names.map((name) => `${group}${name}`).find((each) => each in annotations);
  return key === undefined ? undefined : { key, value: annotations[key] ?? "" };
}

function scaling(annotations: Annotations, name: string): Annotation | undefined {
  const older = name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  return get(annotations, `${autoscalingGroup}/`, name, older);
}

function checkClass(findings: Findings, path: string, annotations: Annotations): void {
  const given = get(annotations, `${autoscalingGroup}/`, "class");
  if (given?.value.endsWith(".knative.dev") && ![kpa, hpa].includes(given.value)) {
    findings.add(join(path, given.key), `"${given.value}" is neither ${kpa} nor ${hpa}.`);
  }
  const metric = get(annotations, `${autoscalingGroup}/`, "metric");
  const inForce = given?.value ?? findings.settings.podAutoscalerClass;
  const known = inForce === kpa ? ["concurrency", "rps"] : undefined;
  if (metric !== undefined && known !== undefined && !known.includes(metric.value)) {
    findings.add(join(path, metric.key), `"${metric.value}" is none of ${known.join(", ")}.`);
  }
  if (metric?.value === "" && inForce === hpa) {
    findings.add(join(path, metric.key), "is empty; write a metric, such as cpu.");
  }
  const algorithm = scaling(annotations, "metric-aggregation-algorithm");
  const algorithms = ["", "linear", "weighted-exponential", "weightedExponential"];
  if (algorithm !== undefined && given?.value === kpa && !algorithms.includes(algorithm.value)) {
    findings.add(
      join(path, algorithm.key),
      `"${algorithm.value}" is neither linear nor weighted-exponential.`,
    );
  }
}

/** A number of pods; 0 where none is given, or none that can be read. */
function scale(findings: Findings, path: string, given: Annotation | undefined): number {
  const value = given === undefined ? 0 : goInteger(given.value, 32);
  if (given !== undefined && (value === undefined || value < 0)) {
    findings.add(
      join(path, given.key),
      `"${given.value}" is not a whole number from 0 to ${largestInt32}.`,
    );
  }
  return Math.max(value ?? 0, 0);
}

function checkScales(findings: Findings, path: string, annotations: Annotations): void {
  const [least, most] = [scaling(annotations, "min-scale"), scaling(annotations, "max-scale")];
  const [min, max] = [scale(findings, path, least), scale(findings, path, most)];
  if (least !== undefined && max !== 0 && max < min) {
    findings.add(join(path, least.key), `is ${min}, above max-scale ${max}; lower it.`);
  }
  const limit = findings.settings.maxScaleLimit;
  if (most !== undefined && limit !== 0 && (max > limit || max === 0)) {
    findings.add(
      join(path, most.key),
      `is ${max}${max === 0 ? " (no limit)" : ""}, and max-scale-limit of config-autoscaler is ${limit}; ` +
        `take 1 to ${limit}.`,
    );
  }
}

function checkActivationScale(findings: Findings, path: string, annotations: Annotations): void {
  const given = get(annotations, `${autoscalingGroup}/`, "activation-scale");
  if (given === undefined) {
    return;
  }
  const silent = new Findings({});
  const min = scale(silent, path, scaling(annotations, "min-scale"));
  const max = scale(silent, path, scaling(annotations, "max-scale"));
  const value = goInteger(given.value, 32);
  const most = max === 0 ? largestInt32 : max;
  const least = Math.max(min, 2);
  if (value === undefined || value < least || value > most) {
    findings.add(
      join(path, given.key),
      `"${given.value}" is not a whole number from ${least} (at least 2, and min-scale) to ${most}` +
        `${max === 0 ? "" : " (max-scale)"}.`,
    );
  }
}

function checkInitialScale(findings: Findings, path: string, annotations: Annotations): void {
  const given = scaling(annotations, "initial-scale");
  const value = given === undefined ? undefined : goInteger(given.value, 64);
  if (given === undefined) {
    return;
  }
  if (value === undefined || value < 0) {
    findings.add(join(path, given.key), `"${given.value}" is not a whole number of 0 or more.`);
  } else if (value === 0 && !findings.settings.allowZeroInitialScale) {
    findings.add(
      join(path, given.key),
      'is 0; set knativeConfig.config-autoscaler.allow-zero-initial-scale to "true" with it.',
    );
  }
}

/** Annotations that are numbers, by their bounds. */
const numbers: Record<string, { least: number; most: number; or?: number }> = {
  "panic-window-percentage": { least: 1, most: 100 },
  "panic-threshold-percentage": { least: 110, most: 1000 },
  target: { least: 0.01, most: Infinity },
  "target-utilization-percentage": { least: 1, most: 100 },
  "target-burst-capacity": { least: 0, most: Infinity, or: -1 },
};

function checkNumbers(findings: Findings, path: string, annotations: Annotations): void {
  for (const [name, { least, most, or }] of Object.entries(numbers)) {
    const given = scaling(annotations, name);
    const value = goNumber(given?.value ?? "");
    const fits = value !== undefined && ((value >= least && value <= most) || value === or);
    if (given !== undefined && !fits) {
      findings.add(
        join(path, given.key),
        `"${given.value}" is not a number ${most === Infinity ? `of ${least} or more` : `from ${least} to ${most}`}` +
          `${or === undefined ? "" : `, or ${or}`}.`,
      );
    }
  }
}

function checkWindows(findings: Findings, path: string, annotations: Annotations): void {
  const window = get(annotations, `${autoscalingGroup}/`, "window");
  checkDuration(findings, path, window, { least: 6, inWholeSeconds: true });
  const retention = scaling(annotations, "scale-to-zero-pod-retention-period");
  checkDuration(findings, path, retention, {});
  const delay = scaling(annotations, "scale-down-delay");
  checkDuration(findings, path, delay, { inWholeSeconds: true });
}

/** What a duration must be. */
interface DurationRule {
  /** In seconds. Defaults to 0. */
  least?: number;
  /** "" is as good as no annotation, and there is no upper bound. */
  optional?: boolean;
  inWholeSeconds?: boolean;
}

function checkDuration(
  findings: Findings,
  path: string,
  given: Annotation | undefined,
  { least = 0, optional = false, inWholeSeconds = false }: DurationRule,
): void {
  if (given === undefined || (optional && given.value === "")) {
    return;
  }
  const most = optional ? Infinity : longestWindow;
  const seconds = goDuration(given.value);
  const fits =
    seconds !== undefined &&
    seconds >= least &&
    seconds <= most &&
    (!inWholeSeconds || isWholeSeconds(seconds));
  if (!fits) {
    findings.add(
      join(path, given.key),
      `"${given.value}" is not a duration ${optional ? "" : `from ${least}s to 1h `}` +
        `${inWholeSeconds ? "in whole seconds" : ""}`.trimEnd() +
        "; write it like 30s, 5m or 1m30s.",
    );
  }
}

const networkingAnnotations = [
  ...["ingress.class", "certificate.class", "disableAutoTLS", "disable-external-domain-tls"],
  ...["httpOption", "ingress-class", "certificate-class", "disable-auto-tls", "http-protocol"],
].map((name) => `networking.knative.dev/${name}`);

function checkNetworking(findings: Findings, path: string, annotations: Annotations): void {
  const others = Object.keys(annotations).filter(
    (key) => key.startsWith("networking.knative.dev") && !networkingAnnotations.includes(key),
  );
  for (const key of others) {
    findings.add(
      join(path, key),
      key === "networking.knative.dev/visibility"
        ? "is a label of the Service; write it into metadata.labels."
        : `a template has no such annotation; it can have ${networkingAnnotations.join(", ")}.`,
    );
  }
}

function checkQueueProxy(findings: Findings, path: string, annotations: Annotations): void {
  const group = "queue.sidecar.serving.knative.dev/";
  const share = get(annotations, group, "resource-percentage", "resourcePercentage");
  if (share !== undefined) {
    const value = goNumber(share.value);
    if (value === undefined || value < 0.1 || value > 100) {
      findings.add(join(path, share.key), `"${share.value}" is not a number from 0.1 to 100.`);
    }
    findings.warn(
      join(path, share.key),
      `Knative will drop this annotation; set ${group}cpu-resource-request and the like.`,
    );
  }
  for (const resource of ["cpu", "memory", "ephemeral-storage"]) {
    for (const kind of ["request", "limit"]) {
      const given = get(annotations, group, `${resource}-resource-${kind}`);
      if (given !== undefined && !isQuantity(given.value)) {
        findings.add(
          join(path, given.key),
          `"${given.value}" is not a quantity; write it like 25m or 64Mi.`,
        );
      }
    }
  }
}

function isQuantity(text: string): boolean {
  try {
    parseQuantity(text);
    return true;
  } catch {
    return false;
  }
}
