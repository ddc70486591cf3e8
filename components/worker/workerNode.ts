import { isDeepStrictEqual } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import { remote } from "@pulumi/command";
import { HostConnection } from "../host/hostScript";
import { differences, ObservedHost } from "../host/hostState";
import { renderScript } from "../host/shell";
import { onHost, Script, Session } from "../host/sshSession";

/** A worker's node in the cluster, by plain values that a preview shows. */
export interface WorkerFacts {
  /** Its name, which is also that of the configuration. */
  node: string;
  /** Address that the machine running Pulumi dials. */
  host: string;
  /** The operator raises it for each rebuild of the machine, and so gives up what was there before. */
  generation: number;
  /** Identifier of the cluster that it joins. */
  cluster: string;
  /** Release of k0s. */
  k0sVersion: string;
  /** Arguments of `k0s install worker`. */
  arguments: string;
  labels: Record<string, string>;
  /** As `kubectl taint` writes them. */
  taints: string[];
}

/** The scripts of a worker's node: of components/host/scripts, with the variables that are known beforehand. */
export interface WorkerScripts {
  /** On the controller: makes a join token and prints it. */
  admit: Script;
  /** On the worker: starts k0s, or restarts it when it changed. With JOIN_TOKEN it joins. */
  start: Script;
  /** On the controller: makes JOIN_TOKEN invalid. */
  invalidate: Script;
  /** On the controller: waits for the node, marks it and lets pods come. Reads OLD_LABELS, OLD_TAINTS and SINCE. */
  admitPods: Script;
  /** On the controller: moves its pods to others, and prints the time. */
  drain: Script;
  /** On the controller: removes the node. With GONE it moves no pods away. */
  remove: Script;
  /** On the worker: tells what is there. */
  look: Script;
  /** On the worker: removes k0s. */
  reset: Script;
}

/** Where a worker joins, and how. */
export interface WorkerNodeArgs {
  /** The SSH connection to the controller, where the administrator's commands run. */
  controller: pulumi.Input<HostConnection>;
  /** That to the worker. */
  worker: pulumi.Input<HostConnection>;
  facts: WorkerFacts;
  scripts: { [Name in keyof WorkerScripts]: pulumi.Input<Script> };
  /** The commands that bring k0s onto the worker, in their order. A repair runs them again. */
  phases: remote.Command[];
  /** The machine is gone: a refresh asks nothing of it. */
  abandoned: boolean;
}

/** The resource as the provider sees it: plain values. */
interface Inputs {
  controller: HostConnection;
  worker: HostConnection;
  facts: WorkerFacts;
  scripts: WorkerScripts;
  phases: Script[];
  abandoned: boolean;
  /** Only in the state: the worker when it was last ready. */
  settled?: ObservedHost;
  /** Only in what `read` returns: the fields that differ from `settled`. */
  drift?: Record<string, string>;
  /** Only in what `read` returns: why the machine is not the worker any more. */
  lost?: string;
}

/**
 * A worker's node in the cluster: a resource of its own, because it takes two machines. The controller makes a token, the
 * worker joins with it, and the controller waits for the node. The token is in this process and in a file of the worker
 * that only root reads, never in the state; it is invalid as soon as the worker has joined or failed to.
 *
 * An update that restarts k0s moves the pods away first, and only one worker does so at a time; when one fails, the others
 * are left as they are. Like HostState, the resource can be read, and a difference is mended by the next `up`.
 *
 * A delete does nothing: the worker's membership moves the pods away and removes the node.
 */
export class WorkerNode extends pulumi.dynamic.Resource {
  constructor(name: string, args: WorkerNodeArgs, opts?: pulumi.CustomResourceOptions) {
    const phases = args.phases.map(({ create, stdin }) => ({ command: create, stdin }));
    super(
      provider,
      name,
      {
        controller: pulumi.secret(args.controller),
        worker: pulumi.secret(args.worker),
        facts: args.facts,
        // Secret, because a diff of these long texts tells nothing that the facts and the phases do not tell.
        scripts: pulumi.secret(args.scripts),
        phases: pulumi.secret(phases),
        abandoned: args.abandoned,
      },
      opts,
      "knative-edge",
      "WorkerNode",
    );
  }
}

const provider: pulumi.dynamic.ResourceProvider<Inputs, Inputs> = {
  async check(olds, news) {
    const { host, node, generation } = news.facts;
    const failures: pulumi.dynamic.CheckFailure[] = [];
    const refuse = (reason: string): number => failures.push({ property: "", reason });
    // A new worker has none.
    const before: Partial<Inputs> = olds;
    if (before.facts !== undefined && before.facts.host !== host) {
      refuse(
        `workers.${node}.host: ${before.facts.host} cannot become ${host}, for its pods would be cut off. ` +
          "Add the other machine under another name, and then remove this worker.",
      );
    }
    if (before.lost !== undefined && before.facts?.generation === generation) {
      refuse(`workers.${node}.generation: ${before.lost}`);
    }
    return { inputs: news, failures };
  },

  async diff(_id, olds, news) {
    const keys = ["controller", "worker", "facts", "scripts", "phases", "abandoned"] as const;
    const same = keys.every((key) => isDeepStrictEqual(olds[key], news[key]));
    return { changes: !same || olds.drift !== undefined || olds.lost !== undefined };
  },

  async create(inputs) {
    return { id: inputs.facts.node, outs: { ...inputs, settled: await join(inputs) } };
  },

  async read(id, state) {
    const { controller, worker, facts, scripts, phases, abandoned, settled } = state as Inputs;
    const inputs: Inputs = { controller, worker, facts, scripts, phases, abandoned };
    const seen = abandoned
      ? settled
      : await onHost(worker, async (run) => JSON.parse(await run(scripts.look)) as ObservedHost);
    const found = { ...inputs, ...compare(settled, seen, facts) };
    return { id, props: { ...found, settled }, inputs: found };
  },

  async update(_id, before, news) {
    if (news.abandoned) {
      return { outs: { ...news, settled: before.settled } };
    }
    const isOther = before.facts.cluster !== news.facts.cluster;
    if (isOther || before.facts.generation !== news.facts.generation) {
      return { outs: { ...news, settled: await rejoin(before, news, isOther) } };
    }
    const restarts =
      before.drift !== undefined ||
      before.facts.k0sVersion !== news.facts.k0sVersion ||
      before.facts.arguments !== news.facts.arguments;
    const settled = restarts
      ? await oneAtATime(news.facts.node, () => restart(before, news))
      : before.settled;
    if (!restarts) {
      await onHost(news.controller, (run) => admitPods(run, news, before.facts));
    }
    return { outs: { ...news, settled } };
  },

  async delete() {
    // Its membership, which is there before it joins, gives up what a join that failed may have left.
  },
};

