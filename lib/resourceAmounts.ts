import { NanoUnits, parseQuantity } from "./quantity";

/** What the scheduler counts: CPU and memory in nano-units, and pods by number. */
export interface Amounts {
  cpu: NanoUnits;
  memory: NanoUnits;
  pods: bigint;
}

/** The counted resources, in the order in which tables show them. */
export const resourceNames = ["cpu", "memory", "pods"] as const;

/** The name of a counted resource. */
export type ResourceName = (typeof resourceNames)[number];

/** No amount of anything. */
export const nothing: Amounts = { cpu: 0n, memory: 0n, pods: 0n };

/** The sum of amounts. */
export function sum(amounts: Amounts[]): Amounts {
  return amounts.reduce((total, amount) => combine(total, amount, (a, b) => a + b), nothing);
}

/** What is left of `a` without `b`; below 0 where `b` is more. */
export function difference(a: Amounts, b: Amounts): Amounts {
  return combine(a, b, (left, right) => left - right);
}

/** The amounts of `count` things alike; `count` is a whole number. */
export function times(amounts: Amounts, count: number): Amounts {
  const factor = BigInt(count);
  return combine(amounts, nothing, (amount) => amount * factor);
}

/** Of each resource the larger amount. */
export function larger(a: Amounts, b: Amounts): Amounts {
  return combine(a, b, (left, right) => (left > right ? left : right));
}

/** The resources of which `need` is more than `free`. */
export function lacking(need: Amounts, free: Amounts): ResourceName[] {
  return resourceNames.filter((name) => need[name] > free[name]);
}

/**
 * An amount in the unit people compare: CPU in m, memory in Mi, neither with a fraction.
 * @param round How to round a fraction: `up` for needs, `down` for what is free.
 */
export function formatAmount(name: ResourceName, amount: bigint, round: "up" | "down"): string {
  if (name === "pods") {
    return String(amount);
  }
  const suffix = name === "cpu" ? "m" : "Mi";
  const unit = parseQuantity(`1${suffix}`);
  const remainder = ((amount % unit) + unit) % unit;
  const floor = (amount - remainder) / unit;
  return `${remainder > 0n && round === "up" ? floor + 1n : floor}${suffix}`;
}

function combine(a: Amounts, b: Amounts, how: (a: bigint, b: bigint) => bigint): Amounts {
  return {
    cpu: how(a.cpu, b.cpu),
    memory: how(a.memory, b.memory),
    pods: how(a.pods, b.pods),
  };
}
