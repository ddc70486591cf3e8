import { Amounts } from "../../lib/resourceAmounts";
import type { AllowedChange } from "../../components/host/changeGuards";
import { NamespaceTraits } from "../../components/knative/namespaceTraits";
import { HostSize } from "../../components/host/hostSize";
import { K0sSettings } from "../../components/host/k0sSettings";
import { PodBudget } from "./pods";
import { PolicyName } from "../resources/policies";
import { ResidentBudget } from "./resident";
import { SingleNodeTweaks } from "../resources/singleNodeTweaks";

/** What a budget is made from, beside the objects: parts of the configuration. */
export interface BudgetSettings {
  hostSize: HostSize;
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

/** What runs at the same time, and whether the node takes it. */
export interface BudgetCase {
  name: "steady" | "domainJob" | "services" | "rollout" | "k0sUpgrade";
  /** What it is, for people. */
  title: string;
  requests: Amounts;
  /** Below 0 where something is missing. */
  free: Amounts;
  fits: boolean;
  /** False where a stack can be installed and run without it. */
  required: boolean;
  /** Pods that the scheduler leaves Pending, as `namespace/workload`, more than one with ` x<count>`. */
  pending: string[];
}

/** Whether a stack fits its host, by the requests that the scheduler counts and by the pages that the kernel counts. */
export interface Budget {
  hostSize: HostSize;
  /** What the node offers pods. */
  allocatable: Amounts;
  /** In the order in which they start. */
  pods: PodBudget[];
  cases: BudgetCase[];
  /** Every required case fits. */
  requestsFit: boolean;
  /** Resident memory. */
  resident: ResidentBudget;
  /** Requests and resident memory both fit. */
  fits: boolean;
  /** What the user allowed although it does not fit. */
  allowed: { overcommit: boolean; memoryShort: boolean };
  /** What to change where it does not fit, one sentence each. */
  advice: string[];
  /** Notes that do not stop an installation, one sentence each. */
  warnings: string[];
}
