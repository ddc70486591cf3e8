import { JsonObject } from "../../lib/json";
import { Taint } from "../../components/worker/workerConfig";

/** Labels of a node or of a pod. */
export type Labels = Record<string, string>;

/** A taint that a pod does not mind, as in Kubernetes: absent fields stand for any. */
export interface Toleration {
  key?: string;
  operator?: string;
  value?: string;
  effect?: string;
}

/** One condition on labels. */
export interface Expression {
  key: string;
  operator: string;
  values?: string[];
}

/** Which pods a rule counts. */
export interface PodSelector {
  matchLabels?: Labels;
  matchExpressions?: Expression[];
  /** Of these labels the counted pods have the value of the pod that is placed. */
  matchLabelKeys?: string[];
}

/** How far the numbers of pods in two domains, nodes most often, may differ. */
export interface SpreadRule {
  topologyKey: string;
  maxSkew: number;
  minDomains: number;
  /** `DoNotSchedule`; otherwise it only counts for the score. */
  hard: boolean;
  /** Whether nodes that the pod cannot be on for their labels, or for their taints, count as domains. */
  counts: { otherLabels: boolean; taints: boolean };
  pods: PodSelector;
}

/** Pods that do not want to be in one domain, a node most often. */
export interface ApartRule {
  topologyKey: string;
  pods: PodSelector;
  /** Absent where it is required. */
  weight?: number;
}

/** What a pod asks of its node beside room. */
export interface PodRules {
  /** One on each node that takes it, as of a DaemonSet. */
  daemon: boolean;
  labels: Labels;
  nodeSelector: Labels;
  /** One of these must match the node, if there are any. */
  nodeTerms: Expression[][];
  nodePreferences: { weight: number; expressions: Expression[] }[];
  tolerations: Toleration[];
  spread: SpreadRule[];
  apart: ApartRule[];
}

/** A pod that may be anywhere. */
export const noRules: PodRules = {
  daemon: false,
  labels: {},
  nodeSelector: {},
  nodeTerms: [],
  nodePreferences: [],
  tolerations: [],
  spread: [],
  apart: [],
};

/** The pod's label that a ReplicaSet sets: pods of one version of one workload have the same. */
export const templateHash = "pod-template-hash";

/** Labels that the program does not know; all nodes of a stack have the same architecture. */
const unknownLabels = ["kubernetes.io/arch", "beta.kubernetes.io/arch"];

/** A pod's spec in the Kubernetes API, as far as it decides where the pod may be. */
interface SchedulingSpec {
  nodeSelector?: Labels;
  tolerations?: Toleration[];
  affinity?: {
    nodeAffinity?: {
      requiredDuringSchedulingIgnoredDuringExecution?: { nodeSelectorTerms: NodeTerm[] };
      preferredDuringSchedulingIgnoredDuringExecution?: { weight: number; preference: NodeTerm }[];
    };
    podAntiAffinity?: {
      requiredDuringSchedulingIgnoredDuringExecution?: ApartTerm[];
      preferredDuringSchedulingIgnoredDuringExecution?: {
        weight: number;
        podAffinityTerm: ApartTerm;
      }[];
    };
  };
  topologySpreadConstraints?: {
    topologyKey: string;
    maxSkew: number;
    minDomains?: number;
    whenUnsatisfiable: string;
    nodeAffinityPolicy?: string;
    nodeTaintsPolicy?: string;
    labelSelector?: PodSelector;
    matchLabelKeys?: string[];
  }[];
}

interface NodeTerm {
  matchExpressions?: Expression[];
}

interface ApartTerm {
  topologyKey: string;
  labelSelector?: PodSelector;
  matchLabelKeys?: string[];
}

/**
 * The rules of a pod's spec. Not followed are ports of the host, volumes, and pods that want to be beside others: no
 * workload of a stack has such, and a service only if its file says so.
 */
export function podRules(spec: JsonObject, labels: Labels, daemon = false): PodRules {
  const { nodeSelector, tolerations, affinity, topologySpreadConstraints } = spec as SchedulingSpec;
  const { nodeAffinity, podAntiAffinity } = affinity ?? {};
  const required = nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const preferred = nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return {
    daemon,
    labels,
    nodeSelector: nodeSelector ?? {},
    nodeTerms: (required?.nodeSelectorTerms ?? []).map(
      ({ matchExpressions }) => matchExpressions ?? [],
    ),
    nodePreferences: preferred.map(({ weight, preference }) => ({
      weight,
      expressions: preference.matchExpressions ?? [],
    })),
    tolerations: tolerations ?? [],
    spread: (topologySpreadConstraints ?? []).map((rule) => ({
      topologyKey: rule.topologyKey,
      maxSkew: rule.maxSkew,
      minDomains: rule.minDomains ?? 1,
      hard: rule.whenUnsatisfiable === "DoNotSchedule",
      counts: {
        otherLabels: rule.nodeAffinityPolicy === "Ignore",
        taints: rule.nodeTaintsPolicy !== "Honor",
      },
      pods: { ...rule.labelSelector, matchLabelKeys: rule.matchLabelKeys },
    })),
    apart: [
      ...(podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map((term) =>
        apartRule(term),
      ),
      ...(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(
        ({ weight, podAffinityTerm }) => apartRule(podAffinityTerm, weight),
      ),
    ],
  };
}

function apartRule(
  { topologyKey, labelSelector, matchLabelKeys }: ApartTerm,
  weight?: number,
): ApartRule {
  return { topologyKey, pods: { ...labelSelector, matchLabelKeys }, weight };
}

/** Whether a node has the labels that a pod asks for. */
export function matchesNode({ nodeSelector, nodeTerms }: PodRules, labels: Labels): boolean {
  const selected = Object.entries(nodeSelector).every(
    ([key, value]) => unknownLabels.includes(key) || labels[key] === value,
  );
  // A term without a condition matches no node.
  const matches = (term: Expression[]): boolean => term.length > 0 && matchesAll(term, labels);
  return selected && (nodeTerms.length === 0 || nodeTerms.some(matches));
}

/** Whether labels meet all conditions on them. */
export function matchesAll(expressions: Expression[], labels: Labels): boolean {
  return expressions.every((one) => unknownLabels.includes(one.key) || holds(one, labels));
}

function holds({ key, operator, values = [] }: Expression, labels: Labels): boolean {
  const value = labels[key];
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    case "Gt":
      return Number(value) > Number(values[0]);
    case "Lt":
      return Number(value) < Number(values[0]);
    default:
      return false;
  }
}

/** Whether a rule of a pod counts another pod of its namespace. */
export function counts(
  { matchLabels = {}, matchExpressions = [], matchLabelKeys = [] }: PodSelector,
  own: Labels,
  other: Labels,
): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => other[key] === value) &&
    matchLabelKeys.every((key) => own[key] === undefined || other[key] === own[key]) &&
    matchExpressions.every((one) => holds(one, other))
  );
}

/** Whether no taint keeps the pod off a node. */
export function toleratesAll({ tolerations }: PodRules, taints: Taint[]): boolean {
  return taints.every(
    (taint) => taint.effect === "PreferNoSchedule" || tolerates(tolerations, taint),
  );
}

/** Whether one of the tolerations matches a taint. */
export function tolerates(tolerations: Toleration[], taint: Taint): boolean {
  return tolerations.some(
    ({ key = "", operator = "Equal", value = "", effect = "" }) =>
      (effect === "" || effect === taint.effect) &&
      (key === "" || key === taint.key) &&
      (operator === "Exists" || (key !== "" && value === taint.value)),
  );
}
