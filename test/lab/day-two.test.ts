import { strict as assert } from "node:assert";
import { forgetStack, pulumi, stackConfig } from "../../lab/engine";
import { bootHost, hostFacts, powerOff, removeHost, sshExec, wipeHost } from "../../lab/host";
import { get } from "../../lab/http";
import { hostPool } from "../../lab/paths";
import {
  assertHello,
  changedNames,
  clusterUidOn,
  eventually,
  hostnameOf,
  kubectlOn,
  loadBalancer,
  packedK0s,
  script,
  up,
} from "../support/lab";

const host = "edge4";
const stack = "edge4";

/** The newer k0s of the upgrade: the same double, which says another version. */
const newer = "v1.34.3+k0s.0";

const kubectl = (args: string): Promise<string> => kubectlOn(host, args);
const clusterUid = (): Promise<string> => clusterUidOn(host);
const assertAnswer = (): Promise<void> => assertHello(host);
const changes = (args?: string[]) => changedNames(stack, args);

/** The URL in the outputs is the one that Knative gave the service. */
async function assertKnativesUrl(): Promise<void> {
  const hostname = await hostnameOf(host, "hello");
  await eventually(`Knative's URL has ${hostname}`, 60, async () => {
    const url = await kubectl("get services.serving.knative.dev hello -o jsonpath={.status.url}");
    return new URL(url).hostname === hostname;
  });
}

