import * as fs from "node:fs";
import * as path from "node:path";
import { parseManifest } from "../../components/cluster/manifests";
import { KubernetesObject } from "../../components/cluster/kubernetesObject";

/** The objects of a file in test/fixtures. */
export function fixture(file: string): KubernetesObject[] {
  return parseManifest(fs.readFileSync(path.join(__dirname, "../fixtures", file), "utf8"), file);
}

/** The object of a kind and name; an error when there is not exactly one. */
export function find(objects: KubernetesObject[], kind: string, name: string): KubernetesObject {
  const found = objects.filter((object) => object.kind === kind && object.metadata.name === name);
  if (found.length !== 1 || found[0] === undefined) {
    throw new Error(`${found.length} objects are ${kind} ${name}.`);
  }
  return found[0];
}
