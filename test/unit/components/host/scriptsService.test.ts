import assert from "node:assert/strict";
import * as fs from "node:fs";
import { ScratchHost } from "../../../support/scratchHost";

const yaml = "apiVersion: k0s.k0sproject.io/v1beta1\nkind: ClusterConfig\n";
const ours = {
  OWNER: "stack-a",
  K0S_YAML: yaml,
  INSTALL_ARGS: "--single\n--disable-components=autopilot,helm",
};
const unit = "etc/systemd/system/k0scontroller.service";

let host: ScratchHost;
beforeEach(() => {
  host = new ScratchHost();
  host.write("usr/local/bin/k0s", host.k0s("v1.35.7+k0s.0"), 0o755);
});
afterEach(() => host.dispose());

/** The lines of the fakes' log that start so. */
const calls = (start: string) =>
  host
    .read("fake/log")
    .split("\n")
    .filter((line) => line.startsWith(start));

/** Like `run`, and expects success. */
async function done(phase: string, more: Record<string, string> = {}): Promise<string> {
  const { code, stdout, stderr } = await host.run(phase, { ...ours, ...more });
  assert.equal(code, 0, stderr);
  return stdout;
}

/** Like `run`, and expects one final sentence. */
async function refused(phase: string, more: Record<string, string> = {}): Promise<string> {
  const { code, stdout, stderr } = await host.run(phase, { ...ours, ...more });
  assert.equal(code, 1);
  assert.equal(stdout, "");
  const sentence = stderr.trimEnd().split("\n").pop() ?? "";
  assert.match(sentence, /^edge: /);
  return sentence;
}

/** A command that dies, and the shell that called it with it, at its nth call. */
function deadly(command: string, nth: number): void {
  const real = fs.realpathSync(host.path(`fake-bin/${command}`));
  host.remove("fake/deaths");
  host.fake(
    command,
    `echo x >>$F/deaths; [ $(grep -c x $F/deaths) != ${nth} ] || { kill -9 $PPID; exit 9; }; exec ${real} "$@"`,
  );
}

/** Cuts the phase off at each call of the command (or each `step`th), runs it again, and compares with a run that was not cut. */
async function convergesAfterEach(
  command: string,
  phase: string,
  arrange: () => Promise<unknown>,
  step = 1,
) {
  await arrange();
  await done(phase);
  const whole = host.tree();
  for (let nth = 1; ; nth += step) {
    host.dispose();
    host = new ScratchHost();
    host.write("usr/local/bin/k0s", host.k0s("v1.35.7+k0s.0"), 0o755);
    await arrange();
    const real = fs.realpathSync(host.path(`fake-bin/${command}`));
    deadly(command, nth);
    const { code } = await host.run(phase, ours);
    host.removeCommand(command);
    fs.symlinkSync(real, host.path(`fake-bin/${command}`));
    if (!host.exists("fake/deaths") || host.read("fake/deaths").length / 2 < nth) {
      assert.ok(nth > 1, `${phase} never called ${command}`);
      assert.equal(code, 0);
      return;
    }
    await done(phase);
    const again = host.tree();
    assert.deepEqual(Object.keys(again), Object.keys(whole), `after the end at ${command} ${nth}`);
    const differing = Object.keys(whole).filter(
      (file) => !file.startsWith("usr/local/bin") && again[file] !== whole[file],
    );
    assert.deepEqual(differing, [], `after the end at ${command} ${nth}`);
  }
}

