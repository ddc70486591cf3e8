import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { dump } from "js-yaml";
import { releaseObjects } from "./releaseObjects";

/**
 * A folder with the releases of {@link releaseFacts}, laid out as `manifestsDir` wants it. It is written when this module
 * is loaded and removed when the process ends, so a clone of the repository needs no release beside it.
 */
export const manifestsDir = fs.mkdtempSync(path.join(os.tmpdir(), "knative-edge-releases-"));
process.once("exit", () => fs.rmSync(manifestsDir, { recursive: true, force: true }));
for (const [folder, files] of Object.entries(releaseObjects())) {
  fs.mkdirSync(path.join(manifestsDir, folder));
  for (const [file, objects] of Object.entries(files)) {
    const text = objects.map((object) => dump(object, { noRefs: true })).join("---\n");
    fs.writeFileSync(path.join(manifestsDir, folder, file), text);
  }
}
