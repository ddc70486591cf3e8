import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  fileDigests,
  k0sDigests,
  madeFiles,
  parseKubernetesRange,
  releaseBefore,
  withEntry,
} from "../../../../stack/releases/releaseEntry";
import table from "../../../../stack/releases/table.json";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const entry = { sha256: {}, kubernetes: { minor: 34 } };

describe("a release's entry in the table", () => {
  it("is compared with the newest before it", () => {
    const releases = { "1.9.0": entry, "1.22.1": entry, "1.23.0": entry };
    assert.equal(releaseBefore(releases, "1.23.0"), "1.22.1");
    assert.equal(releaseBefore(releases, "1.24.0"), "1.23.0");
    assert.equal(releaseBefore(releases, "1.9.0"), undefined);
    assert.equal(releaseBefore({ "v0.9.0": entry, "v0.15.3": entry }, "v0.16.1"), "v0.15.3");
  });

  it("has the digests of the files, those in the table before among them", () => {
    assert.deepEqual(
      fileDigests({ "a.yaml": "a", "b.yaml": "b" }, { "a.yaml": sha256("a"), c: "d" }),
      {
        "a.yaml": sha256("a"),
        c: "d",
        "b.yaml": sha256("b"),
      },
    );
    assert.throws(() => fileDigests({ "a.yaml": "other" }, { "a.yaml": sha256("a") }), {
      message: `a.yaml has sha256 ${sha256("other")}, and the table has ${sha256("a")}: it is not the release's own file, or the release changed.`,
    });
  });

  it("has no digest of a file that was made from the release's source", () => {
    const image = "image: gcr.io/knative-releases/knative.dev/serving/cmd/default-domain";
    const texts = { made: `a:\n  ${image}:v1.23.0\n`, released: `a:\n  ${image}@sha256:abc\n` };
    assert.deepEqual(madeFiles(texts), ["made"]);
    assert.deepEqual(Object.keys(fileDigests(texts)), ["released"]);
  });

  it("stands in its order, and leaves the others as they are", () => {
    const releases = withEntry(table.knativeVersion, "1.9.0", entry);
    assert.deepEqual(Object.keys(withEntry(releases, "1.24.0", entry)), [
      "1.9.0",
      ...Object.keys(table.knativeVersion),
      "1.24.0",
    ]);
    const [version = "", known = entry] = Object.entries(table.knativeVersion)[0] ?? [];
    assert.equal(
      JSON.stringify(withEntry(table.knativeVersion, version, known)),
      JSON.stringify(table.knativeVersion),
    );
  });

  it("has a range of Kubernetes", () => {
    assert.deepEqual(parseKubernetesRange("1.34-1.36"), { minor: 34, lastMinor: 36 });
    assert.deepEqual(parseKubernetesRange("1.34-"), { minor: 34 });
    for (const text of ["1.34", "1.36-1.34", "34-36", ""]) {
      assert.equal(parseKubernetesRange(text), undefined);
    }
  });

  it("of k0s are the digests in the release's own list", () => {
    const sums =
      "aa *k0s-v1.36.1+k0s.0-amd64\nbb  k0s-v1.36.1+k0s.0-arm64\ncc *k0s-v1.36.1+k0s.0-arm\n";
    assert.deepEqual(k0sDigests(sums, "v1.36.1+k0s.0"), { amd64: "aa", arm64: "bb" });
    assert.throws(() => k0sDigests(sums, "v1.36.2+k0s.0"), {
      message: "sha256sums.txt does not list k0s-v1.36.2+k0s.0-amd64; check the version.",
    });
  });
});
