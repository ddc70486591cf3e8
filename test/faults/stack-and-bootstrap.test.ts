import { strict as assert } from "node:assert";
import { randomBytes } from "node:crypto";
import { appendFileSync } from "node:fs";
import { forgetStack, pulumi, stackConfig, type StackConfig } from "../../lab/engine";
import { bootHost, removeHost, sshExec } from "../../lab/host";
import { hostPool } from "../../lab/paths";
import {
  clearTrap,
  hostFile,
  type RunningPulumi,
  setReachable,
  setTrap,
  startPulumi,
  trapHolds,
} from "../support/faults";
import { eventually, get, hostnameOf, loadBalancer } from "../support/lab";
import { sshKeyPair } from "../support/sshKeys";

const host = "edge2";
const stack = "edge2";

const ssh = (command: string) => sshExec(host, command);
const kubectl = async (args: string) =>
  (await ssh(`k0s kubectl --cache-dir=/run/k0s/cache ${args}`)).stdout;

/** Sets configuration keys beside the lab's own, which become what they were; undefined removes a key. */
async function configure(config: StackConfig = {}): Promise<void> {
  const [first] = hostPool(host).split("-");
  await stackConfig(host, { loadBalancerPool: `${first}-${first}`, ...config });
}

/** Runs Pulumi on the stack, whatever comes of it; both streams as one text. */
async function run(...args: string[]): Promise<{ code: number; text: string }> {
  const { code, stdout, stderr } = await pulumi(args, { stack, allowFailure: true });
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

/** The stack logs in with a key that has a passphrase. */
const passphrase = `planted-${randomBytes(12).toString("hex")}`;
const newKey = () => sshKeyPair({ passphrase, cipher: "aes256-ctr", rounds: 16 });
const loginKey = newKey();

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
    what: "a load balancer without a free address",
    // A stack that has lost its Service, as with a state from before it was made, and a pool of one address.
    breaks: async () => {
      const { stdout } = await pulumi(["stack", "--show-urns"], { stack });
      const urn = /urn:\S+core\/v1:Service::kourier-kourier-system\/kourier$/m.exec(stdout)?.[0];
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
  if (isLockShown) await fails(/the stack is currently locked by 1 lock\(s\)[^]*pulumi cancel/);
  assert.equal((await run("cancel", "--yes")).code, 0);
}

describe("faults", () => {
  before(async () => {
    await removeHost(host);
    await forgetStack(host);
    await bootHost(host);
    for (const home of ["/root", "/home/edge"])
      appendFileSync(hostFile(host, `${home}/.ssh/authorized_keys`), `${loginKey.public}\n`);
    await configure();
    await setSecret("sshPrivateKey", loginKey.private);
    await setSecret("sshPrivateKeyPassphrase", passphrase);
  });

  after(async () => {
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
  });
});
