import assert from "node:assert/strict";
import { manifestsDir } from "../manifests";

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
