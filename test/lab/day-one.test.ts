import { strict as assert } from "node:assert";
import { forgetStack, pulumi, stackConfig, stackOutputs } from "../../lab/engine";
import { bootHost, hostFacts, removeHost, sshExec } from "../../lab/host";
import { get } from "../../lab/http";
import { natAddress, plugNat } from "../../lab/network";
import { hostAddress } from "../../lab/paths";
import { HostSnapshot, hostSnapshot, leftOver } from "../support/hostSnapshot";
import {
  assertCalm,
  assertHello,
  eventually,
  hostnameOf,
  loadBalancer,
  previewSteps,
  up,
} from "../support/lab";

const host = "edge2";
const stack = "edge2";
const image = "ghcr.io/knative/helloworld-go:latest";

/** Configuration with which a service goes to zero soon after its last request. */
const quickToZero = {
  knativeConfig: {
    "config-autoscaler": { "scale-to-zero-grace-period": "10s", "stable-window": "6s" },
  },
};
const sleeper = { image, env: { TARGET: "sleeper" }, autoscaling: { minScale: 0, window: "6s" } };
const version = (name: string) => ({
  image,
  env: { TARGET: name },
  revisionName: `split-${name}`,
  autoscaling: { minScale: 0 },
});

// Its cache would be a file that the destroy leaves.
const kubectl = (args: string) => sshExec(host, `k0s kubectl --cache-dir=/run/k0s/cache ${args}`);

/** SSH log-ins that the host has seen, this one included. */
async function connections(): Promise<number> {
  // The journal has what was said in a moment, but on a busy host not before this asks.
  const { stdout } = await sshExec(host, "journalctl --sync; journalctl -t sshd -o cat --no-pager");
  return stdout.split("\n").filter((line) => line.startsWith("Accepted publickey")).length;
}

describe("a host from bare to destroyed and back", function () {
  let bare: HostSnapshot;
  let connectionsBefore: number;

  before(async () => {
    await removeHost(host);
    await forgetStack(host);
    await bootHost(host);
    await plugNat(host);
    // As Debian has it. To kubelet a name that resolves to the host's own address would be that of the node, before the
    // default route decides.
    await sshExec(host, `sed -i 's/^.* ${host}$/127.0.1.1 ${host}/' /etc/hosts`);
    bare = await hostSnapshot(host);
    connectionsBefore = await connections();
  });

  after(async () => {
    await forgetStack(host);
    await removeHost(host);
  });

  it("goes up from nothing in one `pulumi up`, over at most eight SSH connections", async () => {
    await up(host, stack);
    // The second count sees its own connection as well.
    const taken = (await connections()) - connectionsBefore - 1;
    assert.ok(taken > 0 && taken <= 8, `${taken} connections`);
    const outputs = await stackOutputs(host);
    assert.match(String(outputs?.url), /^http:\/\/hello\.default\.[0-9.]+\.sslip\.io$/);
  });

  it("answers Hello Edge!! from outside the host", async () => {
    await assertHello(host);
  });

  it("has the node at the address that the stack is told, not at that of the default route", async () => {
    const { stdout } = await sshExec(
      host,
      "ip -4 route get 192.0.2.1; grep -w $(uname -n) /etc/hosts",
    );
    assert.match(stdout, new RegExp(`dev nat0 src ${natAddress} `));
    assert.match(stdout, /^127\.0\.1\.1 /m);
    const node = await kubectl(
      `get nodes -o jsonpath='{.items[*].status.addresses[?(@.type=="InternalIP")].address}'`,
    );
    assert.equal(node.stdout, hostAddress(host));
  });

  it("answers every request of 90 seconds on its 1 CPU and 1536 MiB, and restarts and evicts nothing", async () => {
    assert.ok(hostFacts(host).size.hardCap);
    await assertCalm(host, 90);
  });

  it("stores neither the private key nor the kubeconfig in plain text", async () => {
    const { stdout } = await pulumi(["stack", "export"], { stack });
    assert.ok(!stdout.includes("PRIVATE KEY"));
    assert.ok(!stdout.includes("client-key-data"));
  });

  it("changes nothing when it is up already, and asks nothing of the host", async () => {
    const before = await connections();
    assert.deepEqual(
      (await previewSteps(stack)).map(({ urn }) => urn),
      [],
    );
    await pulumi(["up", "--yes", "--skip-preview", "--expect-no-changes"], { stack });
    // The second count sees its own connection as well.
    assert.equal((await connections()) - before - 1, 0);
  });

  it("runs a further service that scales to zero and wakes", async () => {
    await up(host, stack, { ...quickToZero, services: { sleeper } });
    const address = await loadBalancer(host);
    const hostname = await hostnameOf(host, "sleeper");
    const noPods = async () =>
      (await kubectl("get pods -l serving.knative.dev/service=sleeper -o name")).stdout === "";
    await eventually("sleeper has no pods", 120, noPods);
    assert.deepEqual(await get(address, hostname), { status: 200, body: "Hello sleeper!\n" });
  });

  it("splits traffic 20/80 between two revisions", async () => {
    await up(host, stack, { services: { split: version("one") } });
    await up(host, stack, {
      services: {
        split: {
          ...version("two"),
          traffic: [
            { revisionName: "split-one", percent: 20 },
            { revisionName: "split-two", percent: 80 },
          ],
        },
      },
    });
    const address = await loadBalancer(host);
    const hostname = await hostnameOf(host, "split");
    const requests = 400;
    let first = 0;
    for (let i = 0; i < requests; i++) {
      const { status, body } = await get(address, hostname);
      assert.equal(status, 200);
      if (body === "Hello one!\n") first++;
      else assert.equal(body, "Hello two!\n");
    }
    // Four standard deviations around 80 of 400: one run in fifteen thousand fails by chance.
    assert.ok(Math.abs(first - 80) <= 32, `${first} of ${requests} went to the revision with 20 %`);
    await up(host, stack, { services: undefined });
  });

  it("previews one changed request as one changed line, with the API server stopped", async () => {
    await stackConfig(host, {
      resourceOverrides: { "activator/activator": { requests: { cpu: "140m" } } },
    });
    await sshExec(host, "systemctl stop k0scontroller");
    try {
      const changes = (await previewSteps(stack)).map(({ op, urn, detailedDiff }) => [
        op,
        urn.split("::").pop(),
        Object.keys(detailedDiff ?? {}),
      ]);
      assert.deepEqual(changes, [
        [
          "update",
          "knative-knative-serving/activator",
          ["spec.template.spec.containers[0].resources.requests.cpu"],
        ],
      ]);
    } finally {
      await sshExec(host, "systemctl start k0scontroller");
      await stackConfig(host, { resourceOverrides: undefined });
    }
  });

  it("leaves nothing on the host after a destroy", async () => {
    await pulumi(["destroy", "--yes", "--skip-preview"], { stack });
    assert.deepEqual(leftOver(bare, await hostSnapshot(host)), []);
  });

  it("goes up again on the same host", async () => {
    await up(host, stack);
    await assertHello(host);
  });
});
