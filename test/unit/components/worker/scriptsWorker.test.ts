import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { ScratchHost, ScriptResult } from "../../../support/scratchHost";

/** A k0s whose kubectl answers each question about a node with a file; what it is asked to do is logged. */
const k0s = (fakes: string): string => `#!/bin/sh
F=${fakes}
say() { [ ! -e "$F/$1" ] || cat "$F/$1"; }
case "$*" in
  version) echo v1.34.2+k0s.0; exit ;;
  "token create"*) echo the-token; exit ;;
  *"get node"*machineID*) say seen; exit ;;
  *"get node"*podCIDR*) say range; exit ;;
  *"get node"*lastHeartbeatTime*) say ready; exit ;;
  *"wait --for=create node/"*) [ -e "$F/node" ]; exit ;;
  *"wait --for=condition=Ready node/"*) case $(say ready) in True*) exit ;; esac; exit 1 ;;
esac
arguments=$*
echo "\${arguments#kubectl --cache-dir=* }" | sed 's/ *--request-timeout=20s *//' >>"$F/log"
for word in drain label taint; do
  case " $* " in *" $word "*) [ ! -e "$F/fail-$word" ] || { cat "$F/fail-$word" >&2; exit 1; } ;; esac
done
`;

describe("the scripts of a worker's node, on the controller", () => {
  let host: ScratchHost;

  beforeEach(() => {
    host = new ScratchHost();
    host.write("usr/local/bin/k0s", k0s(host.path("fake")), 0o755);
    host.write("fake/seen", "machine-a True");
  });

  afterEach(() => host.dispose());

  const log = (): string[] => host.read("fake/log").split("\n").filter(Boolean);
  const last = ({ stderr }: ScriptResult): string => stderr.trimEnd().split("\n").pop() ?? "";

  it("admit.sh prints a token, and nothing else", async () => {
    assert.deepEqual(await host.run("admit"), { code: 0, stdout: "the-token\n", stderr: "" });
  });

  describe("membership.sh", () => {
    const keep = (): Promise<ScriptResult> =>
      host.run("membership", { NODE: "shelf", MACHINE_ID: "machine-a", LEAVE_TIMEOUT: "1" });

    it("leaves a name alone that is free, or the machine's own", async () => {
      assert.equal((await keep()).code, 0);
      host.write("fake/seen", "");
      assert.equal((await keep()).code, 0);
      assert.deepEqual(log(), []);
    });

    it("removes the node of a machine that is gone", async () => {
      host.write("fake/seen", "machine-b Unknown");
      assert.equal((await keep()).code, 0);
      assert.deepEqual(log(), ["delete node shelf"]);
    });

    it("refuses a name that another machine has", async () => {
      host.write("fake/seen", "machine-b True");
      const result = await keep();
      assert.equal(result.code, 1);
      assert.match(
        last(result),
        /^edge: the cluster has a node shelf already, which is another machine \(machine-id machine-b\): give the worker another name$/,
      );
      assert.deepEqual(log(), []);
    });
  });

  it("invalidate.sh finds the token's id in it", async () => {
    host.linkCommand("base64");
    host.linkCommand("gzip");
    const kubeconfig =
      "users:\n- name: kubelet-bootstrap\n  user:\n    token: abc123.0123456789abcdef\n";
    const token = gzipSync(kubeconfig).toString("base64");
    const { code } = await host.run("invalidate", { JOIN_TOKEN: token });
    assert.equal(code, 0);
    assert.deepEqual(log(), ["token invalidate abc123"]);
  });

  describe("node.sh", () => {
    const node = (more: Record<string, string> = {}): Promise<ScriptResult> =>
      host.run("node", {
        OLD_LABELS: "",
        OLD_TAINTS: "",
        NODE: "shelf",
        NODE_ADDRESS: "192.0.2.11",
        LABELS: "disk=fast\nrack=1",
        TAINTS: "gpu=yes:NoSchedule",
        READY_TIMEOUT: "1",
        ...more,
      });

    beforeEach(() => {
      host.write("fake/node", "");
      host.write("fake/ready", "True 2026-01-01T12:00:00Z kubelet is posting ready status");
      host.write("fake/range", "10.244.1.0/24");
      host.fake("ip", 'case "$*" in "-4 route show 10.244.1.0/24") cat $F/route ;; esac');
      host.fake("curl", "exit $(cat $F/curl)");
      host.write("fake/route", "10.244.1.0/24 via 192.0.2.11 dev eth0\n");
      host.write("fake/curl", "60");
    });

    it("marks the node, waits for it, and lets pods come", async () => {
      const { code, stderr } = await node({ OLD_LABELS: "old", OLD_TAINTS: "slow:NoSchedule" });
      assert.equal(code, 0, stderr);
      assert.deepEqual(log(), [
        "taint node shelf slow:NoSchedule-",
        "label node shelf old-",
        "label node shelf --overwrite disk=fast rack=1",
        "taint node shelf --overwrite gpu=yes:NoSchedule",
        "uncordon shelf",
      ]);
    });

    it("says which of its conditions does not hold", async () => {
      const says = async (arrange: () => void, pattern: RegExp): Promise<void> => {
        arrange();
        const result = await node();
        assert.equal(result.code, 1);
        assert.match(last(result), pattern);
        assert.ok(!log().includes("uncordon shelf"));
      };
      await says(
        () => host.write("fake/route", ""),
        /there is no way to its pods; open TCP port 179 between the nodes/,
      );
      await says(
        () => host.write("fake/curl", "28"),
        /its kubelet does not answer at 192\.0\.2\.11:10250; open that TCP port/,
      );
      await says(
        () => host.write("fake/ready", "False 2026-01-01T12:00:00Z cni plugin not initialized"),
        /its node is not Ready \(cni plugin not initialized\)/,
      );
      await says(
        () => host.write("fake/fail-label", "error: a label is refused\n"),
        /its labels and taints are refused \(error: a label is refused\)/,
      );
      await says(() => host.remove("fake/node"), /k0s has not made its node/);
    });

    it("believes only what the kubelet reported since it was restarted", async () => {
      assert.equal((await node({ SINCE: "2026-01-01T11:59:59Z" })).code, 0);
      assert.equal((await node({ SINCE: "2026-01-01T12:00:01Z" })).code, 1);
    });
  });

  describe("drain.sh", () => {
    const drain = (more: Record<string, string> = {}): Promise<ScriptResult> =>
      host.run("drain", {
        NODE: "shelf",
        MACHINE_ID: "machine-a",
        DRAIN_TIMEOUT: "60",
        LEAVES: "no",
        ...more,
      });
    const drained = "drain shelf --ignore-daemonsets --delete-emptydir-data --timeout=60s";

    it("moves the pods, and tells the time", async () => {
      const { code, stdout } = await drain();
      assert.equal(code, 0);
      assert.match(stdout, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n$/);
      assert.deepEqual(log(), [drained]);
    });

    it("removes the node of a worker that leaves", async () => {
      await drain({ LEAVES: "yes" });
      assert.deepEqual(log(), [drained, "delete node shelf"]);
    });

    it("waits for no pod of a machine that is gone, or does not answer", async () => {
      await drain({ LEAVES: "yes", GONE: "yes" });
      host.write("fake/seen", "machine-a Unknown");
      await drain({ LEAVES: "yes" });
      assert.deepEqual(log(), ["delete node shelf", "delete node shelf"]);
    });

    it("leaves a node alone that is another machine's, or not there", async () => {
      host.write("fake/seen", "machine-b True");
      assert.equal((await drain({ LEAVES: "yes" })).code, 0);
      host.write("fake/seen", "");
      assert.equal((await drain({ LEAVES: "yes" })).code, 0);
      assert.deepEqual(log(), []);
    });

    it("names the pod that does not go, and lets pods come again unless the worker leaves", async () => {
      host.write(
        "fake/fail-drain",
        'error when evicting pods/"web-1" -n "shop" (will retry after 5s): Cannot evict pod as it would violate the pod\'s disruption budget.\nerror: unable to drain node\n',
      );
      const stays = await drain();
      assert.equal(stays.code, 1);
      assert.match(
        last(stays),
        /the pods of shelf could not all be moved within 60 s: error when evicting pods\/"web-1" -n "shop".*\. Remove that pod or its PodDisruptionBudget, and run pulumi up again/,
      );
      assert.deepEqual(log(), [drained, "uncordon shelf"]);
      await drain({ LEAVES: "yes" });
      assert.deepEqual(log().slice(2), [drained]);
    });
  });
});

