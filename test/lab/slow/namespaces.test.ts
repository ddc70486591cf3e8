// A namespace of services that somebody deletes by hand, with all that is in it.
import { strict as assert } from "node:assert";
import { pulumi } from "../../../lab/engine";
import { get } from "../../../lab/http";
import { changedNames, eventually, loadBalancer } from "../../support/lab";
import { LabStack } from "../../support/labStack";

const lab = new LabStack("edge16");
const domain = "api.example.com";

describe("a namespace that was deleted by hand", () => {
  before(async () => {
    await lab.create();
    const image = "ghcr.io/knative/helloworld-go:latest";
    await lab.configure({
      sample: "false",
      services: { api: { image, namespace: "shop", domains: [domain] } },
      namespaces: { shop: { quota: { pods: 4 } } },
    });
    const path = ["--path", "serviceSecrets.api.TARGET"];
    await pulumi(["config", "set", "--secret", ...path], { stack: lab.stack, input: "secret" });
    await lab.up();
  });

  after(() => lab.remove());

  const answers = () =>
    eventually("the service answers", 60, async () => {
      const answer = await get(await loadBalancer(lab.host), domain).catch(() => undefined);
      return answer?.body === "Hello secret!\n";
    });

  it("comes back with an up that refreshes, with its quota, secret, service and domain", async () => {
    await answers();
    // Its pods may take minutes to end.
    await lab.kubectl("delete namespace shop --timeout=600s");
    const { code, text } = await lab.run("up", "--refresh", "--yes", "--skip-preview");
    assert.equal(code, 0, text);
    await answers();
    const quota = "-n shop get resourcequota services -o jsonpath={.spec.hard.pods}";
    assert.equal(await lab.kubectl(quota), "4");
    assert.deepEqual(await changedNames(lab.stack), []);
  });
});
