import assert from "node:assert/strict";
import { renderScript } from "../../../../components/host/shell";
import { hostScriptText, ScratchHost } from "../../../support/scratchHost";

const directory = "etc/k0s/containerd.d/knative-edge";
const ours = {
  OWNER: "stack-a",
  K0S_YAML: "kind: ClusterConfig\n",
  INSTALL_ARGS: "",
  CONTAINERD_TOML:
    'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry]\nconfig_path = "/a"',
  FILES: '== a.example:5000/hosts.toml\nserver = "$HOME"\n\n  x\n== a.example:5000/ca.crt\nCA',
};

describe("registries.sh", () => {
  let host: ScratchHost;
  beforeEach(async () => {
    host = new ScratchHost();
    host.write("usr/local/bin/k0s", host.k0s("v1.35.7+k0s.0"), 0o755);
    await done("config");
  });
  afterEach(() => host.dispose());

  async function done(phase: string, more: Record<string, string> = {}) {
    const { code, stdout, stderr } = await host.run(phase, { ...ours, ...more });
    assert.equal(code, 0, stderr);
    return { stdout, stderr };
  }
  async function refused(phase: string, more: Record<string, string> = {}): Promise<string> {
    const { code, stdout, stderr } = await host.run(phase, { ...ours, ...more });
    assert.deepEqual([code, stdout], [1, ""]);
    return stderr.trimEnd();
  }
  /** Arranges for a k0s that runs with the present files. */
  async function running(): Promise<void> {
    host.write("run/k0s/containerd.pid", "7");
    const lib = renderScript(
      { KNATIVE_EDGE_ROOT: host.root },
      `${hostScriptText("lib")}\nfingerprint`,
    );
    const { stdout } = await host.sh(["-s"], lib);
    host.write("etc/k0s/.knative-edge-started", stdout);
  }
  /** What k0s does when a drop-in changes. */
  function restartContainerd(): void {
    const restart = `case "$*" in *knative-edge.toml) echo 8 >$R/run/k0s/containerd.pid ;; esac`;
    host.fake("mv", `${restart}\nexec /bin/mv "$@"`);
  }

  it("writes what containerd reads, and says the same about the same", async () => {
    const first = await done("registries");
    assert.equal(host.read(`${directory}/a.example:5000/hosts.toml`), 'server = "$HOME"\n\n  x\n');
    assert.equal(host.read(`${directory}/a.example:5000/ca.crt`), "CA\n");
    assert.equal(host.read(`${directory}.toml`), `${ours.CONTAINERD_TOML}\n`);
    const tree = host.tree();
    assert.deepEqual(await done("registries"), first);
    assert.deepEqual(host.tree(), tree);
    assert.match(first.stdout, /^[0-9a-f]{64}\n$/);
  });

  it("removes what an earlier configuration had, and leaves what others put beside it", async () => {
    await done("registries");
    host.write("etc/k0s/containerd.d/gpu.toml", "version = 2\n# config_path is not here\n");
    await done("registries", { FILES: "== b.example/hosts.toml\nb" });
    assert.equal(host.read(`${directory}/b.example/hosts.toml`), "b\n");
    assert.equal(host.exists(`${directory}/a.example:5000`), false);
    assert.equal(host.exists("etc/k0s/containerd.d/gpu.toml"), true);
  });

  it("leaves nothing unfinished where k0s would read it", async () => {
    host.write(
      "etc/k0s/.knative-edge.tmp.registries/files/old/hosts.toml",
      "of a run that was cut off",
    );
    await done("registries");
    const files = Object.keys(host.tree()).filter((file) => /tmp|old/.test(file));
    assert.deepEqual(files, []);
  });

  describe("where k0s runs", () => {
    const waiting = /waiting for k0s to restart containerd/;

    it("waits for containerd with the drop-in", async () => {
      await running();
      restartContainerd();
      const { stderr } = await done("registries");
      assert.match(stderr, waiting);
      assert.doesNotMatch(stderr, /has not restarted/);
      assert.equal(host.read("run/k0s/containerd.pid").trim(), "8");
    });

    it("waits for the new containerd, and not for the end of the old one", async () => {
      await running();
      host.fake(
        "mv",
        'case "$*" in *knative-edge.toml) rm $R/run/k0s/containerd.pid ;; esac\nexec /bin/mv "$@"',
      );
      // The third look finds it.
      host.fake("sleep", "[ ! -e $F/looked ] || echo 8 >$R/run/k0s/containerd.pid; : >$F/looked");
      const { stderr } = await done("registries");
      assert.doesNotMatch(stderr, /has not restarted/);
      assert.equal(host.read("run/k0s/containerd.pid").trim(), "8");
    });

    it("does not wait for other files, which containerd reads at each pull", async () => {
      await done("registries");
      await running();
      const { stderr } = await done("registries", { FILES: "== b.example/hosts.toml\nb" });
      assert.doesNotMatch(stderr, waiting);
    });

    it("does not wait for a k0s that the next phase restarts, or that does not run", async () => {
      await running();
      host.write("etc/k0s/.knative-edge-started", "with another binary");
      assert.doesNotMatch((await done("registries")).stderr, waiting);
      host.remove("run/k0s/containerd.pid", `${directory}.toml`);
      assert.doesNotMatch((await done("registries")).stderr, waiting);
    });
  });

  it("refuses a containerd whose configuration is not k0s' own", async () => {
    host.write("etc/k0s/containerd.toml", "# k0s_managed=true\nversion = 2\n");
    await done("registries");
    host.write("etc/k0s/containerd.toml", "version = 2\n");
    assert.equal(
      await refused("registries"),
      "edge: k0s reads no drop-ins here, because /etc/k0s/containerd.toml is not its own: move that file away, or unset registries",
    );
  });

  it("refuses another directory of registries, of which containerd takes one", async () => {
    host.write("etc/k0s/containerd.d/a.toml", '[plugins.x.registry]\n  config_path = "/certs"\n');
    assert.equal(
      await refused("registries"),
      "edge: /etc/k0s/containerd.d/a.toml names another directory of registries (config_path), of which containerd takes one: " +
        "put its registries into the key registries and remove it",
    );
    assert.equal(host.exists(directory), false);
  });

  it("refuses the k0s of another stack", async () => {
    assert.match(
      await refused("registries", { OWNER: "stack-b" }),
      /^edge: k0s here belongs to "stack-a"/,
    );
    assert.match(
      await refused("forget-registries", { OWNER: "stack-b" }),
      /^edge: k0s here belongs to "stack-a".* Nothing was removed/,
    );
    assert.equal(host.exists(directory), false);
  });

  it("is undone as if it had not been, and once more", async () => {
    const before = host.tree();
    await done("registries");
    await done("forget-registries");
    await done("forget-registries");
    assert.deepEqual(
      { ...host.tree(), "etc/k0s/containerd.d": "" },
      { ...before, "etc/k0s/containerd.d": "" },
    );
  });

  it("leaves nothing after a destroy", async () => {
    await done("install");
    await done("registries");
    await done("forget-registries");
    await done("delete");
    assert.equal(host.exists("etc/k0s"), false);
  });
});