describe("config.sh", () => {
  it("claims the host and writes a private k0s.yaml, once", async () => {
    host.write("opt/cni/bin/bridge", "theirs");
    const first = await done("config");
    assert.match(first, /^[0-9a-f]{64}\n$/);
    assert.equal(host.read("etc/k0s/k0s.yaml"), `${yaml}\n`);
    assert.equal(fs.statSync(host.path("etc/k0s/k0s.yaml")).mode & 0o777, 0o600);
    assert.equal(host.read("etc/k0s/.knative-edge"), "stack-a");
    assert.equal(host.read("etc/k0s/.knative-edge-kept"), "/opt/cni/bin\n/opt/cni/bin/bridge\n");
    const { ino } = fs.statSync(host.path("etc/k0s/k0s.yaml"));
    assert.equal(await done("config"), first);
    assert.equal(fs.statSync(host.path("etc/k0s/k0s.yaml")).ino, ino);
  });

  it("makes directories that all may read and root alone may change, whatever root's umask is", async () => {
    for (const umask of [0, 0o077]) {
      host.remove("etc/k0s");
      const before = process.umask(umask);
      try {
        await done("config");
      } finally {
        process.umask(before);
      }
      assert.equal(fs.statSync(host.path("etc/k0s")).mode & 0o777, 0o755);
    }
  });

  it("leaves the old file when k0s refuses the new one, in k0s' words", async () => {
    await done("config");
    const sentence = await refused("config", { K0S_YAML: "nonsense: true" });
    assert.match(sentence, /k0s refuses the configuration: .*unknown field "nonsense"/);
    assert.deepEqual(fs.readdirSync(host.path("etc/k0s")).sort(), [
      ".knative-edge",
      ".knative-edge-kept",
      "k0s.yaml",
    ]);
    assert.equal(host.read("etc/k0s/k0s.yaml"), `${yaml}\n`);
  });

  it("keeps a k0s.yaml that was there, and never overwrites the copy", async () => {
    host.write("etc/k0s/k0s.yaml", "theirs");
    await done("config");
    await done("config", { K0S_YAML: `${yaml}# changed` });
    assert.equal(host.read("etc/k0s/k0s.yaml.old"), "theirs");
    host.remove("etc/k0s/.knative-edge");
    assert.match(
      await refused("config"),
      /k0s\.yaml\.old are here from before and differ: move them away/,
    );
  });

  it("refuses another storage than the cluster has", async () => {
    host.write("etc/k0s/.knative-edge", "stack-a");
    host.write("var/lib/k0s/db/state.db", "");
    assert.match(
      await refused("config", { K0S_YAML: "spec:\n  storage:\n    type: etcd\n" }),
      /stored in kine, and the configuration says etcd/,
    );
    host.remove("var/lib/k0s/db");
    host.write("var/lib/k0s/etcd/member/x", "");
    assert.match(
      await refused("config"),
      /stored in etcd \(\/var\/lib\/k0s\/etcd\), and the configuration says kine/,
    );
    assert.ok(!host.exists("etc/k0s/k0s.yaml"));
  });

  it("refuses the host of another stack, and one with a foreign k0s", async () => {
    host.write("etc/k0s/.knative-edge", "stack-b");
    assert.match(await refused("config"), /belongs to "stack-b"/);
    host.remove("etc/k0s");
    host.write(unit, "");
    assert.match(await refused("config"), /that this stack did not install/);
    assert.ok(!host.exists("etc/k0s"));
  });

  it("converges wherever it was cut off", () =>
    convergesAfterEach("mv", "config", async () => host.write("etc/k0s/k0s.yaml", "theirs")));
});

describe("install.sh", () => {
  beforeEach(() => done("config"));

  it("refuses the host of another stack, and installs nothing there", async () => {
    assert.match(
      await refused("install", { OWNER: "stack-b" }),
      /k0s here belongs to "stack-a", not to "stack-b"/,
    );
    assert.ok(!host.exists(unit));
    assert.deepEqual(calls("k0s install"), []);
  });

  it("installs once, and again when the arguments or the unit changed", async () => {
    const first = await done("install");
    assert.match(
      host.read(unit),
      /controller -c \/etc\/k0s\/k0s\.yaml --single --disable-components=autopilot,helm\n/,
    );
    assert.equal(await done("install"), first);
    assert.equal(calls("k0s install").length, 1);
    assert.notEqual(await done("install", { INSTALL_ARGS: "" }), first);
    await done("install");
    host.write(unit, "edited");
    assert.equal(await done("install"), first);
    assert.equal(calls("k0s install").length, 4);
    assert.equal(calls("systemctl restart").length, 0);
  });

  it("completes an installation that stopped halfway", async () => {
    host.write(unit, "half");
    await done("install");
    assert.match(calls("k0s install")[0] ?? "", /--force$/);
  });

  it("says what to do when the binary is gone", async () => {
    host.remove("usr/local/bin/k0s");
    assert.match(
      await refused("install"),
      /\/usr\/local\/bin\/k0s is missing, so something removed it: run pulumi destroy/,
    );
  });

  it("tells k0s' words when it fails", async () => {
    host.write("etc/k0s/k0s.yaml", "nonsense");
    assert.match(
      await refused("install"),
      /could not be installed as a service: Error: .*unknown field/,
    );
  });

  it("converges wherever it was cut off", () =>
    convergesAfterEach("mv", "install", () => done("config")));
});

