// What the default policy is for: on a host that is really held to 1 CPU and 1536 MiB, `scale` without the measures for
// little memory is short of it, and `edge` over that state mends it.
import { strict as assert } from "node:assert";
import { setTimeout as sleep } from "node:timers/promises";
import { podsOf, pressureOf } from "../../../lab/bench/fit";
import { hostMemory } from "../../../lab/bench/memory";
import { watch } from "../../../lab/bench/watch";
import { bootHost, hostFacts, powerOff } from "../../../lab/host";
import { assertCalm, eventually, eventuallyHello, kubeconfigOf, targetOf } from "../../support/lab";
import { LabStack } from "../../support/labStack";

const lab = new LabStack("edge2");
const { host } = lab;

/** How many pages of files the host reads again each second, over a minute. */
async function refaultsPerSecond(): Promise<number> {
  const { refaults } = hostMemory(host);
  await sleep(60_000);
  return (hostMemory(host).refaults - refaults) / 60;
}

describe("memory of a host that is held to 1 CPU and 1536 MiB", function () {
  before(() => lab.create());
  after(() => lab.remove());

  it("scale without the measures is refused, and where it is allowed the host is short of memory", async () => {
    const { hardCap, memoryMiB } = hostFacts(host).size;
    assert.deepEqual({ hardCap, memoryMiB }, { hardCap: true, memoryMiB: 1536 });
    const scale = {
      resourcePolicy: "scale",
      lowMemory: { collectGarbage: false, removeMetricsServer: false },
    };
    await lab.configure(scale);
    await lab.fails(/Or add memoryShort to the list allow/);
    await lab.configure({ ...scale, allow: ["memoryShort"] });
    const running = await lab.start();
    // The run on a real host took 902 s, with evictions. Here nobody waits for the end: what is tried is whether the host
    // is as short of memory as the real one, also after the first minutes.
    await eventually("an API that answers", 120, async () => {
      await podsOf(await kubeconfigOf(host));
      return true;
    });
    // What comes of it differs from run to run: programs read again and again, restarts, or pods that kubelet evicts,
    // after which the rest has room.
    let seen = "";
    await eventually("5,000 refaults a second, or restarted or evicted pods", 900, async () => {
      const perSecond = await refaultsPerSecond();
      const kubeconfig = await kubeconfigOf(host);
      const { restarts, evicted } = await podsOf(kubeconfig);
      const times = Object.values(restarts).reduce((sum, each) => sum + each, 0);
      seen =
        `${perSecond.toFixed(0)} refaults/s, ${times} restarts, evicted: ${evicted.join() || "none"}, ` +
        JSON.stringify(await pressureOf(kubeconfig));
      const isSettled = running.hasEnded() && perSecond > 5000;
      return isSettled || evicted.length + times > 0;
    });
    console.log(`      ${seen}`);
    await running.kill();
  });

  it("edge over that state converges with a plain up, and the host is calm", async () => {
    // The run that was cut off left its lock.
    await lab.run("cancel", "--yes");
    await lab.configure({ resourcePolicy: "edge", lowMemory: undefined, allow: undefined });
    await lab.converges();
    const kubeconfig = await kubeconfigOf(host);
    // The kubelet takes the condition back five minutes after its cause is gone.
    await eventually("the node without pressure", 420, async () => {
      const now = Object.keys(await pressureOf(kubeconfig)).filter((key) => key.startsWith("now "));
      return now.length === 0;
    });
    await assertCalm(host, 150, await podsOf(kubeconfig));
    const now = await refaultsPerSecond();
    console.log(`      ${now.toFixed(0)} refaults/s with edge`);
    assert.ok(now < 3000, `${now} refaults/s, where a real host has 1,483`);
  });

  it("a power cut while it is asked is followed by an answer, and then every request is answered", async () => {
    let stopped = false;
    const load = (async () => {
      while (!stopped) await eventuallyHello(host, 1).catch(() => undefined);
    })();
    await powerOff(host);
    await bootHost(host);
    await eventuallyHello(host, 300);
    stopped = true;
    await load;
    const { failures } = await watch(await targetOf(host), 150, new AbortController().signal);
    assert.deepEqual(failures, {});
  });

  it("ten minutes of requests pass without a restart, an eviction or a failed request", async () => {
    await assertCalm(host, 600, await podsOf(await kubeconfigOf(host)));
  });
});
