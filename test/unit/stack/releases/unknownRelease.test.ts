import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { computeBudget } from "../../../../stack/budget/budget";
import { EdgeConfig } from "../../../../stack/config";
import { releaseWarnings } from "../../../../stack/config/releases";
import { loadReleases } from "../../../../stack/releases/releases";
import { renderStack } from "../../../../stack/render/renderStack";
import { stackIdentity } from "../../../../stack/render/stackIdentity";
import { refusals } from "../../../../components/host/changeGuards";
import { testConfig } from "../../../support/config";
import { writeRelabelled } from "../../../support/relabelledReleases";
import { manifestsDir } from "../../../support/releases";

const allow = '["unknownRelease"]';

describe("a release that the table does not know", () => {
  let directory: string;
  before(() => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), "unknown-release-"));
    writeRelabelled(directory, {
      "knative-1.23.0": "1.24.0",
      "net-kourier-1.23.0": "1.24.0",
      "knative-1.22.1": "1.21.3",
      "net-kourier-1.22.1": "1.21.3",
    });
    const metalLb = "metallb-v0.16.1";
    fs.cpSync(path.join(manifestsDir, metalLb), path.join(directory, metalLb), { recursive: true });
  });
  after(() => fs.rmSync(directory, { recursive: true }));

  const planned = async (config: EdgeConfig): Promise<{ text: string; budget: unknown }> => {
    const objects = renderStack(config, await loadReleases(config));
    return { text: JSON.stringify(objects), budget: computeBudget(config, objects) };
  };
  const knative = (version: string): Record<string, string> => ({
    knativeVersion: version,
    kourierVersion: version,
  });

  const releases: [unknown: string, known: string][] = [
    ["1.24.0", "1.23.0"],
    ["1.21.3", "1.22.1"],
  ];
  for (const [version, known] of releases) {
    it(`is planned as any other: Knative ${version}`, async () => {
      const config = testConfig({ ...knative(version), allow, manifestsDir: directory });
      const [ours, theirs] = await Promise.all([
        planned(config),
        planned(testConfig({ ...knative(known), manifestsDir })),
      ]);
      assert.ok(ours.text.includes(`"app.kubernetes.io/version":"${version}"`));
      assert.equal(ours.text.replaceAll(version, known), theirs.text);
      assert.deepEqual(ours.budget, theirs.budget);
      assert.deepEqual(refusals(undefined, stackIdentity(config), config.allow), []);
    });
  }

  it("is warned of, by component", () => {
    const { version } = testConfig().k0s;
    assert.match(version, /^v1\.35\./);
    const config = testConfig({ ...knative("1.24.0"), metallbVersion: "v0.17.0", allow });
    assert.deepEqual(
      releaseWarnings(config),
      ["Knative Serving 1.24.0", "net-kourier 1.24.0", "MetalLB v0.17.0"].map(
        (release) =>
          `${release} is not a release this program knows, and unknownRelease is in allow: its files are taken as ` +
          "they come, and whether it runs on Kubernetes v1.35 is not checked; see its release notes.",
      ),
    );
    assert.deepEqual(releaseWarnings(testConfig({ allow })), []);
    assert.deepEqual(releaseWarnings(testConfig({ knativeVersion: "1.23.7" })), []);
  });

  it("is refused where its files are of another version", async () => {
    fs.cpSync(path.join(manifestsDir, "knative-1.23.0"), path.join(directory, "knative-1.25.0"), {
      recursive: true,
    });
    writeRelabelled(directory, { "net-kourier-1.23.0": "1.25.0" });
    await assert.rejects(
      loadReleases(testConfig({ ...knative("1.25.0"), allow, manifestsDir: directory })),
      { message: /is of release 1\.23\.0, not 1\.25\.0; correct the folder in manifestsDir\.$/ },
    );
  });

  it("is still held to what is known of others", () => {
    const problems: [changed: Record<string, string>, message: RegExp][] = [
      [
        { knativeVersion: "1.24.0" },
        /kourierVersion: 1\.23\.0 does not go with Knative Serving 1\.24\.0/,
      ],
      [
        { ...knative("1.24.0"), k0sVersion: "v1.36.1+k0s.0", metallbVersion: "v0.15.3" },
        /MetalLB v0\.15\.3 runs on 1\.25 to 1\.35/,
      ],
    ];
    for (const [changed, message] of problems) {
      assert.throws(() => testConfig({ ...changed, allow }), message);
    }
    for (const version of ["latest", "1.24", "v1.24.0", "1.24.0-rc1", "01.24.0", "../1.24.0"]) {
      assert.throws(
        () => testConfig({ ...knative(version), allow }),
        /is not a release this program knows; take 1\.22\.1 or 1\.23\.0, or another patch release of theirs\.$/m,
      );
    }
  });
});
