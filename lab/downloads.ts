/** All that the lab downloads or builds: the programs, and from them what hosts download and the engine runs. */
import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import { buildAll, groupNames, type GroupName } from "./build";
import { placeFile } from "./cache";
import { prepareMachine } from "./checks";
import { engineParts, fetchOfficialParts } from "./engine";
import { bundleFile, digestOf, k0sFile } from "./files";
import type { HostParts } from "./hostParts";
import { buildBundle } from "./images";
import { packK0s } from "./k0s/pack";
import { releasedFile } from "./labConfig";
import { dirs } from "./paths";
import { buildProviders } from "./providers/build";

/** What is built for the engine; hosts need the other groups. */
const engineGroups: readonly GroupName[] = ["pulumi", "pulumi-language-nodejs"];

/** Makes what is missing or out of date: half an hour if all is built from nothing, a second if all is there. */
export async function makeDownloads(
  progress: (line: string) => void,
  parts: HostParts,
): Promise<void> {
  for (const dir of [dirs.bin, dirs.downloads]) mkdirSync(dir, { recursive: true });
  await fetchOfficialParts(progress);
  const [engine] = await engineParts();
  const groups = groupNames.filter((name) =>
    engineGroups.includes(name) ? !engine.official : parts.kind === "built",
  );
  if (groups.length > 0) {
    await prepareMachine("builds", progress);
    await buildAll({ binDir: dirs.bin, progress }, groups);
  }
  await Promise.all([
    buildProviders(dirs.bin),
    ...(parts.kind === "built" ? builtDownloads(progress) : [releasedDownloads(parts, progress)]),
  ]);
}

/** The double of k0s and the archive of images, which hosts download from the lab. */
function builtDownloads(progress: (line: string) => void): Promise<unknown>[] {
  const k0s = path.join(dirs.downloads, k0sFile);
  const bundle = path.join(dirs.downloads, bundleFile);
  return [
    packK0s(dirs.bin, k0s).then(() => digestOf(k0s)),
    buildBundle(dirs.bin, bundle, progress).then(() => digestOf(bundle)),
  ];
}

/** The released k0s; hosts pull the images themselves, by the way out that needs iptables. */
async function releasedDownloads(
  { k0s }: HostParts & { kind: "released" },
  progress: (line: string) => void,
): Promise<void> {
  await prepareMachine("nat", progress);
  const file = path.join(dirs.downloads, releasedFile(k0s));
  if (!existsSync(file)) placeFile(k0s.file, file);
}
