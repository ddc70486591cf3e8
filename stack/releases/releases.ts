import { createHash } from "node:crypto";
import * as fs from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";
import { parseManifest, withoutDuplicates } from "../../components/cluster/manifests";
import { KubernetesObject } from "../../components/cluster/kubernetesObject";
import { download, Retry } from "./download";
import { releasedComponents, ReleaseEntry } from "./releaseTable";
import { writeWhole } from "../../lib/atomicWrite";
import { UserError } from "../../lib/userError";

const { knativeVersion, kourierVersion, metallbVersion } = releasedComponents;

/** A release file that cannot be had or is not what it should be; the message says what to do. */
export class ReleaseError extends UserError {}

/** A file of a release. */
export interface ReleaseFile {
  name: string;
  url: string;
  /** Digest of the release's own bytes; absent where it is not known: then the first download's is kept. */
  sha256?: string;
}

/** A release of one component. */
export interface Release {
  /** Folder name in a manifest directory, and in the cache. */
  folder: string;
  files: ReleaseFile[];
}

/** Knative Serving's release. */
export function servingRelease(version: string): Release {
  const base = `https://storage.googleapis.com/knative-releases/serving/previous/v${version}`;
  const files = ["serving-crds.yaml", "serving-core.yaml", "serving-default-domain.yaml"];
  return release(`knative-${version}`, base, files, knativeVersion.releases[version]);
}

/** net-kourier's release. */
export function kourierRelease(version: string): Release {
  const base = `https://storage.googleapis.com/knative-releases/net-kourier/previous/v${version}`;
  return release(
    `net-kourier-${version}`,
    base,
    ["kourier.yaml"],
    kourierVersion.releases[version],
  );
}

/** MetalLB's release. */
export function metalLbRelease(version: string): Release {
  const base = `https://raw.githubusercontent.com/metallb/metallb/${version}/config/manifests`;
  return release(
    `metallb-${version}`,
    base,
    ["metallb-native.yaml"],
    metallbVersion.releases[version],
  );
}

/** The releases of a stack. */
export interface StackReleases {
  loadBalancer: { kind: "metallb"; version: string } | { kind: "nodeIp" };
  knative: { version: string; kourierVersion: string };
}

/** What a stack is made of, by the releases' own versions; without MetalLB where the load balancer is another. */
export function releaseVersions({
  k0s,
  loadBalancer,
  knative,
}: StackReleases & { k0s: { version: string } }): Record<string, string> {
  return {
    k0s: k0s.version,
    ...(loadBalancer.kind === "metallb" && { metalLb: loadBalancer.version }),
    knative: knative.version,
    kourier: knative.kourierVersion,
  };
}

/** The objects of every release that a configuration names, before transforms. */
export interface ReleaseObjects {
  /** Empty where the load balancer is another. */
  metalLb: KubernetesObject[];
  /** serving-crds.yaml and serving-core.yaml, each object once. */
  serving: KubernetesObject[];
  kourier: KubernetesObject[];
  /** serving-default-domain.yaml: the Job and its Service. Empty where the domain is known without it. */
  defaultDomain: KubernetesObject[];
}

/**
 * Loads the releases that a configuration names.
 * @throws ReleaseError, or ManifestError for a file that is no manifest.
 */
export async function loadReleases(
  config: StackReleases & {
    /** `domain`: where it is given, no Job makes one, so its file is not loaded. */
    knative: { domain?: string };
    manifestsDir?: string;
  },
): Promise<ReleaseObjects> {
  const { manifestsDir, knative, loadBalancer } = config;
  const source = { manifestsDir };
  const withDefaultDomain = servingRelease(knative.version);
  const servingFiles =
    knative.domain === undefined
      ? withDefaultDomain
      : {
          ...withDefaultDomain,
          files: withDefaultDomain.files.filter(
            ({ name }) => name !== "serving-default-domain.yaml",
          ),
        };
  const [metalLbTexts, servingTexts, kourierTexts] = await allInOrder([
    loadBalancer.kind === "metallb"
      ? loadRelease(metalLbRelease(loadBalancer.version), source)
      : {},
    loadRelease(servingFiles, source),
    loadRelease(kourierRelease(knative.kourierVersion), source),
  ]);
  const metalLbVersion = loadBalancer.kind === "metallb" ? loadBalancer.version : "";
  const metalLb = releaseParser(metalLbTexts, metalLbVersion, source);
  const serving = releaseParser(servingTexts, knative.version, source);
  const kourier = releaseParser(kourierTexts, knative.kourierVersion, source);
  return {
    metalLb: metalLb("metallb-native.yaml"),
    serving: withoutDuplicates([...serving("serving-crds.yaml"), ...serving("serving-core.yaml")]),
    kourier: kourier("kourier.yaml"),
    defaultDomain: serving("serving-default-domain.yaml"),
  };
}

/** Parses a release's files by name, one that is not there into no objects, and checks that they are of its version. */
export function releaseParser(
  texts: Record<string, string>,
  version: string,
  { manifestsDir }: ReleaseSource,
): (name: string) => KubernetesObject[] {
  return (name) => {
    const objects = parseManifest(texts[name] ?? "", name);
    const bare = version.replace(/^v/, "");
    const found = objects.flatMap(versionsOf).find((other) => other !== bare);
    if (found !== undefined) {
      const remedy =
        manifestsDir === undefined ? "set another version" : "correct the folder in manifestsDir";
      throw new ReleaseError(`${name} is of release ${found}, not ${bare}; ${remedy}.`);
    }
    return objects;
  };
}

