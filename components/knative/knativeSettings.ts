/**
 * What Knative's programs take in their ConfigMaps. They end at start-up, or keep the settings from before, where one is
 * another. From their own parsers, in knative.dev/serving v0.50.0 (release 1.23) pkg/autoscaler/config/config.go,
 * pkg/gc/config.go, pkg/deployment/config.go and pkg/apis/config, in knative.dev/networking pkg/config/config.go and in
 * knative.dev/pkg configmap/parser, leaderelection, logging and observability. All keys here are in 1.22 too.
 */
import { isRecord } from "../../lib/json";
import { parseQuantity } from "../../lib/quantity";
import { parseYaml } from "../../lib/yaml";

/** What is wrong with a value, after the value; undefined for one that Knative takes. */
type Rule = (value: string) => string | undefined;

/** Bounds of a number; no bound where there is none. */
interface Bounds {
  least?: number;
  /** It must be larger than this. */
  above?: number;
  most?: number;
}

const metricsProtocols = ["none", "grpc", "http/protobuf", "prometheus"];

/** What a template of a container's name can have: Kubernetes' ObjectMeta. */
const objectFields = ["Name", "GenerateName", "Namespace", "Annotations", "Labels"];

/** Levels of zap, which Knative logs with. */
const logLevels = ["debug", "info", "warn", "error", "dpanic", "panic", "fatal"];

/** Rules by ConfigMap and key. */
export const knativeSettings: Record<string, Record<string, Rule>> = {
  "config-autoscaler": {
    "pod-autoscaler-class": autoscalerClass,
    "enable-scale-to-zero": boolean,
    "allow-zero-initial-scale": boolean,
    "max-scale-up-rate": number({ above: 1 }),
    "max-scale-down-rate": number({ above: 1 }),
    "container-concurrency-target-percentage": number({ above: 0, most: 100 }),
    "container-concurrency-target-default": number({}),
    "requests-per-second-target-default": number({ least: 0.01 }),
    "target-burst-capacity": burstCapacity,
    "panic-window-percentage": number({ least: 1, most: 100 }),
    "panic-threshold-percentage": number({}),
    "activator-capacity": number({ least: 1 }),
    "initial-scale": integer({ most: 2 ** 31 - 1 }),
    "min-scale": integer({ most: 2 ** 31 - 1 }),
    "max-scale": integer({ most: 2 ** 31 - 1 }),
    "max-scale-limit": integer({ most: 2 ** 31 - 1 }),
    "stable-window": duration({ least: 6, most: 3600 }, true),
    "scale-down-delay": duration({ least: 0 }, true),
    "scale-to-zero-grace-period": duration({ above: 0 }),
    "scale-to-zero-pod-retention-period": duration({ least: 0 }),
  },
  "config-gc": {
    "retain-since-create-time": or("disabled", duration({ least: 0 })),
    "retain-since-last-active-time": or("disabled", duration({ least: 0 })),
    "min-non-active-revisions": integer({}),
    "max-non-active-revisions": or("disabled", integer({})),
  },
  "config-deployment": {
    "queue-sidecar-image": text,
    "registries-skipping-tag-resolving": anything,
    "digest-resolution-timeout": duration({ above: 0 }),
    "progress-deadline": duration({ above: 0 }, true),
    ...quantities("queue-sidecar"),
    // Not in the release's example of keys, but in its explanations.
    "default-affinity-type": oneOf(["none", "prefer-spread-revision-over-nodes"], true),
    "pod-is-always-schedulable": boolean,
    "runtime-class-name": mapping,
  },
  "config-certmanager": {
    issuerRef: mapping,
    clusterLocalIssuerRef: mapping,
    systemInternalIssuerRef: mapping,
  },
  "config-network": {
    "domain-template": filledTemplate(["Name", "Namespace", "Domain", "Annotations", "Labels"]),
    "tag-template": template(["Name", "Tag"]),
    "namespace-wildcard-cert-selector": mapping,
    "rollout-duration": integer({}),
    "autocreate-cluster-domain-claims": boolean,
    "enable-mesh-pod-addressability": boolean,
    "internal-encryption": boolean,
    "mesh-compatibility-mode": oneOf(["enabled", "disabled", "auto"]),
    "auto-tls": oneOf(["enabled", "disabled"]),
    "external-domain-tls": oneOf(["enabled", "disabled"]),
    "cluster-local-domain-tls": oneOf(["enabled", "disabled"]),
    "system-internal-tls": oneOf(["enabled", "disabled"]),
    "http-protocol": oneOf(["enabled", "redirected", "disabled"]),
    "default-external-scheme": oneOf(["http", "https"], true),
  },
  "config-defaults": {
    "init-container-name-template": template(objectFields),
    "container-name-template": template(objectFields),
    "allow-container-concurrency-zero": boolean,
    "enable-service-links": oneOf(["true", "false", "default"]),
    "revision-timeout-seconds": integer({}),
    "max-revision-timeout-seconds": integer({}),
    "revision-response-start-timeout-seconds": integer({}),
    "revision-idle-timeout-seconds": integer({}),
    "container-concurrency": integer({}),
    "container-concurrency-max-limit": integer({ least: 1 }),
    ...quantities("revision"),
  },
  "config-observability": {
    "logging.enable-request-log": boolean,
    "logging.enable-probe-request-log": boolean,
    "logging.enable-var-log-collection": boolean,
    "logging.request-log-template": template(),
    "metrics-protocol": oneOf(metricsProtocols, true),
    "metrics-endpoint": anything,
    "metrics-export-interval": duration({ least: 0 }),
    "request-metrics-protocol": oneOf(metricsProtocols, true),
    "request-metrics-endpoint": anything,
    "request-metrics-export-interval": duration({ least: 0 }),
    "runtime-profiling": oneOf(["enabled", "disabled"], true),
    "tracing-protocol": oneOf(["none", "grpc", "http/protobuf", "stdout"], true),
    "tracing-endpoint": anything,
    "tracing-sampling-rate": number({ least: 0, most: 1 }),
  },
  "config-features": {
    "secure-pod-defaults": oneOf(["enabled", "allowRootBounded", "disabled"]),
  },
  "config-leader-election": {
    "lease-duration": duration({ above: 0 }),
    "renew-deadline": duration({ above: 0 }),
    "retry-period": duration({ above: 0 }),
    buckets: integer({ least: 1, most: 10 }),
  },
};

