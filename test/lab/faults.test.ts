// Faults of a stack that is up: an `up` says what to do, and a plain one converges after it. More are in slow/faults.test.ts.
import { strict as assert } from "node:assert";
import { pulumi } from "../../lab/engine";
import { clearTrap, setReachable, setTrap, trapHolds } from "../support/faults";
import { again, bringUp, Fault, faultCases, loginKey } from "../support/faultCases";
import { LabStack } from "../support/labStack";
import { sshKeyPair } from "../support/sshKeys";

const lab = new LabStack("edge5");

const faults: Fault[] = [
  {
    what: "a key that the host does not know",
    config: again,
    breaks: () => lab.setSecret("sshPrivateKey", sshKeyPair().private),
    says: /root@\S+ does not accept the key in sshPrivateKey: add its public half to ~root\/\.ssh\/authorized_keys/,
    mends: () => lab.setSecret("sshPrivateKey", loginKey.private),
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
    breaks: () => setReachable(lab.host, false),
    says: /root@\S+ cannot be reached by SSH \(no route to host\): check that the machine is on/,
    mends: () => setReachable(lab.host, true),
  },
  {
    what: "a user without sudo",
    config: () => ({ sshUser: "edge" }),
    breaks: () => lab.ssh("mv /etc/sudoers.d /etc/sudoers.off"),
    says: /user edge is not root and may not use sudo without a password: set sshUser to root/,
    mends: () => lab.ssh("mv /etc/sudoers.off /etc/sudoers.d"),
  },
  {
    what: "an image that cannot be pulled",
    config: () => ({
      sshUser: undefined,
      services: { faulty: { image: "registry.lab/samples:none", readyTimeoutSeconds: 20 } },
    }),
    says: /faulty.* was not Ready in time/,
    then: () => ({ services: { faulty: { image: "ghcr.io/knative/helloworld-go:latest" } } }),
  },
];

describe("faults of a stack that is up", () => {
  before(() => bringUp(lab));
  after(() => lab.remove());

  faultCases(lab, faults);

  it("lets only one of two runs work, and tells the other how to wait", async () => {
    await lab.configure(again());
    setTrap(lab.host, "awk", "hold");
    const first = await lab.start();
    try {
      await trapHolds(lab.host, 600);
      await lab.fails(
        /the stack is currently locked by 1 lock\(s\). Either wait for the other process/,
      );
    } finally {
      clearTrap(lab.host, "awk");
    }
    assert.equal(await first.ended, 0, first.output());
    await lab.converges();
  });

  it("takes over what is there when its state is restored from an older checkpoint", async () => {
    const { stdout: old } = await pulumi(["stack", "export"], { stack: lab.stack });
    const later = {
      services: { later: { image: "ghcr.io/knative/helloworld-go:latest" } },
      knativeConfig: { "config-autoscaler": { "stable-window": "50s" } },
    };
    await lab.configure(later);
    await lab.converges();
    await pulumi(["stack", "import"], { stack: lab.stack, input: old });
    await lab.converges();
    // Of the new field manager only, so that a change finds no one else's claim.
    await lab.configure({
      services: { later: { ...later.services.later, env: { A: "b" } } },
    });
    await lab.converges();
    await lab.configure({ services: undefined, knativeConfig: undefined });
    await lab.converges();
    assert.equal(await lab.kubectl("get ksvc later --ignore-not-found -o name"), "");
  });
});
