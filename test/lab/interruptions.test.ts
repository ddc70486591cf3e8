import { strict as assert } from "node:assert";
import { clearTrap, type RunningPulumi, setTrap, trapHolds } from "../support/faults";
import { LabStack, said } from "../support/labStack";

const lab = new LabStack("edge7");

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
  ["(metallb|knative)-admission", "timeout", "dry-run"],
];

/** Kills a run with signal 9 at a moment, and unlocks the stack. */
async function killsAt(
  moment: (running: RunningPulumi) => Promise<unknown>,
  isLockShown = false,
): Promise<void> {
  const running = await lab.start();
  await Promise.race([
    moment(running),
    running.ended.then((code) => {
      throw new Error(`ended with code ${code} before it could be killed: ${running.output()}`);
    }),
  ]);
  await running.kill();
  lab.printed.push(running.output());
  if (isLockShown) await lab.fails(/the stack is currently locked by 1 lock\(s\)[^]*pulumi cancel/);
  assert.equal((await lab.run("cancel", "--yes")).code, 0);
}

describe("a host that is set up, one interruption after the other", () => {
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

  for (const [phase, command, having] of phases) {
    it(`says that the connection was cut in ${phase}`, async () => {
      setTrap(lab.host, command, "cut", having);
      try {
        await lab.fails(
          new RegExp(`The connection to root@\\S+ was cut while ${phase} ran: run pulumi up again`),
        );
      } finally {
        assert.ok(clearTrap(lab.host, command));
      }
    });

    it(`takes up where it was cut, and again after the engine was killed in ${phase}`, async () => {
      setTrap(lab.host, command, "hold", having);
      try {
        await killsAt(() => trapHolds(lab.host, 600), phase === "host-preflight");
      } finally {
        clearTrap(lab.host, command);
      }
    });
  }

  for (const object of ["kourier-kourier-system/kourier", "hello-service"]) {
    it(`takes up where the engine was killed while it created ${object}`, () =>
      killsAt((running) => said(running, new RegExp(`${object}\\S* creating`), 600)));
  }

  it("converges", () => lab.converges());
});
