import { strict as assert } from "node:assert";
import { forgetStack, pulumi, stackConfig, type StackConfig } from "../../lab/engine";
import { bootHost, removeHost, sshExec } from "../../lab/host";
import { hostPool, stackOf } from "../../lab/paths";
import { waitFor } from "../../lab/process";
import { type RunningPulumi, setReachable, startPulumi } from "./faults";
import { eventuallyHello, kubectlOn } from "./lab";

/** A lab host of a test's own with its stack, on which Pulumi may fail; what it prints is kept. */
export class LabStack {
  public readonly stack: string;
  /** Both streams of every run, to be searched. */
  public readonly printed: string[] = [];

  constructor(public readonly host: string) {
    this.stack = stackOf(host);
  }

  /** Boots the host anew, and gives the stack its configuration. */
  public async create(): Promise<void> {
    await removeHost(this.host);
    await forgetStack(this.host);
    await bootHost(this.host);
    await this.configure();
  }

  /** Takes both away. */
  public async remove(): Promise<void> {
    await setReachable(this.host, true).catch(() => undefined);
    await forgetStack(this.host);
    await removeHost(this.host);
  }

  /**
   * Sets configuration keys beside the lab's own, which become what they were; undefined removes a key. The pool has one
   * address.
   */
  public async configure(config: StackConfig = {}): Promise<void> {
    const [first] = hostPool(this.host).split("-");
    await stackConfig(this.host, { loadBalancerPool: `${first}-${first}`, ...config });
  }

  public async setSecret(key: string, value: string): Promise<void> {
    await pulumi(["config", "set", "--secret", key], { stack: this.stack, input: value });
  }

  /** Runs Pulumi, whatever comes of it; both streams as one text. */
  public async run(...args: string[]): Promise<{ code: number; text: string }> {
    const { stack } = this;
    const { code, stdout, stderr } = await pulumi(args, { stack, allowFailure: true });
    this.printed.push(stdout, stderr);
    return { code, text: stdout + stderr };
  }

  /** Starts an `up`. */
  public start(): Promise<RunningPulumi> {
    return startPulumi(["up", "--yes", "--skip-preview"], this.stack);
  }

  /** An `up` that must fail and say so. */
  public async fails(says: RegExp): Promise<void> {
    const { code, text } = await this.run("up", "--yes", "--skip-preview");
    assert.notEqual(code, 0, text);
    assert.match(text, says);
  }

  /** A plain `up` that must succeed; both streams as one text. */
  public async up(): Promise<string> {
    const { code, text } = await this.run("up", "--yes", "--skip-preview");
    assert.equal(code, 0, text);
    return text;
  }

  /** A plain `up` that must succeed, after which the sample answers. */
  public async converges(): Promise<void> {
    await this.up();
    await eventuallyHello(this.host, 120);
  }

  /** Waits until an `up` that was started has ended well. */
  public async succeeds(running: RunningPulumi): Promise<void> {
    assert.equal(await running.ended, 0, running.output());
    this.printed.push(running.output());
  }

  public async ssh(command: string): Promise<string> {
    return (await sshExec(this.host, command)).stdout;
  }

  public kubectl(args: string): Promise<string> {
    return kubectlOn(this.host, args);
  }
}

/** Waits until a run has said so, and notices it at once: what it says may be true for half a second. */
export async function said(running: RunningPulumi, what: RegExp, seconds: number): Promise<void> {
  await waitFor(
    () => {
      if (what.test(running.output())) return true;
      // It says no more.
      if (running.hasEnded())
        throw new Error(`no ${String(what)} to the end of: ${running.output()}`);
      return false;
    },
    seconds,
    () => `no ${String(what)} within ${seconds} s in: ${running.output()}`,
  );
}
