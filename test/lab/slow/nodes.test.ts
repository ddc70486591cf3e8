// What a cluster of three nodes survives: interruptions, lost nodes, rebuilt machines, a network that is cut.
import { strict as assert } from "node:assert";
import { bootHost, hostFacts, powerOff, wipeHost } from "../../../lab/host";
import { hostAddress } from "../../../lab/paths";
import { waitFor } from "../../../lab/process";
import { get } from "../../../lab/http";
import { clearTrap, setTrap, trapHolds } from "../../support/faults";
import {
  changedNames,
  eventually,
  eventuallyHello,
  hostnameOf,
  loadBalancer,
} from "../../support/lab";
import { NodesStack, onWorker } from "../../support/nodesStack";

const host = "edge11";
const [first, second] = ["edge12", "edge14"];
const stack = new NodesStack(host, [first, second]);
const image = "ghcr.io/knative/helloworld-go:v1";
const services = { lone: { image, env: { TARGET: "lone" }, autoscaling: { minScale: 1 } } };

describe("a cluster of several nodes", function () {
  before(async () => {
    // Wider than the reference machine: three pods of k0s' and what runs twice find a place when a node is lost.
    await stack.createAll();
    await stack.configure({ services });
    await stack.up();
  });

  after(() => stack.removeAll());

  const configure = (names: string[], more: Record<string, Record<string, unknown>> = {}) =>
    stack.configure({ ...stack.workerEntries(names, more), services });

  /** Waits until a refresh finds nothing to do: it tries resources again of which pods are not up yet. */
  const unchanged = (): Promise<void> =>
    eventually(
      "a refresh finds no change",
      180,
      async () => (await changedNames(stack.stack, ["--refresh"])).length === 0,
    );

  /** Seconds until the service answers again, and three times more. */
  async function answersAgain(service: string, seconds: number): Promise<number> {
    const [address, hostname] = [await loadBalancer(host), await hostnameOf(host, service)];
    const start = Date.now();
    let inARow = 0;
    await waitFor(
      async () => {
        const answer = await get(address, hostname).catch(() => undefined);
        inARow = answer?.status === 200 ? inARow + 1 : 0;
        return inARow >= 3;
      },
      seconds,
      () => `${service} did not answer again within ${seconds} s`,
      300,
    );
    return (Date.now() - start) / 1000;
  }

  for (const [phase, command, having] of [
    ["preflight", "nproc", ""],
    ["the download", "curl", ""],
    ["the installation", "systemctl", "enable"],
  ] as const) {
    it(`a worker joins after the connection was cut in ${phase}`, async () => {
      await configure([first]);
      setTrap(first, command, "cut", having);
      try {
        await stack.fails(/was cut|EOF|connection/i);
      } finally {
        assert.ok(clearTrap(first, command));
      }
    });

    it(`a worker joins after the engine was killed in ${phase}`, () => killsIn(command, having));
  }

  it("a worker joins after the engine was killed while it started", () =>
    killsIn("systemctl", "restart k0sworker"));

  async function killsIn(command: string, having: string): Promise<void> {
    await configure([first]);
    setTrap(first, command, "hold", having);
    try {
      const running = await stack.start();
      await trapHolds(first, 300);
      await running.kill();
    } finally {
      clearTrap(first, command);
    }
    assert.equal((await stack.run("cancel", "--yes")).code, 0);
  }

  it("a token that ended while the worker was joining is no use, and the next up makes another", async () => {
    await configure([second]);
    setTrap(second, "systemctl", "hold", "restart k0sworker");
    try {
      const running = await stack.start();
      await trapHolds(second, 300);
      const tokens = await stack.ssh("k0s token list | awk 'NR > 1 { print $1 }'");
      await stack.ssh(`k0s token invalidate ${tokens.trim().split("\n").join(" ")}`);
      clearTrap(second, "systemctl");
      assert.notEqual(await running.ended, 0);
      assert.match(running.output(), /k0s does not stay up|401 Unauthorized/);
    } finally {
      clearTrap(second, "systemctl");
    }
    await stack.converges();
    assert.deepEqual(await stack.nodes(), { [host]: "True", [second]: "True" });
    assert.match(await stack.ssh("k0s token list"), /No k0s join tokens found/);
  });

  it("takes two workers at once", async () => {
    await configure([first, second]);
    await stack.converges();
    assert.deepEqual(await stack.nodes(), { [host]: "True", [first]: "True", [second]: "True" });
    assert.deepEqual(await changedNames(stack.stack), []);
  });

  it("answers again within a minute after a worker lost its power, the pod of the service with it", async () => {
    await stack.kubectl(`cordon ${host} ${second}`);
    await stack.kubectl("delete pod -l serving.knative.dev/service=lone --wait=false");
    await eventually("lone runs on the first worker", 90, async () => {
      const nodes = await stack.nodesOf("serving.knative.dev/service=lone", "default");
      return nodes.join() === first;
    });
    await stack.kubectl(`uncordon ${host} ${second}`);
    await answersAgain("lone", 60);
    await powerOff(first);
    const hello = await answersAgain("hello", 60);
    const lone = await answersAgain("lone", 60);
    console.log(`      hello after ${hello.toFixed(1)} s, lone ${lone.toFixed(1)} s later`);
    const { failures } = await stack.whileAsked(() => Promise.resolve(), 20);
    assert.deepEqual(failures, {});
    await bootHost(first);
    await eventually(
      "the worker is back",
      120,
      async () => (await stack.nodes())[first] === "True",
    );
    await unchanged();
  });

  it("goes on answering from the workers while the host has no power, and all is well when it is back", async () => {
    await stack.kubectl(`cordon ${host}`);
    await stack.kubectl("delete pod -l serving.knative.dev/service=hello --wait=false");
    await eventually("hello runs on a worker", 90, async () => {
      const nodes = await stack.nodesOf("serving.knative.dev/service=hello", "default");
      return nodes.length === 1 && nodes[0] !== host;
    });
    await stack.kubectl(`uncordon ${host}`);
    await eventuallyHello(host, 60);
    const [address, hostname] = [await loadBalancer(host), await hostnameOf(host, "hello")];
    await powerOff(host);
    const seconds = await answersAgain("hello", 60);
    console.log(`      hello after ${seconds.toFixed(1)} s`);
    let answered = 0;
    for (let request = 0; request < 20; request++) {
      const answer = await get(address, hostname).catch(() => undefined);
      answered += answer?.status === 200 ? 1 : 0;
    }
    assert.ok(answered >= 10, `${answered} of 20 requests were answered without the host`);
    await bootHost(host);
    await eventually("all nodes are back", 180, async () => {
      const nodes = Object.values(await stack.nodes());
      return nodes.length === 3 && nodes.every((ready) => ready === "True");
    });
    await eventuallyHello(host, 120);
    await unchanged();
  });

  it("is whole again after the network between the nodes was cut for a minute", async () => {
    const rule = `-s ${hostAddress(first)} -j DROP`;
    await stack.ssh(`iptables -I INPUT ${rule}`);
    await new Promise((resolve) => setTimeout(resolve, 60_000));
    await stack.ssh(`iptables -D INPUT ${rule}`);
    await eventually("the worker is back", 90, async () => (await stack.nodes())[first] === "True");
    await eventuallyHello(host, 60);
    await stack.converges();
  });

  it("fails, and names the pod, when one does not let itself be moved; and goes on when it does", async () => {
    await stack.ssh(
      `k0s kubectl run stubborn --image=${image} --labels=app=stubborn --overrides='{"spec":{"nodeName":"${second}"}}' && ` +
        "k0s kubectl create poddisruptionbudget stubborn --selector=app=stubborn --min-available=1",
    );
    await configure([first]);
    await stack.fails(/the pods of edge14 could not all be moved within 330 s: .*stubborn/);
    assert.equal((await stack.nodes())[second], "True");
    await stack.ssh(
      "k0s kubectl delete poddisruptionbudget stubborn; k0s kubectl delete pod stubborn --now",
    );
    await stack.converges();
    assert.deepEqual(await stack.nodes(), { [host]: "True", [first]: "True" });
  });

  it("takes a worker that was wiped anew, by its generation and its new key", async () => {
    await wipeHost(first);
    await configure([first], { [first]: { generation: 2 } });
    await stack.converges();
    assert.equal((await stack.nodes())[first], "True");
    const id = await stack.kubectl(`get node ${first} -o jsonpath={.status.nodeInfo.machineID}`);
    assert.equal(id, hostFacts(first).machineId);
  });

  it("builds the cluster anew with its workers", async () => {
    await stack.configure({
      ...stack.workerEntries([first], { [first]: { generation: 2 } }),
      services,
      hostGeneration: 2,
    });
    await stack.converges();
    assert.deepEqual(await stack.nodes(), { [host]: "True", [first]: "True" });
  });

  it("lets a worker go that is gone for good, and asks nothing of it", async () => {
    const gone = { [first]: { generation: 2, abandon: true } };
    await stack.configure({ ...stack.workerEntries([first], gone), services, hostGeneration: 2 });
    await powerOff(first);
    await stack.up();
    await stack.configure({ services, hostGeneration: 2, workers: undefined });
    await stack.converges();
    assert.deepEqual(await stack.nodes(), { [host]: "True" });
    await unchanged();
    await bootHost(first);
    assert.match(await onWorker(first, "systemctl is-enabled k0sworker"), /enabled/);
  });

  it("resets the host and its workers with a destroy, which moves no pod", async () => {
    await stack.configure({ ...stack.workerEntries([second]), services, hostGeneration: 2 });
    await stack.converges();
    const { code, text } = await stack.run("destroy", "--yes", "--skip-preview");
    assert.equal(code, 0, text);
    assert.doesNotMatch(text, /moving the pods/);
    for (const name of [host, second]) {
      const left = await onWorker(
        name,
        "ls -d /etc/k0s /var/lib/k0s /usr/local/bin/k0s 2>&1 || true",
      );
      assert.equal(left.match(/No such file/g)?.length, 3, left);
    }
  });
});
