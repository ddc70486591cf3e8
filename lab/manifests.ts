/** Where the lab's release manifests come from. */
import { existsSync } from "node:fs";
import path from "node:path";
import { repoRoot } from "./paths";

/** The directory for the program's `manifestsDir`. */
export async function manifestsDir(): Promise<string> {
  const shared =
    process.env.KNATIVE_EDGE_MANIFESTS || path.resolve(repoRoot, "../shared/manifests");
  if (existsSync(shared)) return shared;
  throw new Error("No manifests");
}
