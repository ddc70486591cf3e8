// Interruptions of the first `up`. Those of all phases are in slow/interruptions.test.ts.
import { interruptionCases } from "../support/interruptionCases";
import { LabStack } from "../support/labStack";

const lab = new LabStack("edge7");

describe("a host that is set up, with interruptions", () => {
  before(() => lab.create());
  after(() => lab.remove());

  it("says which port is taken", async () => {
    await lab.ssh("/usr/sbin/sshd -p 6443 -o PidFile=/run/other-sshd.pid");
    try {
      await lab.fails(
        /port 6443 is in use by sshd \(process \d+\), and k0s needs it: stop that program/,
      );
    } finally {
      await lab.ssh("kill $(cat /run/other-sshd.pid)");
    }
  });

  interruptionCases(
    lab,
    [
      ["host-install", "systemctl"],
      ["host-ready", "awk"],
    ],
    ["kourier-kourier-system/kourier"],
  );
});
