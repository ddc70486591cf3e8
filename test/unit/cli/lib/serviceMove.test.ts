import assert from "node:assert/strict";
import { serviceMove } from "../../../../cli/lib/serviceMove";
import { withImages } from "../../../../components/knative/service/serviceImage";
import { knativeService } from "../../../../components/knative/service/serviceObject";
import { withSecrets } from "../../../../components/knative/service/serviceSecrets";
import { ServiceSpec } from "../../../../components/knative/service/serviceSpec";

const app = (spec: Partial<ServiceSpec> = {}) =>
  knativeService("app", "default", { image: "ghcr.io/team/app:1", ...spec });
const pinned = (letter: string, byTag?: string) =>
  withImages(app(), () => ({ image: `ghcr.io/team/app@sha256:${letter.repeat(64)}`, byTag }));
const secret = (variables: Record<string, string>) =>
  withSecrets(app(), { variables, files: {} }, "key").object;

describe("what changes for a service's users", () => {
  it("is nothing where nothing changes, or only what it requests", () => {
    assert.deepEqual(serviceMove(app(), app()), []);
    assert.deepEqual(serviceMove(app(), app({ requests: { cpu: "1m" } })), []);
  });

  it("is another image, by tag and digest", () => {
    const [tag, other] = ["ghcr.io/team/app:1", "ghcr.io/team/app:2"];
    assert.deepEqual(serviceMove(pinned("a", tag), pinned("b", tag)), [
      "runs `ghcr.io/team/app:1 (sha256:bbbbbbbbbbbb…)` in place of `ghcr.io/team/app:1 (sha256:aaaaaaaaaaaa…)`",
    ]);
    assert.deepEqual(serviceMove(app(), pinned("b", other)), [
      "runs `ghcr.io/team/app:2 (sha256:bbbbbbbbbbbb…)` in place of `ghcr.io/team/app:1`",
    ]);
  });

  it("is the secrets, by their names", () => {
    assert.deepEqual(
      serviceMove(secret({ A: "1", B: "1", C: "1" }), secret({ B: "2", C: "1", D: "1" })),
      ["gets the secrets `D`", "gets other values of `B`", "loses the secrets `A`"],
    );
    assert.deepEqual(serviceMove(app(), secret({ A: "1" })), ["gets the secrets `A`"]);
  });

  it("is where requests go", () => {
    const split = app({
      traffic: [
        { revisionName: "app-v1", percent: 80 },
        { latestRevision: true, percent: 20, tag: "next" },
      ],
    });
    assert.deepEqual(serviceMove(app(), split), [
      "sends 80 % to app-v1, 20 % to the latest revision (tag next); before, all requests to the latest revision",
    ]);
  });
});
