/** Before the tests of the lab: makes what their hosts need, if it is not there. After them: stops what was not running. */
import { alone } from "../../lab/lock";
import { startAround } from "../../lab/prepare";
import { say } from "../../lab/say";

let stop: (() => Promise<void>) | undefined;

export async function mochaGlobalSetup(): Promise<void> {
  stop = await alone(() => startAround(say));
}

export async function mochaGlobalTeardown(): Promise<void> {
  await stop?.();
}
