import { strict as assert } from "node:assert";
import { randomBytes } from "node:crypto";
import { appendFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { forgetStack, pulumi, stackConfig, type StackConfig } from "../../lab/engine";
import { digestOf, fileUrl } from "../../lab/files";
import { bootHost, hostFacts, removeHost, sshExec } from "../../lab/host";
import { packK0s } from "../../lab/k0s/pack";
import { dirs, hostPool } from "../../lab/paths";
import {
  clearTrap,
  hostFile,
  type RunningPulumi,
  serveOnBridge,
  setReachable,
  setTrap,
  startPulumi,
  trapHolds,
} from "../support/faults";
import { eventually, get, hostnameOf, loadBalancer } from "../support/lab";
import { filesWith, keyLines, ProcessWatch } from "../support/secretWatch";
import { sshKeyPair } from "../support/sshKeys";

const host = "edge5";
const stack = "edge5";

const ssh = (command: string) => sshExec(host, command);
const kubectl = async (args: string) =>
  (await ssh(`k0s kubectl --cache-dir=/run/k0s/cache ${args}`)).stdout;

/** Sets configuration keys beside the lab's own, which become what they were; undefined removes a key. */
async function configure(config: StackConfig = {}): Promise<void> {
  const [first] = hostPool(host).split("-");
  await stackConfig(host, { loadBalancerPool: `${first}-${first}`, ...config });
}

/** Everything that Pulumi has printed, to be searched for secrets. */
const printed: string[] = [];

/** Runs Pulumi on the stack, whatever comes of it; both streams as one text. */
async function run(...args: string[]): Promise<{ code: number; text: string }> {
  const { code, stdout, stderr } = await pulumi(args, { stack, allowFailure: true });
  printed.push(stdout, stderr);
  return { code, text: stdout + stderr };
}

const up = () => run("up", "--yes", "--skip-preview");

async function converges(): Promise<void> {
  const { code, text } = await up();
  assert.equal(code, 0, text);
  // A k0s that was set back may still be starting.
  await eventually("the sample answers", 120, async () => {
    const answer = await get(await loadBalancer(host), await hostnameOf(host, "hello")).catch(
      () => undefined,
    );
    return answer?.body === "Hello Edge!!\n";
  });
}

async function fails(says: RegExp): Promise<void> {
  const { code, text } = await up();
  assert.notEqual(code, 0, text);
  assert.match(text, says);
}

/** Waits until a run has said so. */
async function said(running: RunningPulumi, what: RegExp, seconds: number): Promise<void> {
  await eventually(`${String(what)} in the output`, seconds, () =>
    Promise.resolve(what.test(running.output())),
  );
}

/** A private key with a passphrase: what a stack is logged in with here, so that both can be searched for. */
const passphrase = `planted-${randomBytes(12).toString("hex")}`;
const newKey = () => sshKeyPair({ passphrase, cipher: "aes256-ctr", rounds: 16 });
const loginKey = newKey();
const jumpKey = newKey();

async function setSecret(key: string, value: string): Promise<void> {
  await pulumi(["config", "set", "--secret", key], { stack, input: value });
}

let times = 600;
/** A change that has ready.sh run again, and nothing else. */
const again = (): StackConfig => ({ readyTimeoutSeconds: ++times });

/** A fault on a stack that is up. */
interface Fault {
  what: string;
  /** Configuration with which the phase concerned runs. */
  config?: () => StackConfig | Promise<StackConfig>;
  breaks?: () => unknown;
  /** The expected sentence. */
  says: RegExp;
  mends?: () => unknown;
  /** Configuration of the plain `up` that follows, where the fault was in it. */
  then?: () => StackConfig | Promise<StackConfig>;
}

const dropIn = "/etc/systemd/system/k0scontroller.service.d/fault.conf";
const network = "/etc/cni/net.d/10-kuberouter.conflist";

/** Another k0s, to be downloaded: an upgrade in place, or back. */
async function release(version: string): Promise<StackConfig> {
  const file = `k0s-${version}`;
  await packK0s(dirs.bin, path.join(dirs.downloads, file), version);
  return {
    k0sVersion: version,
    k0sUrl: fileUrl(file),
    k0sSha256: await digestOf(path.join(dirs.downloads, file)),
  };
}
const newer = () => release("v1.34.4+k0s.0");

let server: Awaited<ReturnType<typeof serveOnBridge>> | undefined;
async function downloadFrom(...answer: Parameters<typeof serveOnBridge>): Promise<StackConfig> {
  server = await serveOnBridge(...answer);
  return { ...(await newer()), k0sUrl: `${server.url}/k0s` };
}
const endServer = () => server?.close();

const faults: Fault[] = [
  {
    what: "a key that the host does not know",
    config: again,
    breaks: () => setSecret("sshPrivateKey", newKey().private),
    says: /root@\S+ does not accept the key in sshPrivateKey: add its public half to ~root\/\.ssh\/authorized_keys/,
    mends: () => setSecret("sshPrivateKey", loginKey.private),
  },
  {
    what: "another host key than the one configured",
    config: () => ({ ...again(), sshHostKey: sshKeyPair().public }),
    says: /root@\S+ shows another SSH host key than sshHostKey: nothing was sent to it/,
    then: again,
  },
  {
    what: "a host that cannot be reached",
    config: again,
    breaks: () => setReachable(host, false),
    says: /root@\S+ cannot be reached by SSH \(no route to host\): check that the machine is on/,
    mends: () => setReachable(host, true),
  },
  {
    what: "a user without sudo",
    config: () => ({ sshUser: "edge" }),
    breaks: () => ssh("mv /etc/sudoers.d /etc/sudoers.off"),
    says: /user edge is not root and may not use sudo without a password: set sshUser to root/,
    mends: () => ssh("mv /etc/sudoers.off /etc/sudoers.d"),
  },
  {
    what: "a host whose clock is a day ahead",
    // Preflight alone reads it.
    config: () => ({ sshUser: undefined, hostMemoryMiB: 1500 }),
    breaks: () =>
      writeFileSync(
        hostFile(host, "/usr/local/bin/date"),
        '#!/bin/sh\n[ "$*" = +%s ] || exec /usr/bin/date "$@"\necho $(($(/usr/bin/date +%s) + 86400))\n',
        { mode: 0o755 },
      ),
    says: /the host's clock differs by 86[34]\d\d s from that of \S+, and certificates made now would be refused/,
    mends: () => rmSync(hostFile(host, "/usr/local/bin/date")),
  },
  {
    what: "a mirror that does not have the file",
    config: () => downloadFrom((_, response) => response.writeHead(404).end()),
    says: /could not download http:\S+ \(attempt 1\): curl: \(22\).* 404\. Check k0sUrl/,
    mends: endServer,
    then: again,
  },
  {
    what: "a download that is cut each time",
    config: () =>
      downloadFrom((_, response) => {
        response.writeHead(200, { "content-length": "1000000" });
        response.write("x".repeat(5000), () => response.destroy());
      }),
    says: /could not download http:\S+ \(attempt 3\): curl: \(18\).*and that this host reaches the address/,
    mends: endServer,
    then: again,
  },
  {
    what: "a full disk",
    config: newer,
    // k0s is kept in a disk of its own, which has room for half of another.
    breaks: () =>
      ssh(`set -e; cp -a /usr/local/bin /usr/local/bin.full; size=$(stat -c %s /usr/local/bin/k0s)
mount -t tmpfs -o size=$((size * 3 / 2)) none /usr/local/bin; cp -a /usr/local/bin.full/. /usr/local/bin`),
    says: /no space is left on the disk of \/usr\/local\/bin\S* after \d+ MiB of http:\S+: nothing was put in place/,
    mends: () => ssh("umount /usr/local/bin; rm -r /usr/local/bin.full"),
  },
  {
    what: "a binary with another checksum",
    // Back to the lab's own.
    config: () => ({ allow: ["k0sDowngrade"], k0sSha256: "ab".repeat(32) }),
    says: /has the sha256 [0-9a-f]{64}, but (ab){32} is expected: nothing was put in place/,
    then: () => ({ allow: ["k0sDowngrade"] }),
  },
  {
    what: "a k0s that does not start",
    config: () => ({ ...again(), allow: undefined }),
    breaks: () =>
      ssh(`mkdir -p ${path.dirname(dropIn)}; systemctl stop k0scontroller
printf '[Service]\\nExecStartPre=/bin/sh -c "echo no such device; exit 1"\\n' >${dropIn}; systemctl daemon-reload`),
    says: /no such device[^]*systemd could not start k0scontroller: its last words are above/,
    mends: () => ssh(`rm ${dropIn}; systemctl daemon-reload`),
  },
  {
    what: "a node that is never Ready",
    config: () => ({ readyTimeoutSeconds: 30 }),
    breaks: async () => {
      await ssh(`mv ${network} /root`);
      await eventually("the node is not Ready", 90, async () =>
        (await kubectl("get nodes")).includes("NotReady"),
      );
    },
    says: /not ready within 30 s: a Ready node was not reached \(\S+: .*network.*\)/,
    // containerd reads a file that was written, not one that was moved there (syncLoop in internal/cri/server/cni_conf_syncer.go).
    mends: () => ssh(`cat /root/${path.basename(network)} >${network}`),
    then: again,
  },
  {
    what: "a load balancer without a free address",
    // A stack that has lost its Service, as with a state from before it was made, and a pool of one address.
    breaks: async () => {
      const { stdout } = await pulumi(["stack", "--show-urns"], { stack });
      const urn = /urn:\S+core\/v1:Service::kourier-kourier-system\/kourier@.+$/m.exec(stdout)?.[0];
      assert.ok(urn !== undefined, stdout);
      await pulumi(["state", "delete", urn, "--target-dependents", "--yes"], { stack });
      await kubectl("create service loadbalancer thief --tcp=80");
      await kubectl("-n kourier-system delete service kourier");
    },
    says: /The Service of kourier-kourier-system\/kourier was given no load balancer address: .* loadBalancerPool is taken/,
    mends: () => kubectl("delete service thief"),
  },
  {
    what: "an image that cannot be pulled",
    config: () => ({
      services: { faulty: { image: "registry.lab/samples:none", readyTimeoutSeconds: 20 } },
    }),
    says: /faulty.* was not Ready in time/,
    then: () => ({ services: { faulty: { image: "ghcr.io/knative/helloworld-go:latest" } } }),
  },
  {
    what: "a Job that fails",
    config: () => ({
      services: undefined,
      resourceOverrides: { "default-domain/default-domain": { limits: { memory: "400Mi" } } },
    }),
    // Where it cannot be scheduled, the new Job runs into a deadline that it is given meanwhile.
    breaks: async () => {
      await kubectl(`cordon ${host}`);
      void failJob();
    },
    says: /The Job of domain-knative-serving\/default-domain did not complete: [^]*\[DeadlineExceeded\] Job was active/,
    mends: () => kubectl(`uncordon ${host}`),
  },
];

/**
 * The phases in their order, each with a command that it calls, by its arguments where the phase before it, which runs
 * again when it was cut off, calls it too.
 */
const phases: [phase: string, command: string, having?: string][] = [
  ["host-preflight", "nproc"],
  ["host-binary", "mktemp"],
  ["host-config", "cmp"],
  ["host-install", "systemctl"],
  ["host-ready", "awk"],
  ["host-kubeconfig", "timeout", "kubeconfig"],
  ["(metallb|knative)-admission", "date"],
];

/** Kills a run with signal 9 at a moment, and unlocks the stack. */
async function killsAt(
  moment: (running: RunningPulumi) => Promise<unknown>,
  isLockShown = false,
): Promise<void> {
  const running = await startPulumi(["up", "--yes", "--skip-preview"], stack);
  await Promise.race([
    moment(running),
    running.ended.then((code) => {
      throw new Error(`ended with code ${code} before it could be killed: ${running.output()}`);
    }),
  ]);
  await running.kill();
  printed.push(running.output());
  if (isLockShown) await fails(/the stack is currently locked by 1 lock\(s\)[^]*pulumi cancel/);
  assert.equal((await run("cancel", "--yes")).code, 0);
}

const job = "-n knative-serving get job default-domain -o jsonpath=";
async function failJob(): Promise<void> {
  const before = await kubectl(`${job}{.metadata.uid}`);
  await eventually("another Job", 600, async () => {
    const now = await kubectl(`${job}{.metadata.uid}`).catch(() => before);
    return now !== before;
  });
  await kubectl(
    `-n knative-serving patch job default-domain -p '{"spec":{"activeDeadlineSeconds":1}}'`,
  );
}

/**
 * Passed to Pulumi so that it logs what it does, on stderr. At level 9 it logs every property that it passes on, secrets
 * included (sdk/go/common/resource/plugin/rpc.go): see docs/operations.md.
 */
const verbose = ["--logtostderr", "--logflow", "-v=8"];

describe("faults", () => {
  const begun = new Date();
  let watch: ProcessWatch;

  before(async () => {
    await removeHost(host);
    await forgetStack(host);
    await bootHost(host);
    for (const { public: line } of [loginKey, jumpKey])
      for (const home of ["/root", "/home/edge"])
        appendFileSync(hostFile(host, `${home}/.ssh/authorized_keys`), `${line}\n`);
    await configure();
    await setSecret("sshPrivateKey", loginKey.private);
    await setSecret("sshPrivateKeyPassphrase", passphrase);
    watch = new ProcessWatch(100);
  });

  after(async () => {
    watch.stop();
    await setReachable(host, true).catch(() => undefined);
    await forgetStack(host);
    await removeHost(host);
  });

  describe("while a host is set up, one after the other on the same host", () => {
    it("says which port is taken", async () => {
      await ssh("/usr/sbin/sshd -p 6443 -o PidFile=/run/other-sshd.pid");
      try {
        await fails(
          /port 6443 is in use by sshd \(process \d+\), and k0s needs it: stop that program/,
        );
      } finally {
        await ssh("kill $(cat /run/other-sshd.pid)");
      }
    });

    for (const [phase, command, having] of phases) {
      it(`says that the connection was cut in ${phase}`, async () => {
        setTrap(host, command, "cut", having);
        try {
          await fails(
            new RegExp(
              `The connection to root@\\S+ was cut while ${phase} ran: run pulumi up again`,
            ),
          );
        } finally {
          assert.ok(clearTrap(host, command));
        }
      });

      it(`takes up where it was cut, and again after the engine was killed in ${phase}`, async () => {
        setTrap(host, command, "hold", having);
        try {
          await killsAt(() => trapHolds(host, 600), phase === "host-preflight");
        } finally {
          clearTrap(host, command);
        }
      });
    }

    for (const object of ["kourier-kourier-system/kourier", "hello-service"]) {
      it(`takes up where the engine was killed while it created ${object}`, () =>
        killsAt((running) => said(running, new RegExp(`${object} creating`), 600)));
    }

    it("converges", converges);
  });

  describe("of a stack that is up", () => {
    before(converges);

    for (const fault of faults) {
      it(`says what to do about ${fault.what}, and converges after it`, async () => {
        await configure(await fault.config?.());
        try {
          await fault.breaks?.();
          await fails(fault.says);
        } finally {
          await fault.mends?.();
        }
        if (fault.then) await configure(await fault.then());
        await converges();
      });
    }

    it("goes on by itself when the API server restarts while objects are applied", async () => {
      // Knative's pods take a while to be replaced, and what comes after them finds no API server.
      await configure({
        resourceOverrides: { "controller/controller": { requests: { cpu: "45m" } } },
        services: { after: { image: "ghcr.io/knative/helloworld-go:latest" } },
      });
      const running = await startPulumi(["up", "--yes", "--skip-preview"], stack);
      await said(running, /controller updating/, 600);
      await ssh("pkill -9 -x kube-apiserver");
      assert.equal(await running.ended, 0, running.output());
      printed.push(running.output());
      await converges();
    });

    it("waits for a webhook that refuses for a minute", async () => {
      await configure({
        services: { after: { image: "ghcr.io/knative/helloworld-go:latest", env: { A: "b" } } },
      });
      await kubectl("-n knative-serving scale deployment webhook --replicas=0");
      await kubectl("-n knative-serving wait --for=delete pod -l app=webhook --timeout=120s");
      const running = await startPulumi(["up", "--yes", "--skip-preview"], stack);
      try {
        await said(
          running,
          /The webhook \S*webhook.serving.knative.dev, which after-service must pass, does not answer \(.*\): .* Trying again for three minutes/,
          600,
        );
      } finally {
        await kubectl("-n knative-serving scale deployment webhook --replicas=1");
      }
      assert.equal(await running.ended, 0, running.output());
      printed.push(running.output());
      await configure({ services: undefined, resourceOverrides: undefined });
      await converges();
    });

    it("lets only one of two runs work, and tells the other how to wait", async () => {
      await configure(again());
      setTrap(host, "awk", "hold");
      const first = await startPulumi(["up", "--yes", "--skip-preview"], stack);
      try {
        await trapHolds(host, 600);
        await fails(
          /the stack is currently locked by 1 lock\(s\). Either wait for the other process/,
        );
      } finally {
        clearTrap(host, "awk");
      }
      assert.equal(await first.ended, 0, first.output());
      await converges();
    });

    it("takes over what is there when its state is restored from an older checkpoint", async () => {
      const { stdout: old } = await pulumi(["stack", "export"], { stack });
      const later = {
        services: { later: { image: "ghcr.io/knative/helloworld-go:latest" } },
        knativeConfig: { "config-autoscaler": { "stable-window": "50s" } },
      };
      await configure(later);
      await converges();
      await pulumi(["stack", "import"], { stack, input: old });
      await converges();
      // Of the new field manager only, so that a change finds no one else's claim.
      await configure({
        services: { later: { ...later.services.later, env: { A: "b" } } },
      });
      await converges();
      await configure({ services: undefined, knativeConfig: undefined });
      await converges();
      assert.equal(await kubectl("get ksvc later --ignore-not-found -o name"), "");
    });
  });

  describe("show no secret", () => {
    let secrets: string[];

    before(async () => {
      // All ways that keys take: through a jump host, into all logs, and all commands that print.
      await configure({
        jumpHost: hostFacts(host).address,
        jumpHostKey: hostFacts(host).hostKey,
        jumpUser: "root",
        ...again(),
      });
      await setSecret("jumpPrivateKey", jumpKey.private);
      await setSecret("jumpPrivateKeyPassphrase", passphrase);
      const { code, text } = await run("up", "--yes", "--skip-preview", ...verbose);
      assert.equal(code, 0, text.slice(-3000));
      await run("preview", "--diff", ...verbose);
      await configure(again());
      await run("preview", "--diff", "--refresh");
      await run("stack", "--show-urns");
      const shown = await pulumi(["stack", "output", "kubeconfig", "--show-secrets"], { stack });
      const data = /client-key-data: (\S+)/.exec(shown.stdout)?.[1];
      assert.ok(data !== undefined);
      const clientKey = Buffer.from(data, "base64").toString();
      secrets = [passphrase, data.slice(200, 280), ...keyLines(clientKey)].concat(
        ...[loginKey, jumpKey].map((key) => keyLines(key.private)),
      );
      assert.ok(secrets.length > 10);
    });

    const found = (text: string) => secrets.filter((secret) => text.includes(secret));

    it("in what Pulumi prints, when it fails and when it logs everything too", () => {
      assert.ok(printed.some((text) => /"msg":"eventSink::/.test(text)));
      assert.deepEqual(
        printed.map((text) => found(text)).filter((hits) => hits.length > 0),
        [],
      );
    });

    it("in the state, its backups and its history", () => {
      assert.deepEqual(filesWith(dirs.state, secrets, new Date(0)), []);
      assert.deepEqual(filesWith(dirs.project, secrets, new Date(0)), []);
      assert.deepEqual(filesWith(dirs.pulumiHome, secrets, new Date(0)), []);
    });

    it("in any process list, here or on the host", () => {
      assert.ok(watch.rounds > 100);
      assert.ok(watch.commands.some((command) => command.includes("sh -s create")));
      const sightings = watch.sightings(secrets);
      // Pulumi hands a program its configuration by the environment, which is its user's alone.
      assert.deepEqual(
        sightings.filter(({ where, isPublic }) => where === "cmdline" || isPublic),
        [],
      );
      for (const { process } of sightings) assert.match(process, /pulumi/);
    });

    it("in files that others may read, here or on the host", () => {
      const others = (mode: number) => (mode & 0o044) !== 0;
      assert.deepEqual(filesWith(hostFile(host, "/"), secrets, begun, others), []);
      const recent = readdirSync(os.tmpdir())
        .map((name) => path.join(os.tmpdir(), name))
        .filter((entry) => (statSync(entry, { throwIfNoEntry: false })?.mtime ?? 0) >= begun);
      for (const entry of recent) assert.deepEqual(filesWith(entry, secrets, begun, others), []);
    });
  });
});
