import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { remote } from "@pulumi/command";
import { WorkerFacts, WorkerNode, WorkerNodeArgs } from "../../../../components/worker/workerNode";
import { compiled, FakeSshHost, plain } from "../../../support/fakeSshHost";
import { sshKeyPair } from "../../../support/sshKeys";

type Provider = Required<pulumi.dynamic.ResourceProvider>;

const keys = sshKeyPair();
const hostKeys = sshKeyPair();

const facts: WorkerFacts = {
  node: "shelf",
  host: "192.0.2.11",
  generation: 1,
  cluster: "test@192.0.2.10#1",
  k0sVersion: "v1.34.2+k0s.0",
  arguments: "--kubelet-extra-args=--hostname-override=shelf",
  labels: { disk: "fast", rack: "1" },
  taints: ["gpu=yes:NoSchedule"],
};

/** A script that writes down that it ran, with what it was told, and does what a file of the host says. */
const logged = (name: string, told = "", output = ""): { command: string; stdin: string } => ({
  command: "sh -s",
  stdin:
    `echo "${name}${told && ` ${told}`}" >>"$KNATIVE_EDGE_ROOT/log"\n` +
    `[ ! -e "$KNATIVE_EDGE_ROOT/fail-${name}" ] || { echo "${name} failed" >&2; exit 1; }\n${output}`,
});

const look =
  'printf \'{"k0sVersion":"%s","machineId":"m","clusterSha256":"c","service":"active"}\' ';
const seen = '"$(cat "$KNATIVE_EDGE_ROOT/version" 2>/dev/null || echo old)"';

