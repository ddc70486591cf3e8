import * as fs from "node:fs";
import * as path from "node:path";
import { manifestsDir } from "./releases";

/**
 * Writes the fixture's releases under other versions: what a release that nobody knows may look like.
 * @param to Directory that gets them, laid out as `manifestsDir` wants it.
 * @param versions The new version by folder of the fixture, both without v.
 */
export function writeRelabelled(to: string, versions: Record<string, string>): void {
  for (const [folder, version] of Object.entries(versions)) {
    const [old = ""] = /\d+\.\d+\.\d+$/.exec(folder) ?? [];
    const target = path.join(to, folder.replace(old, version));
    fs.mkdirSync(target, { recursive: true });
    for (const file of fs.readdirSync(path.join(manifestsDir, folder))) {
      const text = fs.readFileSync(path.join(manifestsDir, folder, file), "utf8");
      fs.writeFileSync(path.join(target, file), text.replaceAll(old, version));
    }
  }
}