/** The rule of a key; undefined where any text is taken. */
export function settingRule(configMap: string, key: string): Rule | undefined {
  if (configMap === "config-logging" && key.startsWith("loglevel.")) {
    return or("", oneOf(logLevels));
  }
  if (configMap === "config-domain") {
    return mapping;
  }
  const rule = knativeSettings[configMap]?.[key];
  return rule ?? (configMap === "config-features" ? feature : undefined);
}

/**
 * What is wrong with settings that are each right, by the key to blame.
 * @param set The values that are set in a ConfigMap, each one that {@link settingRule} takes. Knative's defaults stand for
 * the others.
 */
export function settingClashes(
  configMap: string,
  set: Record<string, string>,
): { key: string; message: string }[] {
  const value = (key: string, byDefault: number): number => Number(set[key] || byDefault);
  const clash = (key: string, message: string): { key: string; message: string }[] => [
    { key, message },
  ];
  switch (configMap) {
    case "config-autoscaler": {
      const [least, most] = [value("min-scale", 0), value("max-scale", 0)];
      const limit = value("max-scale-limit", 0);
      const percentage = value("container-concurrency-target-percentage", 70);
      const share = percentage > 1 ? percentage / 100 : percentage;
      return [
        ...(value("initial-scale", 1) === 0 && !isTrue(set["allow-zero-initial-scale"])
          ? clash("initial-scale", 'is "0"; set allow-zero-initial-scale to "true" with it.')
          : []),
        ...(most > 0 && least > most
          ? clash("min-scale", `is ${least}, above max-scale ${most}; lower it.`)
          : []),
        ...(limit > 0 && (most < 1 || most > limit)
          ? clash("max-scale-limit", `is ${limit}; set max-scale from 1 to ${limit} with it.`)
          : []),
        ...(share * value("container-concurrency-target-default", 100) < 0.01
          ? clash(
              "container-concurrency-target-default",
              "is with container-concurrency-target-percentage less than 0.01 requests for a pod; raise one of them.",
            )
          : []),
      ];
    }
    case "config-gc": {
      const [least, most] = [
        value("min-non-active-revisions", 20),
        value("max-non-active-revisions", 1000),
      ];
      // NaN, of "disabled", is no bound.
      return least > most
        ? clash(
            "max-non-active-revisions",
            `is ${most}, below min-non-active-revisions, ${least}` +
              `${set["min-non-active-revisions"] ? "" : " by default"}; lower that as well.`,
          )
        : [];
    }
    case "config-defaults": {
      const timeout = value("revision-timeout-seconds", 300);
      const longest = value("max-revision-timeout-seconds", 600);
      const concurrency = value("container-concurrency", 0);
      const limit = value("container-concurrency-max-limit", 1000);
      const longer = [
        "revision-response-start-timeout-seconds",
        "revision-idle-timeout-seconds",
      ].filter((key) => value(key, 0) > timeout);
      return [
        ...(timeout > longest
          ? clash(
              "revision-timeout-seconds",
              `is ${timeout}, above max-revision-timeout-seconds ${longest}; lower it, or raise that.`,
            )
          : []),
        ...longer.flatMap((key) =>
          clash(key, `is above revision-timeout-seconds ${timeout}; lower it, or raise that.`),
        ),
        ...(concurrency > limit
          ? clash(
              "container-concurrency",
              `is ${concurrency}, above container-concurrency-max-limit ${limit}; lower it, or raise that.`,
            )
          : []),
      ];
    }
    case "config-observability":
      return ["metrics", "request-metrics", "tracing"].flatMap((what) => {
        const [protocol = "none", endpoint = ""] = [
          set[`${what}-protocol`],
          set[`${what}-endpoint`],
        ];
        const wants = ["grpc", "http/protobuf"].includes(protocol);
        if (wants && endpoint === "") {
          return clash(`${what}-protocol`, `is ${protocol}; set ${what}-endpoint with it.`);
        }
        return ["none", "stdout"].includes(protocol) && endpoint !== ""
          ? clash(
              `${what}-endpoint`,
              `does nothing with ${what}-protocol ${protocol}; unset it, or set that.`,
            )
          : [];
      });
    default:
      return [];
  }
}