describe("the node of a worker", () => {
  const controller = new FakeSshHost(hostKeys.private);
  const worker = new FakeSshHost(hostKeys.private);
  const log = console.log;
  let provider: Provider;
  let inputs: Record<string, unknown>;

  const connection = async (host: FakeSshHost) => ({
    host: "127.0.0.1",
    port: await host.listen(),
    user: "root",
    privateKey: keys.private,
    hostKey: hostKeys.public.split(" ").slice(0, 2).join(" "),
  });

  before(async () => {
    console.log = () => undefined;
    const phase = logged("phase");
    const args: WorkerNodeArgs = {
      controller: await connection(controller),
      worker: await connection(worker),
      facts,
      scripts: {
        admit: logged("admit", "", "echo the-$(echo token)"),
        start: logged("start", "$JOIN_TOKEN", `printf '{"state":'; ${look}${seen}; echo '}'`),
        invalidate: logged("invalidate", "$JOIN_TOKEN"),
        admitPods: logged("admit-pods", "[$OLD_LABELS] [$OLD_TAINTS] [$SINCE]"),
        drain: logged("drain", "", "echo 12:00"),
        remove: logged("remove", "$GONE"),
        look: logged("look", "", look + seen),
        reset: logged("reset"),
      },
      phases: [
        {
          create: pulumi.output(phase.command),
          stdin: pulumi.output(phase.stdin),
        } as remote.Command,
      ],
      abandoned: false,
    };
    await pulumi.runtime.setMocks({
      newResource: ({ inputs: given }) => {
        inputs = Object.fromEntries(
          Object.entries(given).map(([key, value]) => [key, plain(value)]),
        );
        return { id: "id", state: given };
      },
      call: ({ inputs: given }) => given,
    });
    new WorkerNode("shelf-node", args);
    await pulumi.runtime.disconnect();
    const { __provider: code, ...others } = inputs;
    inputs = others;
    provider = compiled(String(code));
  });

  after(() => {
    console.log = log;
    controller.close();
    worker.close();
  });

  beforeEach(() => {
    for (const host of [controller, worker]) {
      host.write("log", "");
      host.connected = 0;
    }
  });

  const told = (host: FakeSshHost): string[] => host.read("log").trim().split("\n");
  const changed = (facts: Partial<WorkerFacts>, more = {}): Record<string, unknown> => ({
    ...inputs,
    facts: { ...(inputs.facts as WorkerFacts), ...facts },
    ...more,
  });
  /** What the state has after a worker joined. */
  const joined = async (): Promise<Record<string, unknown>> => {
    const { outs } = await provider.create(inputs);
    for (const host of [controller, worker]) {
      host.write("log", "");
    }
    return outs as Record<string, unknown>;
  };

  it("joins with a token that is invalid afterwards and in no state, over one connection to each machine", async () => {
    const { id, outs } = await provider.create(inputs);
    assert.equal(id, "shelf");
    assert.deepEqual(told(controller), ["admit", "invalidate the-token", "admit-pods [] [] []"]);
    assert.deepEqual(told(worker), ["start the-token"]);
    assert.deepEqual([controller.connected, worker.connected], [1, 1]);
    assert.ok(!JSON.stringify(outs).includes("the-token"));
  });

  it("makes the token invalid if the worker cannot join, and tells why", async () => {
    worker.write("fail-start", "");
    await assert.rejects(provider.create(inputs), /start failed/);
    worker.remove("fail-start");
    assert.deepEqual(told(controller), ["admit", "invalidate the-token"]);
  });

  it("drains the node before k0s restarts there, and lets pods come once it reports anew", async () => {
    const before = await joined();
    await provider.update("shelf", before, changed({ k0sVersion: "v1.34.3+k0s.0" }));
    assert.deepEqual(told(controller), ["drain", "admit-pods [] [] [12:00]"]);
    assert.deepEqual(told(worker), ["start"]);
  });

  it("changes labels and taints without a restart, and takes away those that went", async () => {
    const before = await joined();
    await provider.update("shelf", before, changed({ labels: { disk: "slow" }, taints: [] }));
    assert.deepEqual(told(controller), ["admit-pods [rack] [gpu:NoSchedule] []"]);
    assert.deepEqual(told(worker), [""]);
  });

  it("shows what differs on the machine, and runs the phases again for it", async () => {
    const before = await joined();
    worker.write("version", "new");
    const { props, inputs: read } = await provider.read("shelf", before);
    worker.remove("version");
    assert.deepEqual((props as { drift: unknown }).drift, { k0sVersion: "new, not old" });
    assert.equal((await provider.diff("shelf", props, inputs)).changes, true);
    assert.deepEqual((read as { settled?: unknown }).settled, undefined);
    worker.write("log", "");
    const { outs } = await provider.update("shelf", props, inputs);
    assert.deepEqual(told(worker), ["phase", "start"]);
    assert.equal((await provider.diff("shelf", outs, inputs)).changes, false);
  });

  it("joins anew when its generation was raised, and drains nothing that is gone", async () => {
    const before = await joined();
    await provider.update("shelf", before, changed({ generation: 2 }));
    assert.deepEqual(told(controller), [
      "remove yes",
      "admit",
      "invalidate the-token",
      "admit-pods [] [] []",
    ]);
    assert.deepEqual(told(worker), ["start the-token"]);
  });

  it("is reset before it joins another cluster", async () => {
    const before = await joined();
    await provider.update("shelf", before, changed({ cluster: "test@192.0.2.10#2" }));
    assert.deepEqual(told(worker), ["reset", "phase", "start the-token"]);
  });

  it("asks nothing of a machine that is gone", async () => {
    const before = await joined();
    worker.connected = 0;
    await provider.update("shelf", before, changed({}, { abandoned: true }));
    await provider.read("shelf", { ...before, abandoned: true });
    assert.equal(worker.connected, 0);
  });

  it("refuses another machine under the same name, and one that was rebuilt unasked", async () => {
    const other = await provider.check(inputs, changed({ host: "192.0.2.12" }));
    assert.match(
      other.failures?.[0]?.reason ?? "",
      /^workers\.shelf\.host: 192\.0\.2\.11 cannot become/,
    );
    const rebuilt = await provider.check({ ...inputs, lost: "it is another one" }, inputs);
    assert.equal(rebuilt.failures?.[0]?.reason, "workers.shelf.generation: it is another one");
    const raised = await provider.check({ ...inputs, lost: "x" }, changed({ generation: 2 }));
    assert.deepEqual(raised.failures, []);
    assert.deepEqual((await provider.check({}, inputs)).failures, []);
  });

  it("restarts one worker at a time, and leaves the next as they are when one fails", async () => {
    const before = await joined();
    const upgrade = (node: string) =>
      provider.update(node, before, changed({ node, k0sVersion: "v1.34.3+k0s.0" }));
    await Promise.all([upgrade("a"), upgrade("b")]);
    assert.deepEqual(told(controller), [
      "drain",
      "admit-pods [] [] [12:00]",
      "drain",
      "admit-pods [] [] [12:00]",
    ]);
    controller.write("log", "");
    controller.write("fail-drain", "");
    const [first, second] = await Promise.allSettled([upgrade("a"), upgrade("b")]);
    controller.remove("fail-drain");
    assert.match(String((first as PromiseRejectedResult).reason), /drain failed/);
    assert.match(
      String((second as PromiseRejectedResult).reason),
      /b was left as it is, because a failed/,
    );
    assert.deepEqual(told(controller), ["drain"]);
  });
});
