/**
 * The release manifests for what the lab builds. They come from a folder of releases, if there is one:
 * `../shared/manifests`, or the one that KNATIVE_EDGE_MANIFESTS names. Otherwise the lab makes them from its Go
 * modules, as Knative does with `ko`.
 */
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import { writeWhole } from "../lib/atomicWrite";
import { dirs, repoRoot } from "./paths";
import { run } from "./process";
import { knativeVersion, metallbVersion } from "./versions";

/** The releases of which lab/go has the modules. */
const releases = {
  knative: knativeVersion,
  kourier: knativeVersion,
  metallb: metallbVersion,
} as const;

const registry = "gcr.io/knative-releases";

/** The directory for the program's `manifestsDir`. Throws when KNATIVE_EDGE_MANIFESTS names one that is not there. */
export async function manifestsDir(): Promise<string> {
  const named = process.env.KNATIVE_EDGE_MANIFESTS;
  if (named && !existsSync(named)) {
    throw new Error(
      `KNATIVE_EDGE_MANIFESTS names ${named}, which is not there: correct or unset it.`,
    );
  }
  const given = named || path.resolve(repoRoot, "../shared/manifests");
  if (existsSync(given)) return given;
  await writeManifests(dirs.manifests);
  return dirs.manifests;
}

/** Writes the manifests of the lab's releases, made from their Go modules, in a folder for each release. */
export async function writeManifests(target: string): Promise<void> {
  const serving = await moduleDir("serving", "knative.dev/serving");
  const networking = await moduleDir("serving", "knative.dev/networking");
  const caching = await moduleDir("serving", "knative.dev/caching");
  const metallb = await moduleDir("metallb", "go.universe.tf/metallb");

  // Knative's repository has links to these in config/core, and a Go module has no links.
  const linkedCrds = [
    ...["certificate", "ingress", "serverlessservice", "domain-claim"].map((name) =>
      path.join(networking, "config", `${name}.yaml`),
    ),
    path.join(caching, "config/image.yaml"),
  ];
  const crds = [...yamlFiles(path.join(serving, "config/core/300-resources")), ...linkedCrds];
  const core = [
    ...yamlFiles(path.join(serving, "config/core")).filter((file) => !crds.includes(file)),
    path.join(networking, "config/config-network.yaml"),
  ];
  const knative = path.join(target, `knative-${releases.knative}`);
  await writeWhole(path.join(knative, "serving-crds.yaml"), asReleased(crds));
  await writeWhole(path.join(knative, "serving-core.yaml"), asReleased([...crds, ...core]));
  await writeWhole(
    path.join(knative, "serving-default-domain.yaml"),
    asReleased([path.join(serving, "config/post-install/default-domain.yaml")]),
  );
  await writeWhole(
    path.join(target, `net-kourier-${releases.kourier}`, "kourier.yaml"),
    readFileSync(path.join(serving, "third_party/kourier-latest/kourier.yaml"), "utf8")
      .replace(/gcr\.io\/knative-nightly(\S+?)@sha256:\w+/g, `${registry}$1:v${releases.kourier}`)
      .replace(/(app\.kubernetes\.io\/version:) .*/g, `$1 "${releases.kourier}"`),
  );
  await writeWhole(
    path.join(target, `metallb-${releases.metallb}`, "metallb-native.yaml"),
    readFileSync(path.join(metallb, "config/manifests/metallb-native.yaml"), "utf8"),
  );
}

/**
 * Source manifests with the release's labels and image names. Images are named by tag; a release names them by digest.
 */
function asReleased(files: readonly string[]): string {
  return files
    .map((file) => readFileSync(file, "utf8"))
    .join("\n---\n")
    .replace(/ko:\/\/(\S+)/g, `${registry}/$1:v${releases.knative}`)
    .replace(/(app\.kubernetes\.io\/version:) devel/g, `$1 "${releases.knative}"`);
}

/** The YAML files of a folder and those below it, in the order of their paths. */
function yamlFiles(dir: string): string[] {
  return readdirSync(dir)
    .sort()
    .map((entry) => path.join(dir, entry))
    .flatMap((entry) => (statSync(entry).isDirectory() ? yamlFiles(entry) : entry))
    .filter((file) => file.endsWith(".yaml"));
}

/** Folder of a module, at the version that a group of lab/go builds. Downloads it if it is missing. */
async function moduleDir(group: string, module: string): Promise<string> {
  const { stdout } = await run("go", ["mod", "download", "-json", module], {
    cwd: path.join(__dirname, "go", group),
  });
  return (JSON.parse(stdout) as { Dir: string }).Dir;
}
