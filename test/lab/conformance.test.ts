// Ten and more cases of upstream's suite of ingresses, on the smallest host. All of them: npm run conformance.
import { strict as assert } from "node:assert";
import { ConformanceHost } from "../../lab/conformance/host";
import { runSuite } from "../../lab/conformance/suite";
import { kubeconfigFile } from "../../lab/engine";
import { kubectlOn } from "../support/lab";

describe("upstream's conformance suite of ingresses", () => {
  const host = new ConformanceHost("edge13");

  before(() => host.create(["ingress"], () => undefined));
  after(() => host.remove());

  it("passes in its quick cases, and leaves nothing", async () => {
    const cases = await runSuite("ingress", {
      kubeconfig: await kubeconfigFile(host.name),
      images: host.images,
      only: /basics|headers|grpc|hosts|timeout|retry|websocket|host-rewrite/,
      signal: new AbortController().signal,
      say: () => undefined,
    });
    assert.deepEqual(
      cases.filter(({ outcome }) => outcome !== "passed"),
      [],
    );
    assert.ok(cases.length >= 10, String(cases.length));
    assert.doesNotMatch(await kubectlOn(host.name, "get namespaces -o name"), /serving-tests/);
  });
});
