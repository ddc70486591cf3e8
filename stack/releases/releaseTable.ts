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
}

// Digests are of the releases' own files. The first minor is what knative.dev/pkg/version enforces at start-up, the
// last is the newest in the release's own end-to-end tests (.github/workflows/kind-e2e.yaml of knative.dev/serving).
// serving-default-domain.yaml has no digest here: it is taken from its first download.
const serving: Record<string, ReleaseEntry> = {
  "1.22.1": {
    sha256: {
      "serving-crds.yaml": "469f019b54407f6b4362da8500e6ba343c6d2e3f2cb27c2c1cfcaaab4f6d5883",
      "serving-core.yaml": "aafb2bfd722ad184d0d0dacf1f55cedc388827ed81c94312f4df71e5eccb5ae1",
    },
    kubernetes: { minor: 34, lastMinor: 35 },
  },
  "1.23.0": {
    sha256: {
      "serving-crds.yaml": "b172ff4901ed50f8e4e09ff8616e54d22e264df7086ce8cb74f513a04812fe74",
      "serving-core.yaml": "be3f16c9c0ac9276cc173ef04871aaeac78537f9edb116310caa02f016e9cbc2",
    },
    kubernetes: { minor: 34, lastMinor: 35 },
  },
};

const kourier: Record<string, ReleaseEntry> = {
  "1.22.1": {
    sha256: { "kourier.yaml": "d92bd38fb99f0351d56fc80f819204763ce77060ffd5205813557c60faa7a8ee" },
    kubernetes: { minor: 34, lastMinor: 35 },
  },
  "1.23.0": {
    sha256: { "kourier.yaml": "cded0c3c1d7669b1aa9f7484234b454ff3940a2b54a27d5ec4825c2d4003d01d" },
    kubernetes: { minor: 34, lastMinor: 35 },
  },
};

const metalLb: Record<string, ReleaseEntry> = {
  "v0.15.3": {
    sha256: {
      "metallb-native.yaml": "84b4e102f2b65f5d69085f5816c29362b74641873d8ac3de996e5f86a8219176",
    },
    // Kubernetes 1.36 refuses two of its CRDs: metallb/metallb#3034.
    kubernetes: { minor: 25, lastMinor: 35 },
  },
  "v0.16.1": {
    sha256: {
      "metallb-native.yaml": "bf25feebb7582ca7df845efd52ffbc2960d6cbf4cfc972f47fded9f788b67f0b",
    },
    kubernetes: { minor: 25 },
  },
};

/** A component that comes as release manifests. */
export interface ReleasedComponent {
  /** What it is called in messages. */
  title: string;
  /** Every release this program knows, with the Kubernetes it runs on. */
  releases: Record<string, ReleaseEntry>;
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

/** The components, by the configuration key that chooses their release. */
export const releasedComponents = {
  knativeVersion: { title: "Knative Serving", releases: serving },
  kourierVersion: { title: "net-kourier", releases: kourier },
  metallbVersion: { title: "MetalLB", releases: metalLb },
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
