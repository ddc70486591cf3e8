import { createHash } from "node:crypto";
import { compare } from "semver";
import { ReleaseEntry, Releases, KubernetesRange } from "./releaseTable";

/** The newest release of a table before a version; undefined where there is none. */
export function releaseBefore(releases: Releases, version: string): string | undefined {
  return Object.keys(releases)
    .filter((known) => compare(known, version) < 0)
    .sort(compare)
    .at(-1);
}

/**
 * Digests of a release's files, by name, without those of {@link madeFiles}.
 * @param texts By file name.
 * @param known What the table has of this release already.
 * @throws Error where a file has another digest than the table.
 */
export function fileDigests(
  texts: Record<string, string>,
  known: Record<string, string> = {},
): Record<string, string> {
  const made = madeFiles(texts);
  const found = Object.entries(texts).map(([name, text]) => {
    const sha256 = createHash("sha256").update(text).digest("hex");
    const other = known[name];
    if (other !== undefined && other !== sha256) {
      throw new Error(
        `${name} has sha256 ${sha256}, and the table has ${other}: it is not the release's own file, or the release changed.`,
      );
    }
    return [name, sha256] as const;
  });
  return { ...known, ...Object.fromEntries(found.filter(([name]) => !made.includes(name))) };
}

/**
 * Files that someone made from a release's source, and that are not the release's own. They name an image of Knative by
 * its tag; Knative's releases name images by digest (ko resolve).
 */
export function madeFiles(texts: Record<string, string>): string[] {
  return Object.keys(texts).filter((name) =>
    /image: *"?gcr\.io\/knative-releases\/[^\s"@]+"?\s*$/m.test(texts[name] ?? ""),
  );
}

/** `1.34-1.36` or `1.34-` as a range; undefined for another text. */
export function parseKubernetesRange(text: string): KubernetesRange | undefined {
  const [, first, last] = /^1\.(\d+)-(?:1\.(\d+))?$/.exec(text) ?? [];
  if (first === undefined || (last !== undefined && Number(last) < Number(first))) {
    return undefined;
  }
  return { minor: Number(first), ...(last !== undefined && { lastMinor: Number(last) }) };
}

/** The releases with one more, or one changed, from the oldest to the newest. */
export function withEntry(releases: Releases, version: string, entry: ReleaseEntry): Releases {
  const all = Object.entries({ ...releases, [version]: entry });
  return Object.fromEntries(all.sort(([one], [other]) => compare(one, other)));
}

/**
 * The digests of k0s' binaries in a release's sha256sums.txt, by architecture.
 * @param version For instance `v1.35.7+k0s.0`.
 * @throws Error where one is not listed.
 */
export function k0sDigests(sums: string, version: string): { amd64: string; arm64: string } {
  const lines = sums.split("\n").map((line) => line.trim().split(/\s+\*?/));
  const digest = (arch: string): string => {
    const name = `k0s-${version}-${arch}`;
    const found = lines.find(([, file]) => file === name)?.[0];
    if (found === undefined) {
      throw new Error(`sha256sums.txt does not list ${name}; check the version.`);
    }
    return found;
  };
  return { amd64: digest("amd64"), arm64: digest("arm64") };
}
