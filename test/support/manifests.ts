import * as fs from "node:fs";
import * as path from "node:path";

const candidate =
  process.env.KNATIVE_EDGE_MANIFESTS ?? path.resolve(__dirname, "../../../shared/manifests");

/** The folder with release manifests, named by KNATIVE_EDGE_MANIFESTS or beside the checkout; undefined without one. */
export const manifestsDir: string | undefined = fs.existsSync(candidate) ? candidate : undefined;