describe("ready.sh", () => {
  const node = (ready: string, message = "", heartbeat = "2999-01-01T00:00:00Z", holds = "Ready") =>
    `Node//edge ${ready} ${heartbeat} ${message} [${holds}]\n`;
  const dns = "Deployment/kube-system/coredns True   [Available Progressing]\n";
  const account = "ServiceAccount/default/default    []\n";
  /** Tells a cluster that is started again from a new one. */
  const startedBefore = "etc/k0s/.knative-edge-started";
  /** The outputs of k0s kubectl, one after the other; the last stays. */
  const answers = (name: "readyz" | "cluster" | "services" | "pods", ...texts: string[]) =>
    texts.forEach((text, index) => host.write(`fake/${name}.${index + 1}`, text));

  beforeEach(async () => {
    await done("config");
    await done("install");
    host.write("run/k0s/status.sock", "");
    host.write("fake/journal", "last words\n");
    answers("readyz", "ok");
    answers("cluster", node("True") + dns + account);
  });

  it("climbs the rungs in order", async () => {
    answers("readyz", "[-]etcd failed", "ok");
    host.write(startedBefore, "as it was then");
    answers("readyz", "[-]etcd failed", "ok");
    answers(
      "cluster",
      "",
      node("False", "container runtime network not ready"),
      node("True"),
      node("True") + dns.replace("True", "False"),
      node("True") + dns,
      node("True") + dns + account,
    );
    const { code, stdout, stderr } = await host.run("ready", ours);
    assert.equal(code, 0, stderr);
    const { seconds, state } = JSON.parse(stdout) as Record<string, Record<string, string>>;
    assert.equal(state?.k0sVersion, "v1.35.7+k0s.0");
    assert.equal(state?.clusterSha256, "absent");
    assert.deepEqual(Object.keys(seconds ?? {}), [
      "service",
      "status",
      "readyz",
      "node",
      "dns",
      "account",
    ]);
    const rungs = stderr.match(
      /(the service|k0s status|the API|a Ready node|CoreDNS|the default ServiceAccount)(?=.* after)/g,
    );
    assert.deepEqual(rungs, [
      "the service",
      "k0s status",
      "the API",
      "a Ready node",
      "CoreDNS",
      "the default ServiceAccount",
    ]);
    assert.match(stderr, /k0s: ready in \d+ s \(service \d+, .*account \d+\)\n$/);
    assert.equal(calls("k0s kubectl").length, 2 + 6);
  });

  it("does not wait for the CoreDNS of a new cluster, which comes half a minute later", async () => {
    answers("cluster", node("True") + account);
    const { seconds } = JSON.parse(await done("ready")) as { seconds: object };
    assert.deepEqual(Object.keys(seconds), ["service", "status", "readyz", "node", "account"]);
  });

  it("costs an unchanged host no restart, and two calls of kubectl", async () => {
    await done("ready");
    const before = host.read("fake/log").length;
    await done("ready");
    const log = host.read("fake/log").slice(before);
    assert.doesNotMatch(log, /restart/);
    assert.equal(log.match(/k0s kubectl/g)?.length, 2);
  });

  for (const [what, change] of [
    ["binary", () => host.write("usr/local/bin/k0s", host.k0s("v1.35.8+k0s.0"), 0o755)],
    ["configuration", () => host.write("etc/k0s/k0s.yaml", "changed: true")],
    ["unit", () => host.write(unit, "changed")],
    ["drop-ins", () => host.write(`${unit}.d/10-proxy.conf`, "[Service]")],
    ["state (stopped)", () => host.write("fake/service", "ActiveState=inactive\nNRestarts=0\n")],
  ] as const) {
    it(`restarts once when the ${what} changed`, async () => {
      await done("ready");
      change();
      await done("ready");
      await done("ready");
      assert.equal(calls("systemctl restart").length, 2);
    });
  }

  for (const [what, breaks] of [
    ["is never ready", () => answers("cluster", "")],
    ["cannot be started", () => host.write("fake/cannot-start", "")],
  ] as const) {
    it(`leaves a restart to the phase that sets back the configuration with which k0s ${what}`, async () => {
      await done("ready");
      await done("config", { K0S_YAML: `${yaml}# changed` });
      assert.equal(calls("systemctl restart").length, 1, "ready.sh restarts what was ready before");
      breaks();
      await refused("ready", { READY_TIMEOUT: "1" });
      host.remove("fake/cannot-start");
      await done("config");
      assert.equal(calls("systemctl restart").length, 3);
      await done("config");
      assert.equal(calls("systemctl restart").length, 3);
    });
  }

  it("counts the restart itself, so that READY_TIMEOUT bounds both", async () => {
    host.fake("timeout", '[ $3 != restart ] || /bin/sleep 1.1; shift; exec "$@"');
    const { seconds } = JSON.parse(await done("ready")) as { seconds: { service: number } };
    assert.ok(seconds.service >= 1, `${seconds.service} s`);
  });

  it("does not take a node's word from before a restart", async () => {
    answers(
      "cluster",
      node("True", "", "2001-01-01T00:00:00Z") + dns + account,
      node("True") + dns + account,
    );
    await done("ready");
    assert.equal(calls("k0s kubectl").length, 3);
  });

  describe("with Services that keep their endpoints over a restart", () => {
    const steady = { STEADY_SERVICES: "knative-serving/activator-service kourier-system/kourier" };
    const held = "etc/k0s/.knative-edge-held";
    const asked = (ready: string, since: string) =>
      "EndpointSlice|knative-serving/activator-service-x|knative-serving/activator-service|activator-1 activator-2|||\n" +
      "EndpointSlice|knative-serving/webhook-x|knative-serving/webhook|webhook-1|||\n" +
      `Pod|knative-serving/activator-1|knative-serving/||edge|${ready}|${since}\n` +
      "Pod|knative-serving/activator-2|knative-serving/||shelf|True|2001-01-01T00:00:00Z\n" +
      "Pod|knative-serving/webhook-1|knative-serving/||edge|False|2001-01-01T00:00:00Z\n";
    const [late, early] = ["2999-01-01T00:00:00Z", "2001-01-01T00:00:00Z"];
    /** What was done to the Services and to k0s, in order. */
    const steps = () =>
      [
        ...host
          .read("fake/log")
          .matchAll(
            /systemctl (restart)|publishNotReadyAddresses":(true|false)|"namespace":"([^"]+)","name":"([^"]+)"/g,
          ),
      ].map(([, restart, value, namespace, name]) => restart ?? value ?? `${namespace}/${name}`);

    beforeEach(async () => {
      await done("ready", steady);
      host.write("fake/log", "");
      host.write("usr/local/bin/k0s", host.k0s("v1.35.8+k0s.0"), 0o755);
      answers("services", "default/kubernetes\nknative-serving/activator-service\n");
      answers("pods", asked("True", late));
    });

    it("holds those that are there until kubelet has asked their pods on this node", async () => {
      answers("pods", "", asked("True", early), asked("False", late), asked("True", late));
      await done("ready", steady);
      const service = "knative-serving/activator-service";
      assert.deepEqual(steps(), ["true", service, "restart", "false", service]);
      assert.equal(
        calls("k0s kubectl").filter((call) => call.includes("get endpointslices")).length,
        4,
      );
      assert.ok(!host.exists(held));
    });

    it("leaves them alone when k0s is not restarted, was stopped, or is new", async () => {
      host.write("fake/service", "ActiveState=inactive\nNRestarts=0\n");
      await done("ready", steady);
      await done("ready", steady);
      assert.deepEqual(steps(), ["restart"]);
    });

    it("releases them with the next run when this one is cut off", async () => {
      answers("cluster", "");
      await refused("ready", { ...steady, READY_TIMEOUT: "1" });
      assert.equal(host.read(held), `${steady.STEADY_SERVICES}\n`);
      answers("cluster", node("True") + dns + account);
      host.write("fake/patch-fails", "");
      assert.match(
        await refused("ready", { READY_TIMEOUT: "1" }),
        /the API takes no change of the Services knative-serving\/activator-service kourier-system\/kourier: is it/,
      );
      host.remove("fake/patch-fails");
      host.write("fake/log", "");
      await done("ready");
      assert.deepEqual(steps(), ["false", "knative-serving/activator-service"]);
      assert.ok(!host.exists(held));
    });

    it("forgets one that has gone meanwhile", async () => {
      answers("cluster", "");
      await refused("ready", { ...steady, READY_TIMEOUT: "1" });
      answers("cluster", node("True") + dns + account);
      answers("services", "default/kubernetes\n");
      await done("ready");
      assert.deepEqual(steps(), ["true", "knative-serving/activator-service", "restart"]);
      assert.ok(!host.exists(held));
    });

    it("restarts k0s even if the API takes no change", async () => {
      host.write("fake/services.1", "");
      await done("ready", steady);
      assert.deepEqual(steps(), ["restart"]);
      assert.ok(!host.exists(held));
    });
  });

  it("does not wait for a CoreDNS that is switched off", async () => {
    host.write(startedBefore, "as it was then");
    answers("cluster", node("True") + account);
    const stdout = await done("ready", { INSTALL_ARGS: "--disable-components=helm,coredns" });
    assert.ok(!("dns" in (JSON.parse(stdout) as { seconds: object }).seconds));
  });

  it("takes away a metrics-server that was switched off, once, and again when that failed", async () => {
    answers("cluster", node("True") + dns + account);
    const manifest = "var/lib/k0s/manifests/metricserver/metric_server.yaml";
    host.write(manifest, "kind: Deployment\n");
    const deletions = () => calls("k0s kubectl").filter((call) => call.includes(" delete "));
    await done("ready");
    assert.deepEqual([deletions().length, host.exists(manifest)], [0, true]);
    const off = { INSTALL_ARGS: "--disable-components=helm,metrics-server\n--env=GOGC=50" };
    host.write("fake/delete-fails", "");
    assert.match(await refused("ready", off), /metrics-server was switched off and cannot be/);
    host.remove("fake/delete-fails");
    await done("ready", off);
    await done("ready", off);
    assert.equal(deletions().length, 2);
    assert.ok(!host.exists("var/lib/k0s/manifests/metricserver"));
  });

  it("names the rung, the node's reason and the journal's tail at the deadline", async () => {
    answers(
      "cluster",
      node("False", "container runtime network not ready: cni config uninitialized"),
    );
    const { code, stdout, stderr } = await host.run("ready", { ...ours, READY_TIMEOUT: "1" });
    assert.equal(code, 1);
    assert.equal(stdout, "");
    assert.match(stderr, /--- the last lines of journalctl -u k0scontroller:\nlast words\n---\n/);
    assert.match(
      stderr,
      /edge: k0s was not ready within 1 s: a Ready node was not reached \(edge: container runtime network not ready: cni config uninitialized\)\. [^\n]*readyTimeoutSeconds\n$/,
    );
  });

  it("names the pressure under which the node takes no pods", async () => {
    host.write(startedBefore, "as it was then");
    const under = node("True", "kubelet is posting ready status", undefined, "DiskPressure Ready");
    answers("cluster", under + account);
    assert.match(
      await refused("ready", { READY_TIMEOUT: "1" }),
      /CoreDNS was not reached \(the node is under DiskPressure: free some disk on the host, see df -h \/var\/lib\/k0s\)\. /,
    );
    answers("cluster", node("False", "no network", undefined, "MemoryPressure") + account);
    assert.match(
      await refused("ready", { READY_TIMEOUT: "1" }),
      /a Ready node was not reached \(edge: no network; the node is under MemoryPressure: stop other programs/,
    );
  });

  it("gives up on a crash loop long before the deadline", async () => {
    host.write("fake/crashes", "");
    const sentence = await refused("ready");
    assert.match(sentence, /k0s does not stay up \(systemd: activating, \d restarts\)/);
  });

  it("gives up when systemd cannot start it", async () => {
    host.write("fake/cannot-start", "");
    assert.match(await refused("ready"), /systemd could not start k0scontroller/);
  });

  it("shows no credential of the journal", async () => {
    const secrets = [
      "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrOHMifQ.c2lnbmF0dXJl",
      "abcdef.0123456789abcdef",
      "hunter2",
      "s3cret",
      "MIIEowIBAAKCAQEA",
    ];
    host.write(
      "fake/journal",
      `bearer ${secrets[0]}\njoin ${secrets[1]} now\nmysql://root:${secrets[2]}@db/k\n{"token":"${secrets[3]}"}\n` +
        `-----BEGIN RSA PRIVATE KEY-----\n${secrets[4]}\n-----END RSA PRIVATE KEY-----\nkept\n`,
    );
    host.write("fake/cannot-start", "");
    const { stderr } = await host.run("ready", ours);
    for (const secret of secrets) assert.ok(!stderr.includes(secret), stderr);
    assert.match(stderr, /kept/);
  });

  it("says what to do when the installation is gone", async () => {
    host.remove(unit);
    assert.match(await refused("ready"), /is not installed as a service .*: run pulumi destroy/);
  });
});

describe("kubeconfig.sh", () => {
  it("prints the kubeconfig and nothing else", async () => {
    host.write("fake/status", "");
    assert.equal(await done("kubeconfig"), "kind: Config\n");
  });

  it("fails where k0s was never started", async () => {
    assert.match(
      await refused("kubeconfig"),
      /k0s gave no admin kubeconfig: has it been started\?/,
    );
  });
});

describe("delete.sh", () => {
  const rules = `# Generated by iptables-save v1.8.9
*nat
:PREROUTING ACCEPT [0:0]
:KUBE-SERVICES - [0:0]
:MINE - [0:0]
:CNI-HOSTPORT-DNAT - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A PREROUTING -m comment --comment "not -j KUBE-SERVICES" -j MINE
-A POSTROUTING -m set --match-set kube-router-pod-subnets src -j MASQUERADE
-A KUBE-SERVICES -d 10.96.0.1/32 -j RETURN
COMMIT
*filter
:INPUT ACCEPT [0:0]
-A INPUT -p tcp --dport 22 -j ACCEPT
-A FORWARD -i kube-bridge -m comment --comment "allow outbound traffic from pods" -j ACCEPT
COMMIT
*mangle
:INPUT ACCEPT [0:0]
COMMIT
`;
  const removal = `*nat
:KUBE-SERVICES - [0:0]
:CNI-HOSTPORT-DNAT - [0:0]
-D PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-D POSTROUTING -m set --match-set kube-router-pod-subnets src -j MASQUERADE
-X KUBE-SERVICES
-X CNI-HOSTPORT-DNAT
COMMIT
*filter
-D FORWARD -i kube-bridge -m comment --comment "allow outbound traffic from pods" -j ACCEPT
COMMIT
`;

  /** What a cluster that ran leaves behind, beside what others put there. */
  const arrange = async () => {
    host.write("etc/k0s/k0s.yaml", "theirs");
    host.write("opt/cni/bin/portmap", "theirs");
    await done("config");
    await done("install");
    host.write("fake/service", "ActiveState=active\nNRestarts=0\n");
    for (const file of [
      "var/lib/k0s/db/state.db",
      "run/k0s/status.sock",
      "var/log/pods/x/0.log",
      "var/lib/cni/networks/x",
    ])
      host.write(file, "");
    for (const plugin of ["bridge", "loopback", "theirs"]) host.write(`opt/cni/bin/${plugin}`, "");
    host.write("etc/cni/net.d/10-kuberouter.conflist", "");
    host.write("etc/cni/net.d/99-theirs.conf", "");
    host.write("etc/k0s/containerd.toml", "# k0s_managed=true\n");
    host.write("etc/k0s/containerd.d/theirs.toml", "");
    host.write("var/lib/kubelet/device-plugins/x", "");
    host.write("usr/libexec/k0s/x", "");
    host.write("run/netns/cni-1", "");
    host.write(
      "proc/self/mounts",
      `/dev/vda / ext4 rw 0 0\ntmpfs ${host.root}/var/lib/k0s/a tmpfs rw 0 0\ntmpfs ${host.root}/var/lib/k0s/a/b tmpfs rw 0 0\n` +
        `nsfs ${host.root}/run/netns/cni-1 nsfs rw 0 0\nnsfs ${host.root}/run/netns/theirs nsfs rw 0 0\n`,
    );
    host.write("fake/rules", rules);
    host.write(
      "fake/sets",
      "kube-router-pod-subnets\ninet6:kube-router-pod-subnets\nKUBE-DST-ABC\ntheirs\n",
    );
    host.write(
      "fake/links",
      "1: lo: <LOOPBACK>\n2: eth0@if9: <UP>\n3: kube-bridge: <UP>\n4: veth1@if2: <UP> master kube-bridge\n",
    );
  };

  it("removes what k0s made and left, and nothing of others", async () => {
    await arrange();
    const { code, stdout, stderr } = await host.run("delete", ours);
    assert.equal(code, 0, stderr);
    assert.equal(stdout, "");
    const left = Object.keys(host.tree()).filter((file) => /k0s|cni|kubelet|pods/.test(file));
    assert.deepEqual(left.sort(), [
      "etc/cni",
      "etc/cni/net.d",
      "etc/cni/net.d/99-theirs.conf",
      "etc/k0s",
      "etc/k0s/containerd.d",
      "etc/k0s/containerd.d/theirs.toml",
      "etc/k0s/k0s.yaml",
      "opt/cni",
      "opt/cni/bin",
      "opt/cni/bin/portmap",
      "opt/cni/bin/theirs",
    ]);
    assert.equal(host.read("etc/k0s/k0s.yaml"), "theirs");
    assert.equal(host.read("fake/restored"), removal);
    assert.equal(host.read("fake/sets"), "theirs\n");
    assert.equal(host.read("fake/links"), "1: lo: <LOOPBACK>\n2: eth0@if9: <UP>\n");
    assert.deepEqual(
      calls("umount").map((line) => line.replace(host.root, "")),
      ["umount /run/netns/cni-1", "umount /var/lib/k0s/a/b", "umount /var/lib/k0s/a"]
        .sort()
        .reverse(),
    );
    const order = calls("").filter((line) => /disable --now|k0s reset|daemon-reload/.test(line));
    assert.deepEqual(order.slice(-3), [
      "systemctl disable --now --quiet k0scontroller",
      "k0s reset",
      "systemctl daemon-reload",
    ]);
    assert.match(stderr, /removed; still on this host: .*\/etc\/k0s\/k0s\.yaml.*\/opt\/cni\/bin/);
  });

  describe("where the host has no ipset command", () => {
    /** Acts on the fakes' sets, as the scratch host's own does. */
    const ipset = () => {
      const text = host.read("fake-bin/ipset");
      host.removeCommand("ipset");
      return text;
    };
    const root = "proc/77/root";
    // Not in a pod's control group, or the script would end the process of this number on this machine.
    const router = () => host.process(77, { comm: "kube-router" });

    it("borrows the static program of kube-router's image, and leaves nothing of it", async () => {
      await arrange();
      host.write(`${root}/usr/sbin/ipset`, ipset(), 0o755);
      router();
      const { code, stderr } = await host.run("delete", ours);
      assert.equal(code, 0, stderr);
      assert.equal(host.read("fake/sets"), "theirs\n");
      assert.doesNotMatch(stderr, /ipset/);
    });

    it("borrows Alpine's program with its loader and libraries", async () => {
      await arrange();
      host.write(`${root}/usr/sbin/ipset`, ipset(), 0o755);
      for (const name of ["libipset.so.13", "libmnl.so.0"])
        host.write(`${root}/usr/lib/${name}`, "");
      host.write(
        `${root}/lib/ld-musl-x86_64.so.1`,
        `#!/bin/sh\n[ $1 = --library-path ] && [ -e $2/libipset.so.13 ] && [ -e $2/libmnl.so.0 ] || exit 1\nshift 2\nexec "$@"\n`,
        0o755,
      );
      router();
      await done("delete");
      assert.equal(host.read("fake/sets"), "theirs\n");
    });

    for (const [what, iptables, says] of [
      [
        "iptables finds one of them",
        `case "$*" in *pod-subnets*) echo "iptables: Bad rule (does a matching rule exist in that chain?)." ;; *) echo "iptables v1.8.9: Set kube-router-node-ips doesn't exist." ;; esac >&2; exit 1`,
        /has no ipset command: ipset kube-router-pod-subnets\. A reboot removes them, or ipset destroy/,
      ],
      [
        "iptables cannot tell, and the kernel has the module",
        'echo "no such match" >&2; exit 2',
        /ipset kube-router-pod-subnets, ipset kube-router-node-ips\. A reboot/,
      ],
    ] as const) {
      it(`says what stays in the kernel where ${what}`, async () => {
        await arrange();
        host.removeCommand("ipset");
        host.fake("iptables", iptables);
        host.write("proc/modules", "ip_set 57344 2 xt_set,ip_set_hash_net, Live 0x0\n");
        const { code, stderr } = await host.run("delete", ours);
        assert.equal(code, 0, stderr);
        assert.match(stderr, says);
      });
    }

    it("says nothing where the kernel has no sets", async () => {
      await arrange();
      host.removeCommand("ipset");
      assert.doesNotMatch((await host.run("delete", ours)).stderr, /ipset/);
    });
  });

  it("removes control groups that are empty and the lock of iptables, and says which sysctls are changed", async () => {
    const sysctl = (name: string, value: number) => host.write(`proc/sys/${name}`, `${value}\n`);
    sysctl("net/ipv4/ip_forward", 0);
    sysctl("kernel/panic", 10);
    await arrange();
    sysctl("net/ipv4/ip_forward", 1);
    sysctl("net/netfilter/nf_conntrack_max", 65536);
    host.write("run/xtables.lock", "");
    const groups = [
      "systemd/system.slice/k0scontroller.service",
      "system.slice/containerd.service",
    ];
    for (const group of [...groups, "kubepods/pod1", "system.slice/docker.service"])
      fs.mkdirSync(host.path(`sys/fs/cgroup/${group}`), { recursive: true });
    const { stderr } = await host.run("delete", ours);
    for (const gone of [...groups, "kubepods"]) assert.ok(!host.exists(`sys/fs/cgroup/${gone}`));
    assert.ok(host.exists("sys/fs/cgroup/system.slice/docker.service"));
    assert.ok(!host.exists("run/xtables.lock"));
    assert.match(
      stderr,
      /still on this host: .*net\.ipv4\.ip_forward=1 \(0 before k0s\), net\.netfilter\.nf_conntrack_max=65536$/m,
    );
    assert.doesNotMatch(stderr, /kernel\.panic/);
  });

  it("leaves others' control groups and lock of iptables, and names what it could not remove", async () => {
    host.write("run/xtables.lock", "");
    await arrange();
    host.write("sys/fs/cgroup/system.slice/containerd.service/cgroup.procs", "1\n");
    const { stderr } = await host.run("delete", ours);
    assert.ok(host.exists("run/xtables.lock"));
    assert.match(stderr, /control group \/sys\/fs\/cgroup\/system\.slice\/containerd\.service/);
  });

  it("has nothing to do the second time, nor on a new machine", async () => {
    await arrange();
    await done("delete");
    const after = host.tree();
    const log = host.read("fake/log");
    assert.equal(await done("delete"), "");
    assert.deepEqual(host.tree(), after);
    assert.equal(host.read("fake/log"), log);
  });

  it("goes on without k0s' own reset, and without its binary", async () => {
    for (const spoil of [
      () => host.write("fake/reset-fails", ""),
      () => host.remove("usr/local/bin/k0s"),
    ]) {
      await arrange();
      spoil();
      await done("delete");
      assert.ok(
        !host.exists("var/lib/k0s") && !host.exists(unit) && !host.exists("etc/k0s/.knative-edge"),
      );
      host.remove("fake/reset-fails", "etc/k0s", "var", "run/k0s", "opt", "etc/cni");
      host.write("usr/local/bin/k0s", host.k0s("v1.35.7+k0s.0"), 0o755);
      host.write("var/lib/x", "");
    }
  });

  it("takes another generation of this stack's away, whichever is the later", async () => {
    for (const generation of ["stack-a#1", "stack-a#12"]) {
      await arrange();
      host.write("etc/k0s/.knative-edge", generation);
      await done("delete", { OWNER: "stack-a#3" });
      assert.ok(!host.exists("var/lib/k0s") && !host.exists("etc/k0s/.knative-edge"));
      host.remove("etc/k0s", "var", "run/k0s", "opt", "etc/cni");
      host.write("usr/local/bin/k0s", host.k0s("v1.35.7+k0s.0"), 0o755);
      host.write("var/lib/x", "");
    }
  });

  it("touches nothing of another stack or a foreign k0s", async () => {
    await arrange();
    const before = host.tree();
    assert.match(
      await refused("delete", { OWNER: "stack-b" }),
      /belongs to "stack-a".* Nothing was removed/,
    );
    host.remove("etc/k0s/.knative-edge");
    assert.match(await refused("delete"), /that this stack did not install .* Nothing was removed/);
    host.write("etc/k0s/.knative-edge", "stack-a");
    assert.deepEqual(host.tree(), before);
  });

  it("ends the processes that k0s left, and no other", async () => {
    await arrange();
    // Real processes of this test, so that a real signal ends them.
    const { spawn } = await import("node:child_process");
    const shim = spawn(process.execPath, ["-e", "setInterval(()=>{},1e6)"]);
    const stranger = spawn(process.execPath, ["-e", "setInterval(()=>{},1e6)"]);
    try {
      host.process(shim.pid ?? 0, {
        comm: "shim",
        exe: `${host.root}/var/lib/k0s/bin/containerd-shim-runc-v2`,
      });
      host.process(stranger.pid ?? 0, { comm: "sshd" });
      shim.on("exit", () => host.remove(`proc/${shim.pid}`));
      const ended = new Promise((resolve) => shim.on("exit", (_, signal) => resolve(signal)));
      await done("delete");
      assert.equal(await ended, "SIGKILL");
      assert.equal(stranger.exitCode, null);
    } finally {
      shim.kill("SIGKILL");
      stranger.kill("SIGKILL");
    }
  });

  it("fails, and can be run again, when something remains that a new installation would trip over", async () => {
    await arrange();
    host.fake("umount", "exit 32");
    assert.match(
      await refused("delete"),
      /k0s is not wholly gone: mount \S*\/var\/lib\/k0s\/a\/b, .*Reboot the host and run pulumi destroy again$/,
    );
    assert.ok(host.exists("etc/k0s/.knative-edge"));
    host.write("proc/self/mounts", "");
    await done("delete");
    assert.ok(!host.exists("etc/k0s/.knative-edge"));
  });

  it("deletes nothing on a file system that is still mounted in k0s' directory", async () => {
    await arrange();
    host.write("fake/reset-fails", "");
    host.write("var/lib/k0s/a/b/theirs", "theirs");
    host.fake("umount", "exit 32");
    // A directory stands in for the mount: rm leaves it out only if it is told to keep to one file system.
    const real = fs.realpathSync(host.path("fake-bin/rm"));
    host.fake(
      "rm",
      `case " $* " in *" --one-file-system "*) ;; *) exec ${real} "$@" ;; esac
      mv $R/var/lib/k0s/a/b $F/mounted; ${real} "$@"; mkdir -p $R/var/lib/k0s/a; mv $F/mounted $R/var/lib/k0s/a/b`,
    );
    await refused("delete");
    assert.equal(host.read("var/lib/k0s/a/b/theirs"), "theirs");
  });

  for (const [command, step] of [
    ["rm", 9],
    ["mv", 1],
    ["rmdir", 3],
  ] as const) {
    it(`converges wherever it was cut off (${command})`, () =>
      convergesAfterEach(command, "delete", arrange, step));
  }
});
