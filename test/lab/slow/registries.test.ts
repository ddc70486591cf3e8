// A registry that cannot be reached, beside a stack that runs.
import { strict as assert } from "node:assert";
import { network } from "../../../lab/paths";
import { waitFor } from "../../../lab/process";
import { startPulumi } from "../../support/faults";
import { changedNames } from "../../support/lab";
import { RegistryStack } from "../../support/registryStack";

const lab = new RegistryStack("edge17");

describe("private registries that cannot be reached", () => {
  before(async () => {
    await lab.create();
    await lab.configureWithLogin(lab.settings("password"));
    await lab.up();
  });

  after(() => lab.remove());

  it("are not needed for the start of a pod whose image the host has", async () => {
    await lab.offline(async () => {
      await lab.kubectl("delete pods -l serving.knative.dev/service=hello");
      await lab.answers("hello", "Hello Edge!!");
      await lab.answers("orders", "Hello orders!");
      await lab.answers("billing", "Hello billing!");
    });
  });

  it("that cannot be reached are in the way of a service without a state alone", async () => {
    const settings = lab.settings("password");
    const extra = { image: `${lab.registry.host("password")}/team/extra:1` };
    await lab.offline(async () => {
      await lab.configureWithLogin({ ...settings, services: { ...settings.services, extra } });
      await lab.fails(/services\.extra\.image: .* cannot be reached/);
      await lab.configureWithLogin(settings);
      assert.deepEqual(await changedNames(lab.stack), []);
    });
  });

  it("that go down in the middle of an up leave the old revision at work, and the next up goes on", async () => {
    await lab.push("orders", "team/orders:1", "late");
    const asked = (): number =>
      lab.registry
        .requests("password", network.gateway)
        .filter((line) => /HEAD \/v2\/team\/.* 200 /.test(line)).length;
    const before = asked();
    const running = await startPulumi(["up", "--yes", "--skip-preview"], lab.stack);
    await waitFor(
      () => asked() >= before + 2,
      120,
      () => `not asked: ${running.output()}`,
    );
    await lab.registry.close("password");
    assert.notEqual(await running.ended, 0, running.output());
    lab.printed.push(running.output());
    assert.match(running.output(), /orders.*(ErrImagePull|ImagePullBackOff|Unable to fetch image)/);
    await lab.answers("orders", "Hello orders!");
    await lab.registry.open("password");
    await lab.up();
    await lab.allAnswer("late");
  });
});
