import { compareBuild, parse } from "semver";

/** What a stack is built on: changing any of it loses data or breaks the cluster unless it is done as intended. */
export interface StackIdentity {
  /** Address that the machine running Pulumi dials. */
  host: string;
  /** Raised by the operator for each rebuild of the host: what was there before is then given up on purpose. */
  hostGeneration: number;
  /** Release of k0s, for instance `v1.35.7+k0s.0`. */
  k0sVersion: string;
  /** Where k0s keeps the cluster's objects. */
  storage: "kine" | "etcd";
  podCidr: string;
  serviceCidr: string;
  /** Directory of k0s on the host. */
  dataDir: string;
  /** Release of Knative Serving, for instance `1.23.0`; absent on a host without Knative. */
  knativeVersion?: string;
  /** Kubernetes that this Knative release runs on; absent where any will do. */
  knativeKubernetes?: KubernetesRange;
}

/** Names for the configuration key `allow`, each with what the operator takes on by it. */
export const allowedChanges = {
  k0sDowngrade: "k0s goes back to an older release",
  k0sMinorSkip: "k0s skips a minor release",
  storageChange: "k0s changes its storage and starts with an empty cluster",
  cidrChange: "the networks of pods and Services change under a running cluster",
  dataDirChange: "k0s changes its data directory and starts with an empty cluster",
  hostChange: "the old host is reset and another one installed",
  knativeUnsupported: "Knative runs on a Kubernetes it was not released for",
  memoryShort: "pods are evicted and restarted, since the host is short of memory",
} as const;

/** A name in the configuration key `allow`. */
export type AllowedChange = keyof typeof allowedChanges;

/** A change that is not made, because of its consequence. */
export interface Refusal {
  /** Configuration key that asks for the change. */
  key: string;
  /** The name in `allow` with which the change is made all the same. */
  consent: AllowedChange;
  /** What is refused, why, and what to do instead. */
  message: string;
}

/**
 * The changes of a stack that are refused before anything is touched.
 * @param old What the last successful `up` settled; undefined for a new stack.
 * @param now What the configuration asks for.
 * @param allow Consents by name.
 */
export function refusals(
  old: StackIdentity | undefined,
  now: StackIdentity,
  allow: readonly string[],
): Refusal[] {
  // A rebuilt host starts with nothing, so there is nothing that a change could break.
  const kept = old === undefined || old.hostGeneration !== now.hostGeneration ? undefined : old;
  return [
    ...(kept === undefined ? [] : [...hostRefusals(kept, now), ...k0sRefusals(kept, now)]),
    ...knativeRefusals(now),
  ].filter(({ consent }) => !allow.includes(consent));
}

function hostRefusals(old: StackIdentity, now: StackIdentity): Refusal[] {
  const rebuild =
    "or rebuild the cluster by raising hostGeneration, which deletes everything in it";
  const found: Refusal[] = [];
  const compare = (key: keyof StackIdentity, consent: AllowedChange, consequence: string): void => {
    if (old[key] !== now[key]) {
      const message = `${String(old[key])} cannot become ${String(now[key])}: ${consequence}. Set it back, ${rebuild}`;
      found.push({ key, consent, message });
    }
  };
  compare("host", "hostChange", "the old host would be reset, with everything in its cluster");
  compare(
    "storage",
    "storageChange",
    "k0s does not carry objects over, so the cluster would be empty",
  );
  compare("dataDir", "dataDirChange", "k0s would start with an empty cluster in the new directory");
  for (const key of ["podCidr", "serviceCidr"] as const) {
    compare(key, "cidrChange", "what runs keeps its addresses in the old network and is cut off");
  }
  return found;
}

function k0sRefusals(old: StackIdentity, now: StackIdentity): Refusal[] {
  const key = "k0sVersion";
  if (compareBuild(now.k0sVersion, old.k0sVersion) < 0) {
    const message =
      `${old.k0sVersion} runs on the host and k0s does not support going back to ${now.k0sVersion}. ` +
      "Set the version that runs or a newer one, or rebuild the cluster by raising hostGeneration, " +
      "which deletes everything in it";
    return [{ key, consent: "k0sDowngrade", message }];
  }
  const next = minorOf(old.k0sVersion) + 1;
  if (minorOf(now.k0sVersion) > next) {
    const message =
      `k0s is upgraded one minor release at a time, and from ${old.k0sVersion} to ${now.k0sVersion} ` +
      `is more. Set a v1.${next} release first`;
    return [{ key, consent: "k0sMinorSkip", message }];
  }
  return [];
}

function knativeRefusals(now: StackIdentity): Refusal[] {
  const { minor: first, lastMinor: last = Infinity } = now.knativeKubernetes ?? { minor: 0 };
  const minor = minorOf(now.k0sVersion);
  if (first <= minor && minor <= last) {
    return [];
  }
  const range = last === Infinity ? `1.${first} and newer` : `1.${first} to 1.${last}`;
  const message =
    `Knative Serving ${now.knativeVersion} runs on Kubernetes ${range}, and k0s ${now.k0sVersion} ` +
    `is Kubernetes 1.${minor}. Take a pair that goes together`;
  return [{ key: "knativeVersion", consent: "knativeUnsupported", message }];
}

/** 35 of v1.35.7+k0s.0. */
function minorOf(version: string): number {
  const parsed = parse(version);
  if (parsed === null) {
    throw new Error(`"${version}" is not a release of k0s.`);
  }
  return parsed.minor;
}

/** Minor versions of Kubernetes 1.x that a release runs on. */
export interface KubernetesRange {
  minor: number;
  /** Last minor; absent: none is known to fail. */
  lastMinor?: number;
}
