// A host that is upgraded from an older k0s, to other releases and back, and moved to another machine.
import { strict as assert } from "node:assert";
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { forgetStack, pulumi, stackConfig, stackOutputs } from "../../../lab/engine";
import { bootHost, hostFacts, removeHost, sshExec } from "../../../lab/host";
import { manifestsDir } from "../../../lab/manifests";
import { changed, removed, writeChangedReleases } from "../../support/changedReleases";
import { HostSnapshot, hostSnapshot, leftOver } from "../../support/hostSnapshot";
import {
  assertHello,
  changedNames,
  clusterUidOn,
  kubectlOn,
  packedK0s,
  script,
  up,
} from "../../support/lab";

const stack = "edge8";
/** Where the stack's host is at first, and where it moves to. */
const [first, second] = ["edge8", "edge9"] as const;
let host: string = first;

/** The release of k0s before the lab's own: the same double, which says another version. */
const older = "v1.33.7+k0s.0";

const kubectl = (args: string): Promise<string> => kubectlOn(host, args);
const clusterUid = (): Promise<string> => clusterUidOn(host);
const assertAnswer = (): Promise<void> => assertHello(first);
const changes = (args?: string[]) => changedNames(stack, args);

describe("a host that is upgraded and moved", function () {
  let bare: HostSnapshot;
  let releases: string;

  before(async () => {
    await forgetStack(first);
    for (const name of [first, second]) await removeHost(name);
    await bootHost(first);
    bare = await hostSnapshot(first);
    releases = mkdtempSync(path.join(os.tmpdir(), "knative-edge-releases-"));
    await up(first, stack, {
      ...(await packedK0s(older)),
      allow: ["knativeUnsupported"],
      // Its factor is changed below.
      resourcePolicy: "scale",
    });
    await kubectl("create configmap kept --from-literal=of=before");
  });

  after(async () => {
    rmSync(releases, { recursive: true, force: true });
    await forgetStack(first);
    for (const name of [first, second]) await removeHost(name);
  });

  /** Brings the stack to a configuration, and checks that the cluster stayed with all that is in it. */
  async function upgrade(config: Record<string, unknown>): Promise<void> {
    const before = await clusterUid();
    await up(first, stack, config);
    assert.equal(await clusterUid(), before);
    assert.equal(await kubectl("get configmap kept -o jsonpath={.data.of}"), "before");
    await assertAnswer();
    assert.deepEqual(await changes(), []);
  }

  it("refuses two minor releases of k0s at once, and upgrades one in place", async () => {
    await stackConfig(first, { k0sVersion: "v1.35.7+k0s.0", allow: undefined });
    const { code, stdout } = await script("preview", ["--stack", stack]);
    assert.equal(code, 1);
    assert.match(
      stdout,
      /- k0sVersion: k0s is upgraded one minor release at a time, .* Set a v1\.34 release first/,
    );
    await upgrade({ allow: undefined });
    assert.equal((await sshExec(host, "k0s version")).stdout, "v1.34.2+k0s.0\n");
  });

  it("sums up what a smaller factor changes and restarts, and how the budget moves", async () => {
    await stackConfig(first, { resourceFactor: "0.4" });
    const { code, stdout } = await script("preview", ["--stack", stack]);
    assert.equal(code, 0);
    assert.match(stdout, /^- the pods of Deployment knative-serving\/activator$/m);
    assert.match(stdout, /^- Job knative-serving\/default-domain runs again$/m);
    assert.match(stdout, /containers\[0\]\.resources\.requests\.cpu: `150m` → `120m`$/m);
    const [, before, after] =
      /^\| Knative without services \| (\d+)m CPU, \S+ → (\d+)m CPU, \S+ \| yes \|$/m.exec(
        stdout,
      ) ?? [];
    assert.ok(Number(after) < Number(before), stdout);
    assert.doesNotMatch(stdout, /Data is lost|host-|MetalLb|hello$/m);
    await stackConfig(first, { resourceFactor: undefined });
  });

  it("moves to other releases of Knative and MetalLB, and back", async () => {
    const labDir = await manifestsDir();
    writeChangedReleases(labDir, releases);
    const jobUid = () =>
      kubectl("-n knative-serving get job default-domain -o jsonpath={.metadata.uid}");
    const there = (object: string) => kubectl(`get ${object} --ignore-not-found -o name`);
    const look = async () => ({
      versions: ((await stackOutputs(first)) as { versions: Record<string, string> }).versions,
      activator: await kubectl(
        "-n knative-serving get deployment activator -o jsonpath={.spec.template.metadata.labels.app\\\\.kubernetes\\\\.io/version}",
      ),
      column: await kubectl(
        "get crd services.serving.knative.dev -o jsonpath={.spec.versions[0].additionalPrinterColumns[-1:].name}",
      ),
      gc: await kubectl(
        "-n knative-serving get configmap config-gc -o jsonpath={.data.max-non-active-revisions}",
      ),
      added: [
        await there("configmap/config-added -n knative-serving"),
        await there("configmap/config-added -n metallb-system"),
        await there("crd/additions.lab.knative-edge"),
      ].join(""),
      removed: await there(`clusterrole/${removed}`),
    });
    const before = await look();
    const jobs = [await jobUid()];

    await upgrade({ manifestsDir: releases, ...changed });
    jobs.push(await jobUid());
    assert.deepEqual(await look(), {
      versions: {
        ...before.versions,
        knative: changed.knativeVersion,
        metalLb: changed.metallbVersion,
      },
      activator: changed.knativeVersion,
      column: "Changed",
      gc: "70",
      added:
        "configmap/config-added\nconfigmap/config-added\ncustomresourcedefinition.apiextensions.k8s.io/additions.lab.knative-edge\n",
      removed: "",
    });
    assert.equal(await there("additions.lab.knative-edge/one"), "addition.lab.knative-edge/one\n");

    await upgrade({ manifestsDir: labDir, knativeVersion: undefined, metallbVersion: undefined });
    jobs.push(await jobUid());
    assert.deepEqual(await look(), before);
    assert.equal(new Set(jobs).size, 3);
  });

  it("moves to another host once that is allowed by name, and resets the old one", async () => {
    await bootHost(second);
    const { address, hostKey } = hostFacts(second);
    await pulumi(["config", "set", "host", address], { stack });
    await pulumi(["config", "set", "sshHostKey", hostKey], { stack });
    const refused = await script("preview", ["--stack", stack]);
    assert.match(refused.stdout, /- host: .* the old host would be reset, .* add hostChange to/);
    await pulumi(["config", "set", "--path", "allow[0]", "hostChange"], { stack });
    const { stdout } = await script("preview", ["--stack", stack]);
    assert.match(
      stdout,
      /\*\*Data is lost\*\*\n\n- k0s is removed from the old host\n- the cluster is built anew: everything in it is lost\n\n/,
    );
    await pulumi(["up", "--yes", "--skip-preview"], { stack });
    host = second;
    await assertAnswer();
    assert.deepEqual(await changes(["--refresh"]), []);
    assert.deepEqual(leftOver(bare, await hostSnapshot(first)), []);
  });
});
