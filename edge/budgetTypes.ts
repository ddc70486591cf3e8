import { Amounts } from "./amounts";
import { HostSize } from "./hostSize";
import { K0sSettings } from "./k0sSettings";
import { PodBudget } from "./pods";
import { PolicyName } from "./policies";
import { OneNodeSafety } from "./safety";

/** What a budget is made from, beside the objects: parts of the configuration. */
export interface BudgetSettings {
  hostSize: HostSize;
  k0s: { version: string } & K0sSettings;
  knative: { resources: { policy: PolicyName } };
  oneNode: OneNodeSafety;
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

/** Whether a stack fits its host, by what the scheduler counts. */
export interface Budget {
  hostSize: HostSize;
  /** What the node offers pods. */
  allocatable: Amounts;
  /** In the order in which they start. */
  pods: PodBudget[];
  cases: BudgetCase[];
  /** Every required case does. */
  fits: boolean;
  /** What to change where it does not fit, one sentence each. */
  advice: string[];
  /** What does not stand in the way of an installation, yet should be known. */
  warnings: string[];
}
