import { appendFileSync } from "node:fs";
import type { StackConfig } from "../../lab/engine";
import { hostFile } from "./faults";
import { LabStack } from "./labStack";
import { sshKeyPair } from "./sshKeys";

/** A fault on a stack that is up. */
export interface Fault {
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

let times = 600;
/** A change that has ready.sh run again, and nothing else. */
export const again = (): StackConfig => ({ readyTimeoutSeconds: ++times });

/** The key that every lab host of the faults accepts. */
export const loginKey = sshKeyPair();

/** Brings a host and its stack up. */
export async function bringUp(lab: LabStack): Promise<void> {
  await lab.create();
  for (const home of ["/root", "/home/edge"])
    appendFileSync(hostFile(lab.host, `${home}/.ssh/authorized_keys`), `${loginKey.public}\n`);
  await lab.setSecret("sshPrivateKey", loginKey.private);
  await lab.converges();
}

/** A case for each fault: an `up` says what to do, and a plain one converges once that is done. */
export function faultCases(lab: LabStack, faults: Fault[]): void {
  for (const fault of faults) {
    it(`says what to do about ${fault.what}, and converges after it`, async () => {
      await lab.configure(await fault.config?.());
      try {
        await fault.breaks?.();
        await lab.fails(fault.says);
      } finally {
        await fault.mends?.();
      }
      if (fault.then) await lab.configure(await fault.then());
      await lab.converges();
    });
  }
}