describe("the second day of a host", function () {
  before(async () => {
    await removeHost(host);
    await forgetStack(host);
    await bootHost(host);
    await up(host, stack);
  });

  after(async () => {
    await forgetStack(host);
    await removeHost(host);
  });

  it("shows what was changed by hand with `preview --refresh`, and `up --refresh` mends it", async () => {
    await sshExec(
      host,
      "sed -i s/telemetry/telemetria/ /etc/k0s/k0s.yaml; systemctl disable k0scontroller",
    );
    assert.deepEqual(await changes(), []);
    assert.deepEqual(await changes(["--refresh"]), ["host-state"]);
    await pulumi(["up", "--yes", "--skip-preview", "--refresh"], { stack });
    const { stdout } = await sshExec(
      host,
      "grep -c telemetry /etc/k0s/k0s.yaml; systemctl is-enabled k0scontroller; systemctl is-active k0scontroller",
    );
    assert.equal(stdout, "1\nenabled\nactive\n");
    assert.deepEqual(await changes(["--refresh"]), []);
  });

  it("shows and mends a number of pods that was changed by hand, though nothing in the release gives it", async () => {
    await kubectl("-n metallb-system scale deployment controller --replicas=0");
    assert.deepEqual(await changes(["--refresh"]), ["metallb-metallb-system/controller"]);
    await pulumi(["up", "--yes", "--skip-preview", "--refresh"], { stack });
    const replicas = "-n metallb-system get deployment controller -o jsonpath={.spec.replicas}";
    assert.equal(await kubectl(replicas), "1");
    assert.deepEqual(await changes(["--refresh"]), []);
  });

  for (const [what, config, says] of [
    ["another network of pods", { podCidr: "10.200.0.0/16" }, /podCidr: .* add cidrChange/],
    ["an older k0s", { k0sVersion: "v1.34.1+k0s.0" }, /k0sVersion: .* add k0sDowngrade/],
  ] as const) {
    it(`refuses ${what} at preview, and lets it be allowed by name`, async () => {
      const back = { k0sVersion: "v1.34.2+k0s.0", podCidr: undefined, allow: undefined };
      try {
        await stackConfig(host, config);
        const { code, stdout, stderr } = await pulumi(["preview"], { stack, allowFailure: true });
        assert.notEqual(code, 0);
        assert.match(stdout + stderr, says);
        await stackConfig(host, { ...config, allow: ["cidrChange", "k0sDowngrade"] });
        assert.ok((await changes()).includes("host-state"));
      } finally {
        await stackConfig(host, back);
      }
      assert.deepEqual(await changes(), []);
    });
  }

  it("lets the node's own address take over from MetalLB, which goes", async () => {
    await up(host, stack, { loadBalancer: "nodeIp" });
    const { address } = hostFacts(host);
    assert.equal(await loadBalancer(host), address);
    assert.equal(await hostnameOf(host, "hello"), `hello.default.${address}.sslip.io`);
    await assertAnswer();
    assert.equal(await kubectl("get namespace metallb-system --ignore-not-found -o name"), "");
    await assertKnativesUrl();
    assert.deepEqual(await changes(["--refresh"]), []);
  });

  it("gives the address back to MetalLB", async () => {
    await up(host, stack, { loadBalancer: undefined });
    const { address } = hostFacts(host);
    assert.notEqual(await loadBalancer(host), address);
    await assertAnswer();
    const hostname = await hostnameOf(host, "hello");
    // The node's rules follow its Services within a second or two.
    await eventually("the node refuses what it answered", 60, () =>
      get(address, hostname).then(
        () => false,
        (error: NodeJS.ErrnoException) => error.code === "ECONNREFUSED",
      ),
    );
    await assertKnativesUrl();
    assert.deepEqual(await changes(["--refresh"]), []);
  });

  it("upgrades k0s in place and keeps the cluster's objects", async () => {
    await kubectl("create configmap kept --from-literal=of=before");
    const before = await clusterUid();
    await up(host, stack, await packedK0s(newer));
    assert.equal((await sshExec(host, "k0s version")).stdout, `${newer}\n`);
    assert.equal(await clusterUid(), before);
    assert.equal(await kubectl("get configmap kept -o jsonpath={.data.of}"), "before");
    await assertAnswer();
    assert.deepEqual(await changes(), []);
  });

  it("knows a wiped machine by its key, tells that the cluster is lost, and builds it anew", async () => {
    const before = await clusterUid();
    await wipeHost(host);
    const says = async (): Promise<string> => {
      const { code, stdout } = await script("preview", ["--stack", stack, "--refresh"]);
      assert.equal(code, 1);
      return stdout;
    };
    assert.match(await says(), /its key is not the one in sshHostKey: .* raise hostGeneration/);
    await pulumi(["config", "set", "sshHostKey", hostFacts(host).hostKey], { stack });
    const lost = await pulumi(["up", "--yes", "--skip-preview"], { stack, allowFailure: true });
    assert.match(
      lost.stdout,
      /the cluster of this stack is not on \S+ any more \(.*machineId is .*\)\. If the host was rebuilt, raise/,
    );
    await pulumi(["config", "set", "hostGeneration", "2"], { stack });
    await pulumi(["up", "--yes", "--skip-preview"], { stack });
    assert.notEqual(await clusterUid(), before);
    await assertAnswer();
    assert.deepEqual(await changes(["--refresh"]), []);
  });

  it("wipes k0s itself off a host that was not, when hostGeneration is raised", async () => {
    const before = await clusterUid();
    await pulumi(["config", "set", "hostGeneration", "3"], { stack });
    await pulumi(["up", "--yes", "--skip-preview"], { stack });
    assert.notEqual(await clusterUid(), before);
    await assertAnswer();
    assert.deepEqual(await changes(["--refresh"]), []);
  });

  it("follows a pool that moves, with the address, the domain and the URLs", async () => {
    const before = await loadBalancer(host);
    const last = hostPool(host).split("-")[1] ?? "";
    await pulumi(["config", "set", "loadBalancerPool", `${last}-${last}`], { stack });
    const { stdout } = await script("preview", ["--stack", stack]);
    assert.match(stdout, new RegExp(`- the gateway's address: \`${before}\` → known after`));
    await pulumi(["up", "--yes", "--skip-preview"], { stack });
    assert.equal(await loadBalancer(host), last);
    assert.equal(await hostnameOf(host, "hello"), `hello.default.${last}.sslip.io`);
    await assertAnswer();
    await assertKnativesUrl();
    assert.deepEqual(await changes(["--refresh"]), []);
  });

  it("destroys a stack whose host is gone at once, when the operator says so", async () => {
    const secondsOf = async (...commands: string[][]): Promise<number> => {
      const started = Date.now();
      for (const args of commands) await pulumi([...args, "--yes", "--skip-preview"], { stack });
      return (Date.now() - started) / 1000;
    };
    const noChanges = ["up", "--expect-no-changes"];
    const usual = await secondsOf(noChanges);
    await powerOff(host);
    await pulumi(["config", "set", "abandonHost", "true"], { stack });
    const seconds = await secondsOf(noChanges, ["destroy"]);
    const { stdout } = await pulumi(["stack", "export"], { stack });
    const { deployment } = JSON.parse(stdout) as { deployment: { resources?: unknown[] } };
    assert.deepEqual(deployment.resources ?? [], []);
    // Two starts of the engine and of the program, and not one attempt to connect, which would take a minute.
    assert.ok(seconds < 3 * usual + 30, `${seconds} s, and ${usual} s with the host`);
  });
});
