import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import yaml from "js-yaml";
import { manifestsDir, writeManifests } from "../../lab/manifests";

const released =
  process.env.KNATIVE_EDGE_MANIFESTS || path.resolve(__dirname, "../../../shared/manifests");

type Named = { kind: string; metadata: { namespace?: string; name: string } };

/** Objects of a manifest by kind, namespace and name; images by tag, since a digest is the builder's own. */
function objects(file: string): Map<string, unknown> {
  const text = readFileSync(file, "utf8").replace(/@sha256:\w+/g, ":v1.23.0");
  const all = (yaml.loadAll(text) as (Named | null)[]).filter((object) => object !== null);
  return new Map(all.map((o) => [`${o.kind}/${o.metadata.namespace ?? ""}/${o.metadata.name}`, o]));
}

describe("the lab's manifests", () => {
  const named = process.env.KNATIVE_EDGE_MANIFESTS;
  afterEach(() => {
    if (named === undefined) delete process.env.KNATIVE_EDGE_MANIFESTS;
    else process.env.KNATIVE_EDGE_MANIFESTS = named;
  });

  it("are those of the folder that is named, and none else where it is not there", async () => {
    process.env.KNATIVE_EDGE_MANIFESTS = __dirname;
    assert.equal(await manifestsDir(), __dirname);
    process.env.KNATIVE_EDGE_MANIFESTS = "/not/there";
    await assert.rejects(
      manifestsDir(),
      /^Error: KNATIVE_EDGE_MANIFESTS names \/not\/there, which/,
    );
  });
});

describe("manifests made from Go modules", () => {
  it("have the very objects of the releases", async function () {
    if (!existsSync(released)) {
      console.log(
        "      skipped: no released manifests (../shared/manifests or KNATIVE_EDGE_MANIFESTS)",
      );
      return this.skip();
    }
    const made = mkdtempSync(path.join(os.tmpdir(), "knative-edge-"));
    const proxy = process.env.GOPROXY;
    // No network in unit tests: only modules that a build of the lab left here.
    process.env.GOPROXY = "off";
    try {
      await writeManifests(made);
      for (const file of [
        "knative-1.23.0/serving-crds.yaml",
        "knative-1.23.0/serving-core.yaml",
        "knative-1.23.0/serving-default-domain.yaml",
        "net-kourier-1.23.0/kourier.yaml",
        "metallb-v0.16.1/metallb-native.yaml",
      ]) {
        const expected = objects(path.join(released, file));
        const actual = objects(path.join(made, file));
        assert.deepEqual([...actual.keys()].sort(), [...expected.keys()].sort(), file);
        for (const [key, object] of expected)
          assert.deepEqual(actual.get(key), object, `${file} ${key}`);
      }
    } catch (error) {
      if (/GOPROXY=off|ENOENT/.test((error as Error).message)) {
        console.log("      skipped: the lab's Go modules are not here (npm run lab fetches them)");
        return this.skip();
      }
      throw error;
    } finally {
      if (proxy === undefined) delete process.env.GOPROXY;
      else process.env.GOPROXY = proxy;
      rmSync(made, { recursive: true });
    }
  });
});
