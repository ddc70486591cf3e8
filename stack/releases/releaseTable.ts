import table from "./table.json";

/** Minor versions of Kubernetes 1.x that a release runs on. */
export interface KubernetesRange {
  minor: number;
  /** Last minor; absent: none is known to fail. */
  lastMinor?: number;
}

/** A release in the table. */
export interface ReleaseEntry {
  /** Digest by file name. */
  sha256: Record<string, string>;
  kubernetes: KubernetesRange;
  /** Why the range is so. */
  note?: string;
}

/** Releases of one component, by version. */
export type Releases = Record<string, ReleaseEntry>;

/** A component that comes as release manifests. */
export interface ReleasedComponent {
  /** What it is called in messages. */
  title: string;
  /** Every release this program knows, with the Kubernetes it runs on. */
  releases: Releases;
}

/**
 * The Kubernetes that a release runs on: what the table has for it or, for a patch release that is not there, for its
 * minor release; undefined for a release of another minor, of which nothing is known. A patch release's digests are
 * then those of its first download, or it is in manifestsDir.
 */
export function kubernetesOf(
  { releases }: ReleasedComponent,
  version: string,
): KubernetesRange | undefined {
  // As semver has it, a number has no zeros in front.
  const minor = /^(v?\d+\.\d+\.)(0|[1-9]\d*)$/.exec(version)?.[1];
  const known = Object.keys(releases).find(
    (name) => name === version || (minor !== undefined && name.startsWith(minor)),
  );
  return known === undefined ? undefined : releases[known]?.kubernetes;
}

/** Whether a text has the form of the component's versions: `v0.16.1` for MetalLB, `1.23.0` for the others. */
export function isVersion({ releases }: ReleasedComponent, version: string): boolean {
  const prefix = Object.keys(releases).some((known) => known.startsWith("v")) ? "v" : "";
  // As semver has it, a number has no zeros in front.
  return new RegExp(`^${prefix}(0|[1-9]\\d*)(\\.(0|[1-9]\\d*)){2}$`).test(version);
}

/**
 * The components, by the configuration key that chooses their release. The releases are in table.json, which
 * `npm run release` writes. Digests are of the releases' own files. The first Kubernetes of Knative is what
 * knative.dev/pkg/version enforces at start-up, the last is the newest in the release's own end-to-end tests
 * (.github/workflows/kind-e2e.yaml of knative.dev/serving). A file without a digest is held to that of its first download.
 */
export const releasedComponents = {
  knativeVersion: { title: "Knative Serving", releases: table.knativeVersion as Releases },
  kourierVersion: { title: "net-kourier", releases: table.kourierVersion as Releases },
  metallbVersion: { title: "MetalLB", releases: table.metallbVersion as Releases },
} satisfies Record<string, ReleasedComponent>;

/** Where a k0s release's binary and digests are; `%arch%` stands for amd64 or arm64. */
export function k0sDownload(version: string): { url: string; sumsUrl: string } {
  // A plus sign in a path means a space to some servers.
  const base = `https://github.com/k0sproject/k0s/releases/download/${encodeURIComponent(version)}`;
  return {
    url: `${base}/k0s-${encodeURIComponent(version)}-%arch%`,
    sumsUrl: `${base}/sha256sums.txt`,
  };
}
