// A host that is wiped and rebuilt, and a gateway's address that moves between MetalLB and the node: what takes long on the
// second day.
import { strict as assert } from "node:assert";
import { pulumi } from "../../../lab/engine";
import { hostFacts, wipeHost } from "../../../lab/host";
import { get } from "../../../lab/http";
import {
  assertHello,
  assertKnativesUrl,
  changedNames,
  clusterUidOn,
  eventually,
  hostnameOf,
  loadBalancer,
  script,
} from "../../support/lab";
import { LabStack } from "../../support/labStack";

const lab = new LabStack("edge4");
const { host, stack } = lab;
const changes = (args?: string[]) => changedNames(stack, args);

describe("a host that is rebuilt", () => {
  before(async () => {
    await lab.create();
    await lab.converges();
  });
  after(() => lab.remove());

  it("shows and mends a number of pods that was changed by hand, though nothing in the release gives it", async () => {
    await lab.kubectl("-n metallb-system scale deployment controller --replicas=0");
    assert.deepEqual(await changes(["--refresh"]), ["metallb-metallb-system/controller"]);
    await pulumi(["up", "--yes", "--skip-preview", "--refresh"], { stack });
    const replicas = "-n metallb-system get deployment controller -o jsonpath={.spec.replicas}";
    assert.equal(await lab.kubectl(replicas), "1");
    assert.deepEqual(await changes(["--refresh"]), []);
  });

  it("lets the node's own address take over from MetalLB, which goes", async () => {
    await lab.configure({ loadBalancer: "nodeIp", loadBalancerPool: undefined });
    await lab.up();
    const { address } = hostFacts(host);
    assert.equal(await loadBalancer(host), address);
    assert.equal(await hostnameOf(host, "hello"), `hello.default.${address}.sslip.io`);
    await assertHello(host);
    assert.equal(await lab.kubectl("get namespace metallb-system --ignore-not-found -o name"), "");
    await assertKnativesUrl(host);
    assert.deepEqual(await changes(["--refresh"]), []);
  });

  it("gives the address back to MetalLB", async () => {
    await lab.configure({ loadBalancer: undefined });
    await lab.up();
    const { address } = hostFacts(host);
    assert.notEqual(await loadBalancer(host), address);
    await assertHello(host);
    const hostname = await hostnameOf(host, "hello");
    // The node's rules follow its Services within a second or two.
    await eventually("the node refuses what it answered", 60, () =>
      get(address, hostname).then(
        () => false,
        (error: NodeJS.ErrnoException) => error.code === "ECONNREFUSED",
      ),
    );
    await assertKnativesUrl(host);
    assert.deepEqual(await changes(["--refresh"]), []);
  });

  it("knows a wiped machine by its key, tells that the cluster is lost, and builds it anew", async () => {
    const before = await clusterUidOn(host);
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
    assert.notEqual(await clusterUidOn(host), before);
    await assertHello(host);
    assert.deepEqual(await changes(["--refresh"]), []);
  });

  it("wipes k0s itself off a host that was not, when hostGeneration is raised", async () => {
    const before = await clusterUidOn(host);
    await pulumi(["config", "set", "hostGeneration", "3"], { stack });
    await pulumi(["up", "--yes", "--skip-preview"], { stack });
    assert.notEqual(await clusterUidOn(host), before);
    await assertHello(host);
    assert.deepEqual(await changes(["--refresh"]), []);
  });
});
