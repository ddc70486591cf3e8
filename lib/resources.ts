import { isRecord } from "./json";
import { suggestion } from "./nearest";
import { UserError } from "./userError";
import {
  formatQuantity,
  NanoUnits,
  parseDecimal,
  parseQuantity,
  QuantityFormat,
  Ratio,
  scaleQuantity,
} from "./quantity";

/** Requests or limits of a container, as Kubernetes quantities by resource name. */
export type ResourceList = Record<string, string>;

/** The `resources` of a container. */
export interface Resources {
  requests?: ResourceList;
  limits?: ResourceList;
}

/** A container of a workload in a release. */
export interface ContainerRef {
  namespace: string;
  /** Name of the Deployment, DaemonSet or Job. */
  workload: string;
  container: string;
}

/** Decides the resources of a container, from what the release gives it. */
export type ResourcePolicy = (container: ContainerRef, resources: Resources) => Resources;

/** How each resource is rounded and written. Whole m and Mi keep previews readable. */
const units: Record<string, { step: NanoUnits; format: QuantityFormat }> = {
  cpu: { step: parseQuantity("1m"), format: "decimal" },
  memory: { step: parseQuantity("1Mi"), format: "binary" },
};

/** Multiplies every request and limit of CPU and memory by a factor, and leaves other resources as they are. */
export function scaledBy(factor: Ratio): ResourcePolicy {
  return (_container, resources) => mapLists(resources, (list) => scaleList(list, factor));
}

/**
 * Applies a policy, then the user's overrides of single containers. An override replaces the quantities that it names.
 * @param overrides By the names of {@link overrideNames}.
 */
export function withOverrides(
  policy: ResourcePolicy,
  overrides: Record<string, Resources>,
): ResourcePolicy {
  return (container, resources) => {
    const decided = policy(container, resources);
    const override = overrideNames(container)
      .map((name) => overrides[name])
      .find((found) => found !== undefined);
    return override === undefined ? decided : merge(decided, override);
  };
}

/**
 * The names a container goes by in overrides: `workload/container`, but with the namespace in front for those outside
 * Knative and Kourier (`metallb-system/controller/controller`), since MetalLB and Knative both have a `controller`.
 */
export function overrideNames({ namespace, workload, container }: ContainerRef): string[] {
  const full = `${namespace}/${workload}/${container}`;
  const short = namespace === "knative-serving" || namespace === "kourier-system";
  return short ? [`${workload}/${container}`, full] : [full];
}

/**
 * Reads a list of quantities as a user may write it. YAML parses `cpu: 2` and `cpu: 0.5` as numbers, which Kubernetes
 * accepts too.
 * @returns undefined if the value is not a mapping of texts and numbers.
 */
export function asResourceList(value: unknown): ResourceList | undefined {
  if (!isRecord(value)) {
    return undefined;
  }
  const entries = Object.entries(value);
  return entries.every(([, quantity]) => ["string", "number"].includes(typeof quantity))
    ? Object.fromEntries(entries.map(([name, quantity]) => [name, String(quantity)]))
    : undefined;
}

/**
 * What is wrong with a container's resources: unknown resource names, texts that are not quantities, negative
 * quantities, parts of a byte, or requests above limits.
 */
export function resourceErrors(resources: Resources): string[] {
  const errors: string[] = [];
  const amount = (list: "requests" | "limits", name: string): NanoUnits | undefined => {
    const text = resources[list]?.[name];
    if (text === undefined) {
      return undefined;
    }
    try {
      const parsed = parseQuantity(text);
      if (parsed < 0n) {
        errors.push(`${list}.${name} is ${text}; a quantity here cannot be negative.`);
      } else if (name === "memory" && parsed % parseQuantity("1") !== 0n) {
        errors.push(`${list}.memory is ${text}, parts of a byte; write it like 100Mi or 1Gi.`);
      }
      return parsed;
    } catch (error) {
      errors.push(`${list}.${name}: ${(error as Error).message}`);
      return undefined;
    }
  };
  const names = new Set([
    ...Object.keys(resources.requests ?? {}),
    ...Object.keys(resources.limits ?? {}),
  ]);
  for (const name of names) {
    if (!isResourceName(name)) {
      errors.push(
        `Kubernetes has no resource ${name}; ` +
          suggestion(
            name,
            standardResources,
            `it has ${standardResources.join(", ")}, and those with a domain in front.`,
          ),
      );
      continue;
    }
    const request = amount("requests", name);
    const limit = amount("limits", name);
    if (request !== undefined && limit !== undefined && request > limit) {
      errors.push(
        `requests.${name} ${resources.requests?.[name]} is above limits.${name} ${resources.limits?.[name]}; ` +
          `Kubernetes refuses that, so lower the request or raise the limit.`,
      );
    }
  }
  return errors;
}

const standardResources = ["cpu", "memory", "ephemeral-storage"];

/** The rule of the API server (ValidateContainerResourceName in k8s.io/kubernetes/pkg/apis/core/validation). */
function isResourceName(name: string): boolean {
  return standardResources.includes(name) || name.startsWith("hugepages-") || name.includes("/");
}

/** A much larger factor would take quantities out of Kubernetes' range. */
const largestFactor = 1000n;

/**
 * Parses a factor for {@link scaledBy}.
 * @param allowIncrease Whether it may be above 1, so that containers ask for more than the release gives them.
 * @throws UserError for what is no decimal number, not above 0, above any sense, or above 1 where that is not allowed.
 */
export function parseFactor(text: string, allowIncrease: boolean): Ratio {
  const factor = parseDecimal(text);
  if (factor.numerator <= 0n) {
    throw new UserError(`${text} leaves containers nothing; take a number above 0, such as 0.5.`);
  }
  if (factor.numerator > largestFactor * factor.denominator) {
    throw new UserError(
      `${text} asks for more than any host has; take a number up to ${largestFactor}.`,
    );
  }
  if (factor.numerator > factor.denominator && !allowIncrease) {
    throw new UserError(
      `${text} is above 1 and would raise requests and limits; lower it, or set allowIncrease to true.`,
    );
  }
  return factor;
}

function scaleList(list: ResourceList, factor: Ratio): ResourceList {
  if (factor.numerator === factor.denominator) {
    return list;
  }
  return Object.fromEntries(
    Object.entries(list).map(([name, text]) => {
      const unit = units[name];
      return unit === undefined
        ? [name, text]
        : [
            name,
            formatQuantity(scaleQuantity(parseQuantity(text), factor, unit.step), unit.format),
          ];
    }),
  );
}

function mapLists(resources: Resources, change: (list: ResourceList) => ResourceList): Resources {
  return {
    ...resources,
    ...(resources.requests && { requests: change(resources.requests) }),
    ...(resources.limits && { limits: change(resources.limits) }),
  };
}

function merge(base: Resources, override: Resources): Resources {
  return {
    ...base,
    ...(override.requests && { requests: { ...base.requests, ...override.requests } }),
    ...(override.limits && { limits: { ...base.limits, ...override.limits } }),
  };
}
