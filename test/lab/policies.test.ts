// The policies on a whole stack: what the budget says at preview against what the host's own scheduler does.
import { strict as assert } from "node:assert";
import path from "node:path";
import { Budget } from "../../stack/budget/budget";
import { Footprint } from "../../cli/lib/footprint";
import { forgetStack, pulumi, pulumiEnv, stackConfig } from "../../lab/engine";
import { bootHost, removeHost, sshExec } from "../../lab/host";
import { dirs, repoRoot, typeScript } from "../../lab/paths";
import { run } from "../../lab/process";
import { loadStack } from "../../cli/lib/loadStack";
import { eventually, eventuallyHello, kubectlOn, script, up } from "../support/lab";

const host = "edge6";
const stack = "edge6";
// Requests are tried here; what is held resident is not what the lab's host is held to.
const upstream = { resourcePolicy: "upstream", allow: ["memoryShort"] };

interface Pod {
  metadata: { namespace: string; name: string; ownerReferences?: { kind: string; name: string }[] };
  spec: { nodeName?: string };
  status: { conditions?: { type: string; status: string; message?: string }[] };
}

const kubectl = (args: string): Promise<string> => kubectlOn(host, args);

async function pods(): Promise<Pod[]> {
  const text = await kubectl("get pods -A -o json --field-selector=status.phase!=Succeeded");
  return (JSON.parse(text) as { items: Pod[] }).items;
}

/** The scheduler's word on a pod: undefined while it has none. */
function verdict({ spec, status }: Pod): "scheduled" | "lacks CPU" | undefined {
  if (spec.nodeName !== undefined) return "scheduled";
  const refused = status.conditions?.find(({ type }) => type === "PodScheduled");
  return refused?.message?.includes("Insufficient cpu") ? "lacks CPU" : undefined;
}

/** `namespace/workload`, as the budget names pods. */
function workload({ metadata: { namespace, name, ownerReferences } }: Pod): string {
  const owner = ownerReferences?.[0];
  const ofReplicaSet = owner?.kind === "ReplicaSet";
  return `${namespace}/${(ofReplicaSet ? owner.name.replace(/-[^-]+$/, "") : owner?.name) ?? name}`;
}

/** Pods that ever waited for room, by the events that the scheduler leaves. */
async function everPending(): Promise<string[]> {
  const text = await kubectl("get events -A --field-selector=reason=FailedScheduling -o json");
  const { items } = JSON.parse(text) as { items: { message: string }[] };
  return items.map(({ message }) => message).filter((message) => message.includes("Insufficient"));
}

async function budget(): Promise<Budget> {
  return (await loadStack(stack, dirs.project)).budget;
}

const steady = ({ cases }: Budget): string[] =>
  [...(cases.find(({ name }) => name === "steady")?.pending ?? [])].sort();

/** Every pod found a place at once, as the budget says, and the sample answers. */
async function assertCalm(): Promise<void> {
  assert.ok((await budget()).requestsFit);
  assert.deepEqual(await everPending(), []);
  assert.ok((await pods()).every((pod) => verdict(pod) === "scheduled"));
  await eventuallyHello(host, 60);
}

