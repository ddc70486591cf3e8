import type { Registration } from "./recorder";

/** Resources of one component that wait for the same, and so are made at the same time. */
export interface Tier {
  id: string;
  members: Registration[];
  /** Tiers that it waits for. */
  after: Set<Tier>;
}

/** Groups resources by what they belong to and what they wait for. */
export function tiersOf(registrations: readonly Registration[]): Tier[] {
  const custom = registrations.filter(({ custom }) => custom);
  const found = new Map<string, Tier>();
  const tierOf = new Map<string, Tier>();
  for (const registration of custom) {
    const key = JSON.stringify([registration.parent, waitedFor(registration).sort()]);
    const tier = found.get(key) ?? { id: `n${found.size}`, members: [], after: new Set() };
    tier.members.push(registration);
    found.set(key, tier);
    tierOf.set(registration.urn, tier);
  }
  for (const tier of found.values()) {
    for (const urn of waitedFor(first(tier))) {
      const before = tierOf.get(urn);
      if (before) tier.after.add(before);
    }
  }
  return [...found.values()];
}

/** URNs of what a resource waits for: its dependencies, and its provider, whose reference is `<urn>::<id>`. */
export function waitedFor({ dependencies, provider }: Registration): string[] {
  return provider === "" ? [...dependencies] : [...dependencies, provider.replace(/::[^:]*$/, "")];
}

/** Whether a tier waits for another one through a third. */
export function implied(tier: Tier, before: Tier): boolean {
  return [...tier.after].some((between) => between !== before && reaches(between, before));
}

export function reaches(from: Tier, to: Tier, seen = new Set<Tier>()): boolean {
  if (from === to) return true;
  if (seen.has(from)) return false;
  seen.add(from);
  return [...from.after].some((next) => reaches(next, to, seen));
}

/** A tier has at least one resource. */
export function first(tier: Tier): Registration {
  const [registration] = tier.members;
  if (registration === undefined) throw new Error("a tier without resources");
  return registration;
}
