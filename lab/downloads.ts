/** All that the lab downloads or builds: the programs, and from them what hosts download and the engine runs. */
import { mkdirSync } from "node:fs";
import path from "node:path";
import { buildAll, groupNames } from "./build";
import { bundleFile, engineParts, fetchOfficialParts, k0sFile } from "./engine";
import { digestOf } from "./files";
import { buildBundle } from "./images";
import { packK0s } from "./k0s/pack";
import { dirs } from "./paths";
import { buildProviders } from "./providers/build";

/** Builds what is missing or out of date; half an hour from nothing, a second when all is there. */
export async function makeDownloads(progress: (line: string) => void): Promise<void> {
  for (const dir of [dirs.bin, dirs.downloads]) mkdirSync(dir, { recursive: true });
  await fetchOfficialParts(progress);
  const [engine] = await engineParts();
  const groups = groupNames.filter((name) => !(engine.official && name.startsWith("pulumi")));
  await buildAll({ binDir: dirs.bin, progress }, groups);
  const k0s = path.join(dirs.downloads, k0sFile);
  const bundle = path.join(dirs.downloads, bundleFile);
  await Promise.all([
    buildProviders(dirs.bin),
    packK0s(dirs.bin, k0s).then(() => digestOf(k0s)),
    buildBundle(dirs.bin, bundle, progress).then(() => digestOf(bundle)),
  ]);
}
