// A single node that grows in place: a worker joins, changes, is upgraded, and leaves.
import { strict as assert } from "node:assert";
import { changedNames, clusterUidOn, eventually, eventuallyHello, packedK0s } from "../support/lab";
import { setTrap, clearTrap } from "../support/faults";
import { HostSnapshot, hostSnapshot, leftOver } from "../support/hostSnapshot";
import { NodesStack, onWorker } from "../support/nodesStack";
import { EndpointWatch } from "../support/endpointWatch";
import { ProcessWatch } from "../support/secretWatch";

const host = "edge11";
const worker = "edge12";
const stack = new NodesStack(host, [worker]);
const onTheWay = [
  "kourier-system/kourier",
  "kourier-system/kourier-internal",
  "knative-serving/activator-service",
];
const services = {
  twin: { image: "ghcr.io/knative/helloworld-go:v1", autoscaling: { minScale: 2, maxScale: 2 } },
};

describe("a cluster that grows", function () {
  let bare: HostSnapshot;
  let uid: string;

  before(async () => {
    await stack.createAll();
    bare = await hostSnapshot(worker);
    await stack.up();
    uid = await clusterUidOn(host);
  });

  after(() => stack.removeAll());

  it("refuses a worker that is of another cluster, and touches nothing there", async () => {
    await onWorker(worker, "mkdir -p /var/lib/k0s/pki");
    try {
      await stack.configure(stack.workerEntries([worker]));
      await stack.fails(/a k0s is here that this stack did not install \(\/var\/lib\/k0s\/pki\)/);
    } finally {
      await onWorker(worker, "rm -r /var/lib/k0s");
    }
    assert.deepEqual(leftOver(bare, await hostSnapshot(worker)), []);
  });

  it("takes a worker in place: every request is answered, and the cluster stays", async () => {
    const processes = new ProcessWatch(20);
    const endpoints = new EndpointWatch(host, onTheWay);
    await stack.configure(
      stack.workerEntries([worker], {
        [worker]: { labels: { disk: "fast" }, taints: ["slow=yes:PreferNoSchedule"] },
      }),
    );
    const asked = await stack.whileAsked(() => stack.up());
    processes.stop();
    assert.deepEqual(asked.failures, {});
    assert.deepEqual(await endpoints.stop(), []);
    assert.deepEqual(await stack.nodes(), { [host]: "True", [worker]: "True" });
    assert.equal(await clusterUidOn(host), uid);
    const marks = await stack.kubectl(
      `get node ${worker} -o jsonpath='{.metadata.labels.disk} {.spec.taints[*].key}'`,
    );
    assert.equal(marks, "fast slow");

    const file = await onWorker(worker, "stat -c %a:%U /etc/k0s/.knative-edge-token");
    assert.equal(file.trim(), "600:root");
    assert.equal((await stack.kubectl("-n kube-system get secrets")).includes("bootstrap"), false);
    const token = (await onWorker(worker, "cat /etc/k0s/.knative-edge-token")).trim();
    const secret = await onWorker(
      worker,
      "base64 -d /etc/k0s/.knative-edge-token | gzip -dc | sed -n 's/^ *token: .*\\.//p'",
    );
    assert.equal(secret.trim().length, 16);
    assert.deepEqual(processes.sightings([token, secret.trim()]), []);
    const { text } = await stack.run("stack", "export", "--show-secrets");
    assert.ok(text.includes("sshPrivateKey") || text.includes("PRIVATE KEY"));
    for (const printed of stack.printed) {
      assert.ok(!printed.includes(token) && !printed.includes(secret.trim()));
    }
  });

  it("has what requests need on both nodes, and changes nothing more", async () => {
    for (const [selector, namespace] of [
      ["app=3scale-kourier-gateway", "kourier-system"],
      ["app=activator", "knative-serving"],
      ["app=webhook", "knative-serving"],
      ["k8s-app=kube-dns", "kube-system"],
    ] as const) {
      assert.deepEqual(await stack.nodesOf(selector, namespace), [host, worker], selector);
    }
    assert.deepEqual(await changedNames(stack.stack), []);
    assert.deepEqual(await changedNames(stack.stack, ["--refresh"]), []);
  });

  it("shows what was changed on the worker by hand, and mends it", async () => {
    await onWorker(worker, "systemctl disable --now k0sworker");
    assert.deepEqual(await changedNames(stack.stack, ["--refresh"]), [`worker-${worker}-node`]);
    await stack.run("up", "--yes", "--skip-preview", "--refresh");
    assert.equal(
      await onWorker(worker, "systemctl is-enabled k0sworker; systemctl is-active k0sworker"),
      "enabled\nactive\n",
    );
    // kubelet takes pods for ready only once it has asked them.
    await eventually("the pods on the worker ready again", 60, async () => {
      const text = await stack.kubectl(
        `get pods -A --field-selector=spec.nodeName=${worker},status.phase=Running -o jsonpath='{.items[*].status.conditions[?(@.type=="Ready")].status}'`,
      );
      return !text.includes("False");
    });
    assert.deepEqual(await changedNames(stack.stack, ["--refresh"]), []);
  });

  it("changes labels and taints without a restart", async () => {
    const pid = await onWorker(worker, "systemctl show -p MainPID k0sworker");
    await stack.configure(
      stack.workerEntries([worker], { [worker]: { labels: { disk: "slow", rack: "2" } } }),
    );
    await stack.up();
    const marks = await stack.kubectl(
      `get node ${worker} -o jsonpath='{.metadata.labels.disk} {.metadata.labels.rack} [{.spec.taints[*].key}]'`,
    );
    assert.equal(marks, "slow 2 []");
    assert.equal(await onWorker(worker, "systemctl show -p MainPID k0sworker"), pid);
  });

  it("upgrades the controller and then the worker, and every request is answered", async () => {
    const newer = await packedK0s("v1.34.3+k0s.0");
    await stack.configure({ ...stack.workerEntries([worker]), services, ...newer });
    const asked = await stack.whileAsked(() => stack.up());
    assert.deepEqual(asked.failures, {});
    assert.equal((await onWorker(worker, "k0s version")).trim(), "v1.34.3+k0s.0");
    const { text } = await stack.run("preview", "--refresh", "--expect-no-changes");
    assert.match(text, /unchanged/);
    // It was drained for its restart.
    assert.equal(await stack.kubectl(`get node ${worker} -o jsonpath='{.spec.unschedulable}'`), "");
  });

  it("goes on after the machine that runs Pulumi lost the way to a worker while it left", async () => {
    await stack.configure({ ...(await packedK0s("v1.34.3+k0s.0")), workers: undefined });
    setTrap(worker, "find", "cut");
    const { code } = await stack.run("up", "--yes", "--skip-preview");
    assert.ok(clearTrap(worker, "find"));
    assert.notEqual(code, 0);
    await stack.up();
    assert.deepEqual(await stack.nodes(), { [host]: "True" });
    assert.deepEqual(leftOver(bare, await hostSnapshot(worker)), []);
    await eventuallyHello(host, 60);
    assert.equal(await clusterUidOn(host), uid);
    assert.deepEqual(await changedNames(stack.stack, ["--refresh"]), []);
  });
});