describe("the scripts of the phases, on a worker", () => {
  let host: ScratchHost;
  const own = { K0S_ROLE: "worker", OWNER: "stack-a@192.0.2.11#1" };
  const unit = "etc/systemd/system/k0sworker.service";

  beforeEach(() => {
    host = new ScratchHost();
    host.write("usr/local/bin/k0s", host.k0s("v1.35.7+k0s.0"), 0o755);
  });

  afterEach(() => host.dispose());

  it("install.sh claims the machine and makes the service, with an argument that has a blank", async () => {
    const args =
      "--kubelet-extra-args=--hostname-override=shelf --node-ip=192.0.2.11\n--env=GOGC=30";
    const { code, stderr } = await host.run("install", { ...own, INSTALL_ARGS: args });
    assert.equal(code, 0, stderr);
    assert.match(
      host.read(unit),
      /worker --token-file \/etc\/k0s\/\.knative-edge-token --kubelet-extra-args=--hostname-override=shelf( |\\x20)--node-ip=192\.0\.2\.11 --env=GOGC=30/,
    );
    assert.equal(host.read("etc/k0s/.knative-edge"), own.OWNER);
  });

  it("ready.sh leaves the token where only root reads it, and is ready with k0s' status", async () => {
    await host.run("install", { ...own, INSTALL_ARGS: "" });
    host.write("run/k0s/status.sock", "");
    host.write("fake/status", "");
    const { code, stdout, stderr } = await host.run("ready", {
      ...own,
      INSTALL_ARGS: "",
      JOIN_TOKEN: "the-token",
      API_SERVER: "https://192.0.2.10:6443",
      READY_TIMEOUT: "2",
    });
    assert.equal(code, 0, stderr);
    assert.equal(host.read("etc/k0s/.knative-edge-token"), "the-token");
    const { state } = JSON.parse(stdout) as { state: { k0sVersion: string } };
    assert.equal(state.k0sVersion, "v1.35.7+k0s.0");
    assert.ok(!`${stdout}${stderr}`.includes("the-token"));
  });

  it("ready.sh says so when the controller does not answer the worker", async () => {
    await host.run("install", { ...own, INSTALL_ARGS: "" });
    host.fake("curl", "exit 28");
    const { code, stderr } = await host.run("ready", {
      ...own,
      INSTALL_ARGS: "",
      JOIN_TOKEN: "the-token",
      API_SERVER: "https://192.0.2.10:6443",
      READY_TIMEOUT: "1",
    });
    assert.equal(code, 1);
    assert.match(
      stderr,
      /k0s status was not reached \(https:\/\/192\.0\.2\.10:6443 does not answer this host: open its TCP port to the workers\)/,
    );
  });
});
