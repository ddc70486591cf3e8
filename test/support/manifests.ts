import * as fs from "node:fs";
import * as path from "node:path";

const candidate =
  process.env.KNATIVE_EDGE_MANIFESTS ?? path.resolve(__dirname, "../../../shared/manifests");

/** The folder with release manifests, named by KNATIVE_EDGE_MANIFESTS or beside the checkout; undefined without one. */
export const manifestsDir: string | undefined = fs.existsSync(candidate) ? candidate : undefined;

/** Skips what needs whole releases where there are none, and says so: `before(needReleases)`. */
export function needReleases(this: Mocha.Context): void {
  if (manifestsDir === undefined) {
    console.log(
      "SKIPPED: no release manifests; set KNATIVE_EDGE_MANIFESTS to a directory with them.",
    );
    this.skip();
  }
}
