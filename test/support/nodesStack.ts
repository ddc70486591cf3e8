import { removeHost, bootHost, hostFacts, sshExec } from "../../lab/host";
import { type Watch, watch } from "../../lab/bench/watch";
import type { StackConfig } from "../../lab/engine";
import type { HostSize } from "../../lab/size";
import { LabStack } from "./labStack";
import { targetOf } from "./lab";

/** A stack with workers: its controller is a lab host, and so is each of them. */
export class NodesStack extends LabStack {
  /** @param workers Lab hosts, each named like its node. */
  constructor(
    host: string,
    private readonly workers: string[],
  ) {
    super(host);
  }

  /** Boots the controller and all workers anew. */
  public async createAll(size: Partial<HostSize> = {}): Promise<void> {
    await this.create();
    for (const worker of this.workers) {
      await removeHost(worker);
      await bootHost(worker, size);
    }
  }

  public async removeAll(): Promise<void> {
    await this.remove();
    for (const worker of this.workers) {
      await removeHost(worker);
    }
  }

  /** The configuration of workers, by the names of their hosts. */
  public workerEntries(
    names: string[],
    more: Record<string, Record<string, unknown>> = {},
  ): StackConfig {
    const entries = names.map((name) => {
      const { address, hostKey, size } = hostFacts(name);
      return {
        name,
        host: address,
        sshHostKey: hostKey,
        cpus: size.cpus,
        memoryMiB: size.memoryMiB,
        ...more[name],
      };
    });
    return { workers: entries };
  }

  /** Asks the sample once a second while something is done, and for some seconds after. */
  public async whileAsked(work: () => Promise<unknown>, secondsAfter = 5): Promise<Watch> {
    const target = await targetOf(this.host);
    const rounds: Watch[] = [];
    const goesOn = { now: true };
    const asking = (async () => {
      while (goesOn.now) {
        rounds.push(await watch(target, secondsAfter, new AbortController().signal));
      }
      rounds.push(await watch(target, secondsAfter, new AbortController().signal));
    })();
    try {
      await work();
    } finally {
      goesOn.now = false;
      await asking;
    }
    return rounds.reduce((all, next) => ({
      requests: all.requests + next.requests,
      failures: summed(all.failures, next.failures),
      p50: Math.max(all.p50, next.p50),
      p95: Math.max(all.p95, next.p95),
      longest: Math.max(all.longest, next.longest),
    }));
  }

  /** The nodes of the cluster by name, with what `Ready` says of each. */
  public async nodes(): Promise<Record<string, string>> {
    const text = await this.kubectl(
      `get nodes -o jsonpath='{range .items[*]}{.metadata.name} {.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}'`,
    );
    return Object.fromEntries(
      text
        .trim()
        .split("\n")
        .map((line) => line.split(" ") as [string, string]),
    );
  }

  /** Where the pods of a workload run: the names of their nodes, sorted. */
  public async nodesOf(selector: string, namespace: string): Promise<string[]> {
    const text = await this.kubectl(
      `-n ${namespace} get pods -l ${selector} --field-selector=status.phase=Running -o jsonpath='{range .items[*]}{.spec.nodeName}{"\\n"}{end}'`,
    );
    return text.trim().split("\n").sort();
  }
}

function summed(
  one: Record<string, number>,
  other: Record<string, number>,
): Record<string, number> {
  const all = { ...one };
  for (const [key, count] of Object.entries(other)) {
    all[key] = (all[key] ?? 0) + count;
  }
  return all;
}

/** What a worker's host says. */
export async function onWorker(worker: string, command: string): Promise<string> {
  return (await sshExec(worker, command)).stdout;
}
