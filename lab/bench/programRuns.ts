/** The program on one host: previews, installations beside those by hand, requests, and destroy. */
import { stackConfig } from "../engine";
import { say } from "../say";
import {
  connections,
  host,
  newHost,
  stack,
  stateResources,
  target,
  timedPulumi,
  warmDownloads,
} from "./benchHost";
import { installByHand, type Installation } from "./byHand";
import { criticalPath, operations, phases } from "./events";
import type { Findings } from "./findings";
import { percentile, type Figure } from "./figures";
import { coldStarts, load } from "./load";
import { groups, type Group, type Options } from "./options";

/** A service of the sample's image that goes to zero soon after its last request. How it wakes is Knative's default. */
const sleepy = {
  knativeConfig: {
    "config-autoscaler": { "scale-to-zero-grace-period": "6s", "stable-window": "6s" },
  },
  services: {
    sleeper: {
      image: "ghcr.io/knative/helloworld-go:latest",
      autoscaling: { minScale: 0, window: "6s" },
    },
  },
};

/** Measures the groups that are asked for, except the long ones. What fails is a figure without runs. */
export class ProgramRuns {
  constructor(
    private readonly options: Options,
    private readonly findings: Findings,
    private readonly signal: AbortSignal,
  ) {}

  public async run(): Promise<void> {
    const { only, runs } = this.options;
    await newHost();
    await stackConfig(host);
    await this.measure("preview", [{ name: "preview from nothing", unit: "s", atMost: 5 }], () =>
      this.previews(["preview"]),
    );
    const others: readonly string[] = groups.slice(1);
    if (!only.some((group) => others.includes(group))) return;
    for (let run = 1; run <= runs; run++) await this.installations(run);
    await this.measure(
      "unchanged",
      [{ name: "preview, nothing changed", unit: "s", atMost: 8 }],
      () => this.previews(["preview", "--expect-no-changes"]),
    );
    await this.measure(
      "warm",
      [
        { name: "requests per second, warm", unit: "/s" },
        { name: "latency, warm, p50", unit: "ms" },
        { name: "latency, warm, p97.5", unit: "ms" },
        { name: "latency, warm, p99", unit: "ms" },
      ],
      async () => {
        const { requestsPerSecond, latency } = await load(await target("hello"));
        return [[requestsPerSecond], [latency.p50], [latency.p97_5], [latency.p99]];
      },
    );
    await this.measure(
      "cold",
      [
        { name: "cold start from zero", unit: "s" },
        { name: "cold start from zero, p50", unit: "s" },
        { name: "cold start from zero, p95", unit: "s" },
      ],
      async () => {
        const times = await this.coldStarts();
        return [times, [percentile(times, 50)], [percentile(times, 95)]];
      },
    );
    await this.measure("destroy", [{ name: "destroy", unit: "s", atMost: 20 }], async () => [
      [(await timedPulumi(this.signal, "destroy", "--yes", "--skip-preview")).seconds],
    ]);
  }

  /** Runs a group if it is asked for. If it fails, its figures have no runs, and the reason as a note. */
  private async measure(
    group: Group,
    figures: Omit<Figure, "runs">[],
    action: () => Promise<number[][]>,
  ): Promise<void> {
    if (!this.options.only.includes(group)) return;
    say(`measuring ${group}`);
    try {
      const runs = await action();
      figures.forEach((figure, index) => this.findings.add({ ...figure, runs: runs[index] ?? [] }));
    } catch (error) {
      this.signal.throwIfAborted();
      const note = (error as Error).message;
      figures.forEach((figure) => this.findings.add({ ...figure, runs: [], note }));
    }
  }

  private async previews(args: string[]): Promise<number[][]> {
    const runs: number[] = [];
    for (let run = 0; run < 3; run++) runs.push((await timedPulumi(this.signal, ...args)).seconds);
    return [runs];
  }

  /** Installs by the script, and then by the program on the same host made anew. */
  private async installations(run: number): Promise<void> {
    const compares = this.options.only.includes("up");
    if (run > 1) await this.replaceHost();
    let byHand: Installation | undefined;
    if (compares) {
      await warmDownloads();
      say(`run ${run}: installing by hand (lab/bench/by-hand.sh)`);
      byHand = await installByHand(host, stack, this.signal);
      say(`run ${run}: by hand took ${byHand.seconds.toFixed(1)} s`);
      await this.replaceHost();
    }
    say(`run ${run}: pulumi up`);
    const before = await connections();
    const { seconds, lines } = await timedPulumi(
      this.signal,
      "up",
      "--yes",
      "--skip-preview",
      "--json",
    );
    say(`run ${run}: pulumi up took ${seconds.toFixed(1)} s`);
    // The first count includes its own connection, and the second includes its own too.
    const opened = (await connections()) - before - 1;
    if (byHand) {
      const all = operations(lines);
      const up = { seconds, phases: phases(all), path: criticalPath(all, await stateResources()) };
      this.findings.comparisons.push({ up, byHand });
      this.findings.add({ name: "up on a fresh host", unit: "s", runs: [seconds] });
      this.findings.add({ name: "by hand on a fresh host", unit: "s", runs: [byHand.seconds] });
      this.findings.add({
        name: "up / by hand",
        unit: "x",
        runs: [seconds / byHand.seconds],
        atMost: 1.5,
      });
    }
    if (this.options.only.includes("connections")) {
      this.findings.add({ name: "SSH connections of up", unit: "", runs: [opened], atMost: 8 });
    }
  }

  private async replaceHost(): Promise<void> {
    say(`a new empty machine for ${host}`);
    await newHost();
    await stackConfig(host);
  }

  private async coldStarts(): Promise<number[]> {
    await stackConfig(host, sleepy);
    await timedPulumi(this.signal, "up", "--yes", "--skip-preview");
    say("waiting for zero pods, and then for an answer, ten times");
    return coldStarts(host, "sleeper", await target("sleeper"), 10, this.signal, (seconds) =>
      say(`  first answer from zero after ${seconds.toFixed(2)} s`),
    );
  }
}