describe("the policies on a host with 1 CPU and 1.5 GB", function () {
  before(async () => {
    await removeHost(host);
    await forgetStack(host);
    // Its subject is what the scheduler counts. Held to its memory, such a host thrashes with upstream and scale, which is
    // the subject of slow/memory.test.ts.
    await bootHost(host, { hardCap: false });
    await stackConfig(host, upstream);
  });

  after(async () => {
    await forgetStack(host);
    await removeHost(host);
  });

  it("upstream is refused before the host is touched", async () => {
    const { code, stdout, stderr } = await pulumi(["up", "--yes"], { stack, allowFailure: true });
    assert.notEqual(code, 0);
    assert.match(stdout + stderr, /does not fit the host \(hostCpus 1, hostMemoryMiB 1536\)/);
    assert.match(stdout + stderr, /Pending would be .*kourier-system\/3scale-kourier-gateway/);
    assert.match(stdout + stderr, /Set resourcePolicy to scale or edge/);
    const found = await sshExec(host, "ls -d /etc/k0s /usr/local/bin/k0s", { allowFailure: true });
    assert.equal(found.stdout, "");
  });

  it("upstream with the check overridden leaves those pods Pending for CPU that the budget names", async () => {
    await stackConfig(host, { ...upstream, allowOvercommit: true });
    const expected = steady(await budget());
    assert.equal(expected.length, 2);
    // It would wait for those pods to the end of its patience.
    const enough = new AbortController();
    const going = pulumi(["up", "--yes", "--skip-preview"], {
      stack,
      allowFailure: true,
      signal: enough.signal,
    });
    const ended = going.then(() => assert.fail("the up ended, though pods are Pending"));
    let found: Pod[] = [];
    const decided = eventually("the scheduler's word on every pod", 480, async () => {
      found = await pods();
      const names = found.map(workload);
      return (
        expected.every((name) => names.includes(name)) &&
        found.every((pod) => verdict(pod) !== undefined)
      );
    });
    try {
      await Promise.race([decided, ended]);
    } finally {
      enough.abort();
      await going;
    }
    const lacking = found.filter((pod) => verdict(pod) === "lacks CPU");
    assert.deepEqual(lacking.map(workload).sort(), expected);
    assert.ok((await everPending()).length >= expected.length);
    await pulumi(["destroy", "--yes", "--skip-preview"], { stack });
  });

  it("scale 0.5 finds room for every pod, and the sample answers", async () => {
    // The metrics API is asked below.
    const lowMemory = { removeMetricsServer: false };
    await up(host, stack, { resourcePolicy: "scale", lowMemory, allowOvercommit: undefined });
    await assertCalm();
  });

  it("goes over to rolling updates and back to Recreate on running Deployments", async () => {
    const strategies = async (): Promise<string[]> => {
      const types = await kubectl(
        "-n knative-serving get deployments -o jsonpath={.items[*].spec.strategy.type}",
      );
      return [...new Set(types.split(" "))];
    };
    // The host has no room for such a rollout, but only the way there is tried here.
    await up(host, stack, { oneNode: { recreateRollouts: false }, allowOvercommit: true });
    assert.deepEqual(await strategies(), ["RollingUpdate"]);
    await up(host, stack, { oneNode: undefined, allowOvercommit: undefined });
    assert.deepEqual(await strategies(), ["Recreate"]);
    await assertCalm();
  });

  it("rolls out another image of the activator without a Pending pod", async () => {
    const image = "registry.lab/knative/activator:v1.23.0";
    const next = "registry.lab/knative/activator:next";
    await sshExec(host, `k0s ctr images tag ${image} ${next}`);
    const released = "gcr.io/knative-releases/knative.dev/serving/cmd/activator";
    const { stdout } = await pulumi(["config", "get", "imageMirrors"], { stack });
    const imageMirrors = JSON.parse(stdout) as Record<string, string>;
    await up(host, stack, { imageMirrors: { ...imageMirrors, [released]: next } });
    const running =
      "-n knative-serving get pods -l app=activator -o jsonpath={..containers[0].image}";
    await eventually("the new image runs alone", 60, async () => (await kubectl(running)) === next);
    await assertCalm();
    await stackConfig(host, { imageMirrors });
  });

  it("npm run footprint has for every pod what it asks for, what the budget said and what it takes", async () => {
    const command = [...typeScript, path.join(repoRoot, "cli/footprint.ts")];
    const args = ["--stack", stack, "--project", dirs.project, "--json"];
    const env = await pulumiEnv(stack);
    const footprint = async (): Promise<Footprint> =>
      JSON.parse((await run(process.execPath, [...command, ...args], { env })).stdout) as Footprint;
    let found: Footprint = { pods: [], nodes: [] };
    await eventually("the metrics API knows every pod", 180, async () => {
      found = await footprint();
      return found.pods.every(({ measured }) => measured !== undefined);
    });
    for (const { name, requests, estimate, measured, limits, oomKills } of found.pods) {
      assert.deepEqual(requests, estimate, name);
      assert.ok(measured && measured.memory > 0.5, name);
      assert.ok(measured.memory <= (limits.memory ?? Infinity), name);
      assert.equal(oomKills, 0, name);
    }
    const id = ({ namespace, name }: { namespace: string; name: string }) => `${namespace}/${name}`;
    // The metrics API has a new figure every 15 s, at times between the two questions.
    await eventually("footprint and kubectl top agree", 300, async () => {
      const top = (await kubectl("top pods -A --no-headers")).trim().split("\n");
      const { pods: asked } = await footprint();
      const mebibytes = new Map(
        top.map((line) => line.split(/ +/)).map(([ns, name, , mem]) => [`${ns}/${name}`, mem]),
      );
      assert.deepEqual([...mebibytes.keys()].sort(), asked.map(id).sort());
      return asked.every(
        (pod) =>
          Math.abs(parseInt(mebibytes.get(id(pod)) ?? "", 10) - (pod.measured?.memory ?? NaN)) <= 1,
      );
    });
    const [node, ...others] = found.nodes;
    assert.ok(node?.measured);
    assert.deepEqual(others, []);
    assert.deepEqual(node.requested, node.estimate);
    assert.deepEqual(node.allocatable, { cpu: 1000, memory: 1436 });
    const total = found.pods.reduce((sum, { measured }) => sum + (measured?.memory ?? 0), 0);
    assert.ok(node.measured.memory > total, "the node takes more than its pods");
  });

  it("edge takes the place of scale without a Pending pod, and the sample answers", async () => {
    // What a stack that named no policy has, since that is the default.
    await stackConfig(host, { resourcePolicy: undefined });
    const preview = await script("preview", ["--stack", stack]);
    const warning = /\*\*Warnings\*\*\n\n- The resource policy of this stack becomes edge, /;
    assert.match(preview.stdout, warning);
    await up(host, stack);
    await assertCalm();
    const settled = await script("preview", ["--stack", stack]);
    assert.doesNotMatch(settled.stdout, warning);
  });
});
