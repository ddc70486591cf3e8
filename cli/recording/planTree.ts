import type { Registration } from "./recorder";
import { describe, KubernetesObject } from "../../components/cluster/kubernetesObject";
import { commandLabel } from "./graphDot";
import { first, implied, reaches, type Tier, tiersOf, waitedFor } from "./registeredTiers";

/** A component of the program with what it makes, in the order in which it is made. */
export interface PlanComponent {
  /** The resource's name, such as `knative`. */
  name: string;
  /** The component's class, such as `KnativeServing`. */
  type: string;
  steps: PlanStep[];
}

/** Resources of one component that are made at the same time. */
export interface PlanStep {
  resources: Registration[];
  /** Components that it waits for besides the steps before it, such as `metallb` or `a part of knative`. */
  after: string[];
}

/** What the program registered, component by component in the order in which they begin. */
export function planComponents(registrations: readonly Registration[]): PlanComponent[] {
  const tiers = orderedTiers(registrations);
  const byUrn = new Map(registrations.map((registration) => [registration.urn, registration]));
  const parents = [...new Set(tiers.map((tier) => first(tier).parent))];
  return parents.map((urn) => {
    const own = tiers.filter((tier) => first(tier).parent === urn);
    const { name = "", type = "" } = byUrn.get(urn) ?? {};
    const told = new Set<string>();
    const steps = own.map((tier) => ({
      resources: tier.members,
      after: othersBefore(tier, tiers, byUrn).filter((one) => !told.has(one) && told.add(one)),
    }));
    return { name, type: type.split(":").at(-1) ?? "", steps };
  });
}

/** The objects in the cluster in steps, so that each comes after what it waits for. */
export function objectSteps(
  registrations: readonly Registration[],
): { component: string; objects: KubernetesObject[] }[] {
  const byUrn = new Map(registrations.map((registration) => [registration.urn, registration]));
  return orderedTiers(registrations)
    .filter((tier) => isObject(first(tier)))
    .map((tier) => ({
      component: byUrn.get(first(tier).parent)?.name ?? "",
      objects: tier.members.map(objectOf),
    }));
}

/** The components as an indented tree; what is made at the same time stands together. */
export function planText(
  components: PlanComponent[],
  title: (of: PlanComponent) => string,
): string {
  return components
    .map((component) => {
      const { steps } = component;
      const lines = steps.map((step, index) => stepLines(step, index === 0));
      return [title(component) + afterText(steps[0]?.after ?? []), ...branches(lines)].join("\n");
    })
    .join("\n");
}

/** A Kubernetes object as it is applied: a Secret's data are in the open here, as in a manifest. */
export function objectOf({ inputs }: Registration): KubernetesObject {
  return open(inputs) as KubernetesObject;
}

/** Whether it is an object in the cluster. */
export function isObject({ type }: Registration): boolean {
  return type.startsWith("kubernetes:");
}

function stepLines({ resources, after }: PlanStep, isFirst: boolean): string[] {
  const [resource] = resources;
  const wait = isFirst ? "" : afterText(after);
  if (resource === undefined || !isObject(resource)) {
    return resources.map(({ name }) => commandLabel(name).replace("\n", " ") + wait);
  }
  const count = resources.length;
  const objects = resources.map((one) => describe(objectOf(one))).sort();
  return [
    (count === 1 ? "1 object" : `${count} objects at the same time`) + wait,
    ...branches(objects.map((object) => [object])),
  ];
}

function afterText(after: string[]): string {
  return after.length === 0 ? "" : ` (after ${after.join(", ")})`;
}

/** Draws what is below a line. */
function branches(below: string[][]): string[] {
  return below.flatMap((lines, index) => {
    const isLast = index === below.length - 1;
    const [head, tail] = isLast ? ["└─ ", "   "] : ["├─ ", "│  "];
    return lines.map((line, row) => (row === 0 ? head : tail) + line);
  });
}

/** Tiers after what they wait for; always in the same order, whatever the order of the registrations was. */
function orderedTiers(registrations: readonly Registration[]): Tier[] {
  const tiers = tiersOf(withoutProviders(registrations));
  const depths = new Map<Tier, number>();
  const depth = (tier: Tier): number => {
    const known = depths.get(tier);
    if (known !== undefined) return known;
    const found = Math.max(0, ...[...tier.after].map((before) => depth(before) + 1));
    depths.set(tier, found);
    return found;
  };
  return tiers.sort((a, b) => depth(a) - depth(b) || (first(a).urn < first(b).urn ? -1 : 1));
}

/** Other components that a tier waits for itself, and not through another one. */
function othersBefore(
  tier: Tier,
  tiers: readonly Tier[],
  byUrn: ReadonlyMap<string, Registration>,
): string[] {
  const own = first(tier).parent;
  const direct = [...tier.after].filter((before) => !implied(tier, before));
  const parents = new Set(
    direct.map((before) => first(before).parent).filter((urn) => urn !== own),
  );
  return [...parents]
    .map((urn) => {
      const all = tiers.filter((other) => first(other).parent === urn);
      const name = byUrn.get(urn)?.name ?? "";
      return all.every((other) => reaches(tier, other)) ? name : `a part of ${name}`;
    })
    .sort();
}

/** A provider makes nothing: who uses it waits for what the provider waits for. */
function withoutProviders(registrations: readonly Registration[]): Registration[] {
  const isProvider = ({ type }: Registration): boolean => type.startsWith("pulumi:providers:");
  const before = new Map(
    registrations.filter(isProvider).map(({ urn, dependencies }) => [urn, dependencies]),
  );
  return registrations
    .filter((registration) => !isProvider(registration))
    .map((registration) => {
      const through = waitedFor(registration).flatMap((urn) => before.get(urn) ?? [urn]);
      return { ...registration, dependencies: [...new Set(through)], provider: "" };
    });
}

/** Inputs with secrets in the open. */
function open(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(open);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  const [[only, secret] = []] = entries;
  return entries.length === 1 && only === "secret"
    ? open(secret)
    : Object.fromEntries(entries.map(([key, field]) => [key, open(field)]));
}
