/**
 * What lab hosts run: k0s and images as they are released, or as the lab builds them. The two go together, because k0s
 * pulls its own images from the same registries. A lab chooses before its first host, and keeps to it until
 * `npm run lab -- down`: a host cannot go from the one to the other.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { readSchema } from "../stack/config/schema";
import { k0sDownload } from "../stack/releases/releaseTable";
import { filled } from "./cache";
import { usesCgroupV1 } from "./cgroup";
import { cacheDir, labDir } from "./paths";
import { statusOf } from "./reach";
import { downloadChecked, type ReleaseFile } from "./releaseFile";
import { k0sVersion } from "./versions";

/** A k0s binary as it was released. */
export interface ReleasedK0s {
  version: string;
  sha256: string;
  file: string;
}

/** What hosts run. `why` is the reason against the released parts, in words that follow "because". */
export type HostParts = { kind: "released"; k0s: ReleasedK0s } | { kind: "built"; why: string };

/** What the hosts of tests and of the bench run, so that these do the same on every machine. */
export const builtParts: HostParts = { kind: "built", why: "tests and the bench need the same" };

/** Where the released parts are. */
export interface Places {
  /** The k0s binary of a version. */
  k0s: (version: string) => ReleaseFile;
  /** Registries of the images, by the URL at which each answers 200 or 401 to everyone. */
  registries: readonly string[];
  /** Servers of the release manifests, which the program downloads by itself. */
  manifests: readonly string[];
}

const internet: Places = {
  k0s: (version) => {
    const { url, sumsUrl } = k0sDownload(version);
    return { url: url.replace("%arch%", "amd64"), sumsUrl, name: `k0s-${version}-amd64` };
  },
  // In this order: Knative and Kourier; Envoy; MetalLB and k0s' images; the sample; pause.
  registries: ["gcr.io", "registry-1.docker.io", "quay.io", "ghcr.io", "registry.k8s.io"].map(
    (name) => `https://${name}/v2/`,
  ),
  manifests: ["https://storage.googleapis.com/", "https://raw.githubusercontent.com/"],
};

/** The file that keeps the choice. */
const record = path.join(labDir, "host-parts.json");

/** What this lab chose, or undefined before its first host. */
export function chosenParts(): HostParts | undefined {
  return existsSync(record) ? (JSON.parse(readFileSync(record, "utf8")) as HostParts) : undefined;
}

/** Keeps a choice for the hosts to come. */
export function keepParts(parts: HostParts): void {
  mkdirSync(labDir, { recursive: true });
  writeFileSync(record, JSON.stringify(parts, null, 2));
}

/** Forgets the choice, when the last host is gone. */
export function forgetParts(): void {
  rmSync(record, { force: true });
}

/** The release of k0s for this machine: the program's default, or the newest that still accepts cgroup v1. */
export function releasedK0sVersion(cgroupV1 = usesCgroupV1()): string {
  return cgroupV1 ? k0sVersion : String(readSchema().keys.k0sVersion?.default);
}

/**
 * The released parts, if this machine reaches all their servers within three seconds and k0s is what its release says.
 * Otherwise the parts that the lab builds. Downloads the k0s binary into the user's cache and checks its digest.
 */
export async function availableParts(
  progress: (line: string) => void,
  version = releasedK0sVersion(),
  places = internet,
): Promise<HostParts> {
  const silent = await silentServers(places);
  if (silent.length > 0) {
    const why = `${silent.join(", ")} cannot be reached`;
    progress(`${why}: the lab makes k0s and the images by itself`);
    return { kind: "built", why };
  }
  try {
    return { kind: "released", k0s: await downloadK0s(version, places.k0s(version), progress) };
  } catch (error) {
    const why = (error as Error).message;
    progress(`${why}: the lab makes k0s and the images by itself`);
    return { kind: "built", why };
  }
}

/** Names of the servers that do not answer, or answer what the real ones would not. */
async function silentServers({ registries, manifests }: Places): Promise<string[]> {
  const silent = async (url: string, good: (status: number) => boolean): Promise<string[]> => {
    const status = await statusOf(url);
    return status !== undefined && good(status) ? [] : [new URL(url).host];
  };
  const found = await Promise.all([
    // A gateway that answers in a registry's place has another status.
    ...registries.map((url) => silent(url, (status) => status === 200 || status === 401)),
    ...manifests.map((url) => silent(url, (status) => status < 500)),
  ]);
  return found.flat();
}

async function downloadK0s(
  version: string,
  release: ReleaseFile,
  progress: (line: string) => void,
): Promise<ReleasedK0s> {
  const dir = path.join(cacheDir(), `released-k0s-${version}`);
  const [file, note] = [path.join(dir, "k0s"), path.join(dir, "sha256")];
  if (!existsSync(dir)) {
    progress(`downloading ${release.url}`);
    await filled(dir, async (target) => {
      const sha256 = await downloadChecked(release, path.join(target, "k0s"));
      writeFileSync(path.join(target, "sha256"), sha256);
    });
  }
  return { version, sha256: readFileSync(note, "utf8"), file };
}
