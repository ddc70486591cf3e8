import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { manifestsDir, writeManifests } from "../../lab/manifests";
import { parseManifest } from "../../components/cluster/manifests";
import { describe as nameOf, KubernetesObject } from "../../components/cluster/kubernetesObject";
import { configMapProblems, exampleKey } from "../../components/knative/configMaps";
import { releasedComponents } from "../../stack/releases/releaseTable";
import {
  kourierRelease,
  metalLbRelease,
  Release,
  servingRelease,
} from "../../stack/releases/releases";
import { reduced, releaseObjects } from "../support/releaseObjects";

/** The releases' files in a folder by `<release>/<file>`; those that are not there are left out. */
function filesIn(folder: string, releases: Release[]): Map<string, string> {
  const files = releases.flatMap((release) =>
    release.files.map(({ name }) => `${release.folder}/${name}`),
  );
  return new Map(
    files
      .filter((file) => fs.existsSync(path.join(folder, file)))
      .map((file) => [file, fs.readFileSync(path.join(folder, file), "utf8")]),
  );
}

/** By name, and what stands twice in a file once. */
function byName(objects: KubernetesObject[]): Record<string, KubernetesObject> {
  return Object.fromEntries(objects.map((object) => [nameOf(object), object]));
}

const { knativeVersion, kourierVersion, metallbVersion } = releasedComponents;
const known = [
  ...Object.keys(knativeVersion.releases).map(servingRelease),
  ...Object.keys(kourierVersion.releases).map(kourierRelease),
  ...Object.keys(metallbVersion.releases).map(metalLbRelease),
];

describe("the releases", function () {
  let folder: string;
  let made: string;
  let isReleased: boolean;

  before(async function () {
    folder = await manifestsDir();
    made = fs.mkdtempSync(path.join(os.tmpdir(), "knative-edge-made-"));
    await writeManifests(made);
    // Those that the lab makes have the images and digests of its own build.
    isReleased = fs.existsSync(path.join(folder, "knative-1.22.1"));
    if (!isReleased) {
      console.log("      only the releases that the lab makes are here, without 1.22.1");
    }
  });

  after(() => made && fs.rmSync(made, { recursive: true }));

  it("say what the unit tests' fixture says of them", () => {
    const fixture = releaseObjects();
    const releases = Object.entries(fixture).map(([release, files]) => ({
      folder: release,
      files: Object.keys(files).map((name) => ({ name, url: "" })),
    }));
    const files = filesIn(folder, releases);
    assert.ok(files.size >= 5, `${folder} has ${files.size} files of the releases`);
    for (const [file, text] of files) {
      const [release = "", name = ""] = file.split("/");
      const real = byName(parseManifest(text, file).map(reduced));
      const told = byName(fixture[release]?.[name] ?? []);
      assert.deepEqual(
        isReleased ? told : withoutDigests(told),
        isReleased ? real : withoutDigests(real),
        file,
      );
    }
  });

  it("are made from the lab's Go modules as they were released", () => {
    const files = filesIn(made, known);
    assert.equal(files.size, 5);
    for (const [file, text] of files) {
      const released = path.join(folder, file);
      const [ours, theirs] = [text, fs.readFileSync(released, "utf8")].map((each) =>
        byName(parseManifest(each.replace(/@sha256:\w+/g, ":v1.23.0"), file)),
      );
      assert.deepEqual(ours, theirs, file);
    }
  });

  it("have the digests of the table", () => {
    const digests = known.flatMap((release) =>
      release.files
        .filter(({ sha256 }) => sha256 !== undefined)
        .map(({ name, sha256 }) => [`${release.folder}/${name}`, sha256] as const),
    );
    assert.ok(digests.length >= 8, `${digests.length} digests`);
    const files = filesIn(folder, known);
    // The lab's are made and not downloaded, so only their objects are the same.
    for (const [file, digest] of isReleased ? digests : []) {
      const text = files.get(file);
      assert.ok(text !== undefined, `${folder} has no ${file}`);
      assert.equal(createHash("sha256").update(text).digest("hex"), digest, file);
    }
  });

  it("give examples that this program takes, key by key, in Knative's own settings", () => {
    for (const version of Object.keys(knativeVersion.releases)) {
      const files = filesIn(folder, [servingRelease(version), kourierRelease(version)]);
      if (files.size === 0 && !isReleased) continue;
      const all = [...files.values()]
        .flatMap((text) => parseManifest(text, version))
        .filter(({ data }) => data?.[exampleKey] !== undefined);
      let values = 0;
      for (const { metadata, data } of all) {
        const example = (data?.[exampleKey] ?? "").matchAll(/^([\w.-]+): *"?([^"\n|]+)"?$/gm);
        const given = Object.fromEntries(
          [...example].map(([, key = "", value = ""]) => [key, value]),
        );
        assert.deepEqual(configMapProblems({ [metadata.name]: given }, all), [], metadata.name);
        values += Object.keys(given).length;
      }
      assert.ok(values > 100, `${version}: ${values}`);
    }
  });
});

function withoutDigests<T>(objects: T): T {
  return JSON.parse(JSON.stringify(objects).replace(/(@sha256:\w+|:v[\d.]+)/g, "")) as T;
}
