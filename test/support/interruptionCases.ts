import { strict as assert } from "node:assert";
import { clearTrap, type RunningPulumi, setTrap, trapHolds } from "./faults";
import { LabStack, said } from "./labStack";

/** A phase of a host, with a command that it calls, by its arguments where the phase before it, which runs again when it was cut off, calls it too. */
export type Phase = [phase: string, command: string, having?: string];

/** Cases that cut the connection and kill the engine in each phase, and while each object is created; then one converges. */
export function interruptionCases(lab: LabStack, phases: Phase[], objects: string[]): void {
  for (const [index, [phase, command, having]] of phases.entries()) {
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
        await killsAt(lab, () => trapHolds(lab.host, 600), index === 0);
      } finally {
        clearTrap(lab.host, command);
      }
    });
  }

  for (const object of objects) {
    it(`takes up where the engine was killed while it created ${object}`, () =>
      killsAt(lab, (running) => said(running, new RegExp(`${object}\\S* creating`), 600)));
  }

  it("converges", () => lab.converges());
}

/** Kills a run with signal 9 at a moment, and unlocks the stack. */
async function killsAt(
  lab: LabStack,
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
