import { strict as assert } from "node:assert";
import { forgetStack, pulumi, stackConfig } from "../../lab/engine";
import { bootHost, powerOff, removeHost, sshExec } from "../../lab/host";
import { hostPool } from "../../lab/paths";
import {
  assertHello,
  assertKnativesUrl,
  changedNames,
  clusterUidOn,
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
    await assertKnativesUrl(host);
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