/**
 * The versions that an object of a release gives, without v: by its label, as in all of Knative and Kourier, and by the tags
 * of MetalLB's own images, whose objects have no such label. What was not released is labelled `devel`, and gives none.
 */
function versionsOf({ metadata, spec }: KubernetesObject): string[] {
  const label = metadata.labels?.["app.kubernetes.io/version"] ?? "";
  const images = JSON.stringify(spec ?? {}).matchAll(/"image":"[^"]*\/metallb\/[\w-]+:([^"]+)"/g);
  return [label, ...[...images].map(([, tag = ""]) => tag)]
    .filter((text) => /^v?\d+\.\d+\.\d+$/.test(text))
    .map((text) => text.replace(/^v/, ""));
}

/** Where release files come from. */
export interface ReleaseSource {
  /** A directory with a folder per release. Its files are taken as they are: they may be changed on purpose. */
  manifestsDir?: string;
  /** How downloads are tried again. */
  retry?: Retry;
  /** Where downloads are kept. Defaults to `knative-edge/manifests` below $XDG_CACHE_HOME or ~/.cache. */
  cacheDir?: string;
}

/**
 * The texts of a release's files, by name.
 * @throws ReleaseError when a file is missing, cannot be downloaded, or has another digest than it should.
 */
export async function loadRelease(
  release: Release,
  source: ReleaseSource = {},
): Promise<Record<string, string>> {
  const { manifestsDir } = source;
  const texts = await allInOrder(
    release.files.map(async (file) => {
      const bytes =
        manifestsDir === undefined
          ? await cachedFile(
              path.join(source.cacheDir ?? defaultCacheDir(), release.folder, file.name),
              file,
              source.retry ?? {},
            )
          : await localFile(path.join(manifestsDir, release.folder, file.name), file);
      return [file.name, bytes.toString("utf8")] as const;
    }),
  );
  return Object.fromEntries(texts);
}

/** As Promise.all, but of several that fail, the first of the list is told, and not the first in time. */
async function allInOrder<const All extends readonly unknown[]>(
  all: All,
): Promise<{ -readonly [Index in keyof All]: Awaited<All[Index]> }> {
  await Promise.allSettled(all);
  return Promise.all(all);
}

function release(
  folder: string,
  base: string,
  files: string[],
  entry: ReleaseEntry | undefined,
): Release {
  return {
    folder,
    files: files.map((name) => ({ name, url: `${base}/${name}`, sha256: entry?.sha256[name] })),
  };
}

function defaultCacheDir(): string {
  const base = process.env.XDG_CACHE_HOME || path.join(os.homedir(), ".cache");
  return path.join(base, "knative-edge", "manifests");
}

async function localFile(file: string, { url }: ReleaseFile): Promise<Buffer> {
  const bytes = await readIfThere(file);
  if (bytes === undefined) {
    throw new ReleaseError(`${file} is not there; download it from ${url}, or unset manifestsDir.`);
  }
  return bytes;
}

/** A downloaded file, checked each time it is used. Its recorded digest stands beside it. */
async function cachedFile(file: string, wanted: ReleaseFile, retry: Retry): Promise<Buffer> {
  const record = `${file}.sha256`;
  const sha256 = wanted.sha256 ?? (await readIfThere(record))?.toString("utf8").trim();
  const cached = await readIfThere(file);
  if (cached !== undefined && sha256 !== undefined) {
    checkDigest(cached, sha256, file, `remove ${file} to have it downloaded again`);
    return cached;
  }
  const bytes = await downloaded(wanted, retry);
  if (sha256 === undefined) {
    await writeWhole(record, `${digest(bytes)}\n`);
  } else {
    const source =
      wanted.sha256 === undefined
        ? `its first download's is kept in ${record}`
        : "it is this program's";
    checkDigest(
      bytes,
      sha256,
      wanted.url,
      `do not use it before you know why it changed (${source})`,
    );
  }
  await writeWhole(file, bytes);
  return bytes;
}

async function downloaded({ url, name }: ReleaseFile, retry: Retry): Promise<Buffer> {
  try {
    return await download(url, retry);
  } catch (error) {
    throw new ReleaseError(
      `${(error as Error).message}; check the version in the configuration and the connection, or set manifestsDir to a directory that has ${name}.`,
      { cause: error },
    );
  }
}

function checkDigest(bytes: Buffer, wanted: string, where: string, remedy: string): void {
  const found = digest(bytes);
  if (found !== wanted) {
    throw new ReleaseError(`${where} has sha256 ${found}, not ${wanted}; ${remedy}.`);
  }
}

function digest(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

async function readIfThere(file: string): Promise<Buffer | undefined> {
  try {
    return await fs.readFile(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") {
      return undefined;
    }
    throw new ReleaseError(
      `${file} ${code === "EISDIR" ? "is a directory; a file was expected there" : `cannot be read (${code})`}.`,
      { cause: error },
    );
  }
}
