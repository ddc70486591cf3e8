import { compareBuild } from "semver";
import { kubernetesMinor } from "./kubernetesMinor";

/** What a stack is built on. A careless change of any of it loses data or breaks the cluster. */
export interface StackIdentity {
  /** Address that the machine running Pulumi dials. */
  host: string;
  /** The operator raises it for each rebuild of the host, and so gives up what was there before. */
  hostGeneration: number;
  /** Release of k0s, for instance `v1.35.7+k0s.0`. */
  k0sVersion: string;
  /** Where k0s keeps the cluster's objects: its own choice for a single node. */
  storage: "kine";
  podCidr: string;
  serviceCidr: string;
  /**
   * Directory of k0s on the host: its own default. Like the storage it never changes, but older versions of this program
   * refuse a stack whose state does not record both.
   */
  dataDir: "/var/lib/k0s";
}

/** Names for the configuration key `allow`, each with the consequence that the operator accepts. */
export const allowedChanges = {
  k0sDowngrade: "k0s goes back to an older release",
  k0sMinorSkip: "k0s skips a minor release",
  cidrChange: "the networks of pods and Services change under a running cluster",
  hostChange: "the old host is reset and another one installed",
  knativeUnsupported: "Knative runs on a Kubernetes it was not released for",
  unknownRelease: "a release runs that this program has no digests of and was not tried with",
  memoryShort: "pods are evicted and restarted, since the host is short of memory",
} as const;

/** A name in the configuration key `allow`. */
export type AllowedChange = keyof typeof allowedChanges;

/** A refused change. */
export interface Refusal {
  /** Configuration key that asks for the change. */
  key: string;
  /** The name in `allow` that permits the change. */
  consent: AllowedChange;
  /** Which change is refused, why, and what to do instead. */
  message: string;
}

/**
 * The changes of a stack that the preview refuses.
 * @param old The identity that the last successful `up` recorded; undefined for a new stack.
 * @param now What the configuration asks for.
 * @param allow Consents by name.
 */
export function refusals(
  old: StackIdentity | undefined,
  now: StackIdentity,
  allow: readonly string[],
): Refusal[] {
  // A rebuilt host starts empty, so a change can break nothing.
  const kept = old === undefined || old.hostGeneration !== now.hostGeneration ? undefined : old;
  const found = kept === undefined ? [] : [...hostRefusals(kept, now), ...k0sRefusals(kept, now)];
  return found.filter(({ consent }) => !allow.includes(consent));
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
  const next = (kubernetesMinor(old.k0sVersion) ?? Infinity) + 1;
  if ((kubernetesMinor(now.k0sVersion) ?? 0) > next) {
    const message =
      `k0s is upgraded one minor release at a time, and from ${old.k0sVersion} to ${now.k0sVersion} ` +
      `is more. Set a v1.${next} release first`;
    return [{ key, consent: "k0sMinorSkip", message }];
  }
  return [];
}
