import { Amounts } from "../../lib/resourceAmounts";
import type { AllowedChange } from "../../components/host/changeGuards";
import { NamespaceTraits } from "../../components/knative/namespaceTraits";
import { HostSize } from "../../components/host/hostSize";
import { K0sSettings } from "../../components/host/k0sSettings";
import type { NodeBudget } from "./nodeBudget";
import { BudgetNode } from "./nodes";
import { PodBudget } from "./pods";
import { PolicyName } from "../resources/policies";
import { ResidentBudget } from "./resident";
import { SingleNodeTweaks } from "../resources/singleNodeTweaks";

/** What a budget is made from, beside the objects: parts of the configuration. */
export interface BudgetSettings {
  hostSize: HostSize;
  /** Nodes that join the cluster beside the host. Absent or empty: the host is the only node. */
  workers?: BudgetNode[];
  /** The name of the host's node, where there are workers. Absent: `host`. */
  hostName?: string;
  k0s: { version: string } & K0sSettings;
  knative: { resources: { policy: PolicyName } };
  oneNode: SingleNodeTweaks;
  /** What is said of the services' namespaces. Absent: nothing. */
  namespaces?: Record<string, NamespaceTraits>;
  /** Go on where not all requests fit. */
  allowOvercommit: boolean;
  /** With `memoryShort`, go on where resident memory does not fit. */
  allow: readonly AllowedChange[];
}

/** What runs at the same time, and whether the node, or the nodes, take it. */
export interface BudgetCase {
  name: "steady" | "domainJob" | "services" | "rollout" | "k0sUpgrade" | "workerLost";
  /** What it is, for people. */
  title: string;
  requests: Amounts;
  /** Below 0 where something is missing. */
  free: Amounts;
  fits: boolean;
  /** False where a stack can be installed and run without it. */
  required: boolean;
  /**
   * Pods that the scheduler leaves Pending, as `namespace/workload`, more than one with ` x<count>`. On several nodes some do
   * no harm: a second CoreDNS, and with a worker lost those of which others run.
   */
  pending: string[];
}

/** Whether a stack fits its host, by the requests that the scheduler counts and by the pages that the kernel counts. */
export interface Budget {
  hostSize: HostSize;
  /** What the node offers pods, or all nodes together. */
  allocatable: Amounts;
  /** In the order in which they start. */
  pods: PodBudget[];
  /** Those that run at the same time when every service is awake. */
  running: PodBudget[];
  cases: BudgetCase[];
  /** Every required case fits. */
  requestsFit: boolean;
  /** Resident memory of the host. */
  resident: ResidentBudget;
  /** Each node with its pods while every service is awake, the host first. Absent where the host is the only one. */
  nodes?: NodeBudget[];
  /** The scheduler leaves pods Pending although there is room for all if they were placed otherwise. */
  roomOtherwise?: boolean;
  /** Requests and resident memory both fit. */
  fits: boolean;
  /** What the user allowed although it does not fit. */
  allowed: { overcommit: boolean; memoryShort: boolean };
  /** What to change where it does not fit, one sentence each. */
  advice: string[];
  /** Notes that do not stop an installation, one sentence each. */
  warnings: string[];
}

/** A budget without what to do about it. */
export type Assessment = Omit<Budget, "allowed" | "advice" | "warnings">;