function anything(): undefined {
  return undefined;
}

function text(value: string): string | undefined {
  return value.trim() === "" ? "is empty; leave it out, or give an image." : undefined;
}

/** As Go's strconv.ParseBool. */
function boolean(value: string): string | undefined {
  return /^(1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/.test(value)
    ? undefined
    : "is neither true nor false.";
}

function isTrue(value = ""): boolean {
  return /^(1|t|T|TRUE|true|True)$/.test(value);
}

function integer({ least = 0, most = 2 ** 53 }: Bounds): Rule {
  return (value) =>
    /^\+?\d+$/.test(value) && isWithin(Number(value), { least, most })
      ? undefined
      : `is not a whole number ${boundsText({ least, most })}.`;
}

function number(bounds: Bounds): Rule {
  return (value) =>
    /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/.test(value) && isWithin(Number(value), bounds)
      ? undefined
      : `is not a number ${boundsText(bounds)}`.trimEnd() + ".";
}

/** A duration of Go, its bounds in seconds. */
function duration(bounds: Bounds, inWholeSeconds = false): Rule {
  const units: Record<string, number> = {
    ns: 1e-9,
    us: 1e-6,
    µs: 1e-6,
    ms: 1e-3,
    s: 1,
    m: 60,
    h: 3600,
  };
  return (value) => {
    const part = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/g;
    const seconds = [...value.matchAll(part)].reduce(
      (sum, [, amount, unit]) => sum + Number(amount) * (units[unit ?? ""] ?? NaN),
      0,
    );
    const isDuration = value === "0" || (value !== "" && value.replace(part, "") === "");
    const whole = !inWholeSeconds || Math.abs(seconds - Math.round(seconds)) < 1e-9;
    return isDuration && whole && isWithin(seconds, bounds)
      ? undefined
      : `is not a duration ${boundsText(bounds, " s")}${inWholeSeconds ? " in whole seconds" : ""}; write it like 30s, 5m or 1m30s.`;
  };
}

function isWithin(value: number, { least, above, most }: Bounds): boolean {
  return (
    value >= (least ?? -Infinity) && value > (above ?? -Infinity) && value <= (most ?? Infinity)
  );
}

function boundsText({ least, above, most = Infinity }: Bounds, unit = ""): string {
  const isBounded = most < 2 ** 31 - 1;
  if (above !== undefined) {
    return `above ${above}${unit}${isBounded ? ` and up to ${most}${unit}` : ""}`;
  }
  if (least === undefined) {
    return "";
  }
  return isBounded ? `from ${least} to ${most}${unit}` : `of ${least}${unit} or more`;
}

function oneOf(words: string[], exactly = false): Rule {
  const fold = (word: string): string => (exactly ? word : word.toLowerCase());
  return (value) =>
    words.map(fold).includes(fold(value)) ? undefined : `is none of ${words.join(", ")}.`;
}

/** A rule that takes a word besides; "" stands for Knative's default there. */
function or(word: string, rule: Rule): Rule {
  return (value) => {
    const problem = value === "" || value.toLowerCase() === word ? undefined : rule(value);
    return problem?.replace(/^is not/, `is neither ${word} nor`);
  };
}

/** Words that Knative does not know are as good as none to it. */
function feature(value: string): string | undefined {
  return oneOf(["enabled", "allowed", "disabled"])(value);
}

/** The text of a template of Go, whose braces must be in pairs, and which can have these fields; any, by default. */
function template(fields?: string[]): Rule {
  const example = fields?.includes("Tag") ? "{{.Tag}}-{{.Name}}" : "{{.Name}}.{{.Namespace}}";
  return (value) => {
    if (/[{]{2}|[}]{2}/.test(value.replace(/\{\{[^{}]+\}\}/g, ""))) {
      return `is not a template; write it like ${example}.`;
    }
    const used = [...value.matchAll(/\{\{[^{}]*?\.([A-Za-z]+)/g)].map(([, field = ""]) => field);
    const other = fields && used.find((field) => !fields.includes(field));
    return other === undefined
      ? undefined
      : `has .${other}, and can have ${fields?.join(", ")} alone.`;
  };
}

/** A template that is not empty, and makes a host name. */
function filledTemplate(fields: string[]): Rule {
  return (value) => {
    const isHost = value !== "" && !/[\s/:[\]{}]/.test(value.replace(/\{\{[^{}]+\}\}/g, ""));
    const message = "makes no host name; write it like {{.Name}}.{{.Namespace}}.{{.Domain}}.";
    return template(fields)(value) ?? (isHost ? undefined : message);
  };
}

/** A mapping in YAML, or nothing. */
function mapping(value: string): string | undefined {
  try {
    const found = value.trim() === "" ? {} : parseYaml(value);
    return found === null || isRecord(found) ? undefined : "is not a mapping in YAML.";
  } catch {
    return "is not YAML.";
  }
}

function burstCapacity(value: string): string | undefined {
  return value === "-1"
    ? undefined
    : number({ least: 0 })(value)?.replace(/^is not/, "is neither -1 nor");
}

function autoscalerClass(value: string): string | undefined {
  return value.startsWith("hpa.")
    ? "needs serving-hpa.yaml, which this program does not install; leave it out."
    : oneOf(["kpa.autoscaling.knative.dev"], true)(value);
}

function quantity(value: string): string | undefined {
  try {
    return parseQuantity(value) < 0n ? "is below 0; write it like 25m or 64Mi." : undefined;
  } catch {
    return "is not a Kubernetes quantity; write it like 150m, 0.5, 100Mi or 1Gi.";
  }
}

/** Rules for `<prefix>-cpu-request` and the like. */
function quantities(prefix: string): Record<string, Rule> {
  const names = ["cpu", "memory", "ephemeral-storage"].flatMap((name) => [
    `${prefix}-${name}-request`,
    `${prefix}-${name}-limit`,
  ]);
  return Object.fromEntries(names.map((name) => [name, quantity]));
}