/** Has a machine join, and waits until pods may come to it. */
function join(inputs: Inputs): Promise<ObservedHost> {
  const { controller, worker, scripts } = inputs;
  return onHost(controller, async (onController) => {
    const token = (await onController(scripts.admit)).trim();
    let settled: ObservedHost;
    try {
      settled = await onHost(worker, (run) => start(run, withVariables(scripts.start, { token })));
    } finally {
      await onController(withVariables(scripts.invalidate, { token }));
    }
    await admitPods(onController, inputs, undefined);
    return settled;
  });
}

/**
 * Has a machine join anew. A raised generation gave up what was there, and the phases have removed it; of another cluster
 * the machine knows nothing, so that the phases run again here.
 */
async function rejoin(before: Inputs, inputs: Inputs, isOther: boolean): Promise<ObservedHost> {
  // With the id of the machine that was: a node of the same name may be another machine's.
  const remove = withVariables(before.scripts.remove, { gone: "yes" });
  await onHost(inputs.controller, (run) => run(remove));
  if (isOther) {
    await onHost(inputs.worker, async (run) => {
      for (const script of [inputs.scripts.reset, ...inputs.phases]) {
        await run(script);
      }
    });
  }
  return join(inputs);
}

/** Moves the pods away, restarts k0s with what changed, and lets pods come again. */
function restart(before: Inputs, inputs: Inputs): Promise<ObservedHost> {
  const { controller, worker, scripts, phases } = inputs;
  return onHost(controller, async (onController) => {
    const since = (await onController(scripts.drain)).trim();
    const settled = await onHost(worker, async (run) => {
      for (const phase of before.drift === undefined ? [] : phases) {
        await run(phase);
      }
      return start(run, scripts.start);
    });
    await admitPods(onController, inputs, before.facts, since);
    return settled;
  });
}

async function start(run: Session, script: Script): Promise<ObservedHost> {
  return (JSON.parse(await run(script)) as { state: ObservedHost }).state;
}

/** Waits until pods may come to the node; without the labels and taints that it had and has no more. */
async function admitPods(
  run: Session,
  { scripts, facts }: Inputs,
  before: WorkerFacts | undefined,
  since = "",
): Promise<void> {
  const labels = Object.keys(before?.labels ?? {}).filter((key) => !(key in facts.labels));
  const taints = (before?.taints ?? []).filter((taint) => !facts.taints.includes(taint));
  const keys = taints.map((taint) => taint.replace(/=[^:]*/, ""));
  await run(
    withVariables(scripts.admitPods, {
      oldLabels: labels.join("\n"),
      oldTaints: keys.join("\n"),
      since,
    }),
  );
}

/** Shell variables that are known only now, before those of the script. */
function withVariables(
  { command, stdin }: Script,
  values: { token?: string; oldLabels?: string; oldTaints?: string; since?: string; gone?: string },
): Script {
  const { token = "", oldLabels = "", oldTaints = "", since = "", gone = "no" } = values;
  const variables = {
    GONE: gone,
    JOIN_TOKEN: token,
    OLD_LABELS: oldLabels,
    OLD_TAINTS: oldTaints,
    SINCE: since,
  };
  return { command, stdin: renderScript(variables, stdin) };
}

/**
 * Whose turn it is, among the workers of this run: the engine has one process for all resources of this kind. A property,
 * because closure serialisation keeps a variable as it was.
 */
const turn: { last: Promise<void> | undefined; failed: string } = { last: undefined, failed: "" };

/** Runs `work` after that of the workers before; not at all when one of them failed. */
async function oneAtATime<T>(node: string, work: () => Promise<T>): Promise<T> {
  const before = turn.last;
  let done = (): void => {};
  turn.last = new Promise((resolve) => (done = resolve));
  try {
    await before;
    if (turn.failed !== "") {
      throw new Error(`${node} was left as it is, because ${turn.failed} failed before it.`);
    }
    return await work();
  } catch (error) {
    turn.failed = turn.failed || node;
    throw error;
  } finally {
    done();
  }
}

/** The differences from the record, in words. */
function compare(
  settled: ObservedHost | undefined,
  seen: ObservedHost | undefined,
  { node }: WorkerFacts,
): Pick<Inputs, "drift" | "lost"> {
  const drift = differences(settled, seen);
  if (drift === undefined || !("machineId" in drift || "clusterSha256" in drift)) {
    return drift === undefined ? {} : { drift };
  }
  return {
    drift,
    lost:
      `the machine of the worker ${node} is not of this cluster any more. If it was rebuilt, raise its generation, with ` +
      "its new key in sshHostKey, and run pulumi up.",
  };
}
