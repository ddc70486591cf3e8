// What a new release changes, and its entry in the table: npm run release -- knative 1.24.0 [--write]
import * as path from "node:path";
import { withoutDuplicates } from "../components/cluster/manifests";
import { KubernetesObject } from "../components/cluster/kubernetesObject";
import { writeWhole } from "../lib/atomicWrite";
import { compareReleases, comparisonText } from "../stack/releases/compareReleases";
import {
  fileDigests,
  k0sDigests,
  madeFiles,
  parseKubernetesRange,
  releaseBefore,
  withEntry,
} from "../stack/releases/releaseEntry";
import {
  isVersion,
  k0sDownload,
  kubernetesOf,
  releasedComponents,
  ReleasedComponent,
  ReleaseEntry,
} from "../stack/releases/releaseTable";
import {
  kourierRelease,
  loadRelease,
  metalLbRelease,
  Release,
  releaseParser,
  ReleaseSource,
  servingRelease,
} from "../stack/releases/releases";
import { runCommand, UsageError } from "./lib/command";

const usage = `npm run release -- <knative|kourier|metallb|k0s> <version> [--from <directory>] [--base <directory>]
    [--kubernetes <range>] [--write]
  Says what a release changes against the newest one before it in stack/releases/table.json, and prints its entry there.
  --from        a directory with the release in a folder, such as knative-1.24.0; by default it is downloaded
  --base        the same for the release before; by default --from, or else the cache and the download
  --kubernetes  the Kubernetes it runs on, like 1.34-1.36, or 1.34- without an end; by default that of its minor version
  --write       writes the entry into the table`;

const options = {
  from: { type: "string" },
  base: { type: "string" },
  kubernetes: { type: "string" },
  write: { type: "boolean" },
} as const;

const components: Record<
  string,
  { key: keyof typeof releasedComponents; release: (version: string) => Release }
> = {
  knative: { key: "knativeVersion", release: servingRelease },
  kourier: { key: "kourierVersion", release: kourierRelease },
  metallb: { key: "metallbVersion", release: metalLbRelease },
};

runCommand(
  usage,
  options,
  async ({ from, base = from, kubernetes, write = false }, [name = "", version = ""]) => {
    if (name === "k0s") {
      return k0s(version, { manifestsDir: from }, write);
    }
    const chosen = components[name];
    if (chosen === undefined) {
      throw new UsageError(`"${name}" is no component.`);
    }
    const component: ReleasedComponent = releasedComponents[chosen.key];
    if (!isVersion(component, version)) {
      const like = Object.keys(component.releases).at(-1);
      throw new UsageError(
        `"${version}" is no version of ${component.title}; write it like ${like}.`,
      );
    }
    const texts = await loadRelease(chosen.release(version), { manifestsDir: from });
    const objects = objectsOf(texts, version, { manifestsDir: from });
    const before = releaseBefore(component.releases, version);
    if (before === undefined) {
      console.log(`The table has no ${component.title} before ${version} to compare with.`);
    } else {
      const source = { manifestsDir: base };
      const old = objectsOf(await loadRelease(chosen.release(before), source), before, source);
      console.log(`${component.title} ${version}, compared with ${before}:\n`);
      console.log(comparisonText(compareReleases(old, objects)));
    }
    const range =
      kubernetes === undefined
        ? kubernetesOf(component, version)
        : parseKubernetesRange(kubernetes);
    if (kubernetes !== undefined && range === undefined) {
      throw new UsageError(`--kubernetes ${kubernetes} is no range; write it like 1.34-1.36.`);
    }
    const known = component.releases[version];
    const sha256 = fileDigests(texts, known?.sha256);
    console.log(
      `\nIts entry in the table:\n${JSON.stringify({ [version]: { sha256, kubernetes: range } }, null, 2)}`,
    );
    for (const file of madeFiles(texts)) {
      console.log(
        `${file} names an image by tag, as no release does: it is not the release's own, so its digest is not in the entry.`,
      );
    }
    if (range === undefined) {
      const missing =
        "A release's files do not say which Kubernetes it runs on: stack/releases/releaseTable.ts says where to look; give it by --kubernetes.";
      if (write) {
        throw new Error(missing);
      }
      console.log(missing);
    } else if (write) {
      await writeTable(chosen.key, version, { ...known, sha256, kubernetes: range });
    }
  },
  2,
);

/** A release's objects, each once. */
function objectsOf(
  texts: Record<string, string>,
  version: string,
  source: ReleaseSource,
): KubernetesObject[] {
  return withoutDuplicates(Object.keys(texts).flatMap(releaseParser(texts, version, source)));
}

async function writeTable(
  key: keyof typeof releasedComponents,
  version: string,
  entry: ReleaseEntry,
): Promise<void> {
  const file = path.join(__dirname, "../stack/releases/table.json");
  const all = Object.entries(releasedComponents).map(([name, { releases }]) => [
    name,
    name === key ? withEntry(releases, version, entry) : releases,
  ]);
  await writeWhole(file, `${JSON.stringify(Object.fromEntries(all), null, 2)}\n`);
  console.log(`Written to ${path.relative(process.cwd(), file)}; now run npx tsx cli/docs.ts.`);
}

/** k0s has no entry: its binary is checked against the release's own list, or against what the user pins. */
async function k0s(version: string, source: ReleaseSource, write: boolean): Promise<void> {
  const minor = /^v1\.(\d+)\.\d+\+k0s\.\d+$/.exec(version)?.[1];
  if (minor === undefined) {
    throw new UsageError(`"${version}" is no version of k0s; write it like v1.35.7+k0s.0.`);
  }
  if (write) {
    throw new UsageError(
      "k0s has no entry in the table; set k0sVersion and k0sSha256 as this command prints them.",
    );
  }
  const file = "sha256sums.txt";
  const release = {
    folder: `k0s-${version}`,
    files: [{ name: file, url: k0sDownload(version).sumsUrl }],
  };
  const digests = k0sDigests((await loadRelease(release, source))[file] ?? "", version);
  console.log(`k0s ${version} is Kubernetes 1.${minor}. By the table, these run on it:`);
  for (const { title, releases } of Object.values<ReleasedComponent>(releasedComponents)) {
    const fit = Object.entries(releases).filter(
      ([, { kubernetes }]) =>
        kubernetes.minor <= Number(minor) && Number(minor) <= (kubernetes.lastMinor ?? Infinity),
    );
    console.log(`  ${title}: ${fit.map(([each]) => each).join(", ") || "none"}`);
  }
  console.log(`\npulumi config set k0sVersion ${version}`);
  for (const [arch, digest] of Object.entries(digests)) {
    console.log(`pulumi config set k0sSha256 ${digest}   # of a host with ${arch}`);
  }
}
