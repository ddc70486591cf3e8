import { isDeepStrictEqual } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import { remote } from "@pulumi/command";
import { refusals, StackIdentity } from "./changeGuards";
import { asRoot, dispatch, HostConnection } from "./hostScript";
import { onHost, Script, Session } from "./sshSession";

/** What host_state in lib.sh reports about a host; "absent" stands for what is not there. */
export interface ObservedHost {
  k0sVersion: string;
  binarySha256: string;
  configSha256: string;
  /** Arguments of k0s in the unit. */
  unitArguments: string;
  /** Of the unit with its drop-ins. */
  unitSha256: string;
  /** As `systemctl is-active` prints it. */
  service: string;
  /** As `systemctl is-enabled` prints it. */
  atBoot: string;
  machineId: string;
  /** Of the certificate of the cluster's CA: another certificate means another cluster. */
  clusterSha256: string;
}

/** What a host should be, and how to read and repair it. */
export interface HostStateArgs {
  /** The SSH connection. */
  connection: pulumi.Input<HostConnection>;
  /** What the stack is built on. The preview refuses changes of it that lose data. */
  facts: pulumi.Input<StackIdentity>;
  /** Consents to such changes by name, see components/host/changeGuards.ts. */
  allow: pulumi.Input<string[]>;
  /** The host after the last phase, as ready.sh reports it. */
  settled: pulumi.Input<ObservedHost>;
  /** The commands that bring k0s into its state, in their order. A repair runs them again. */
  phases: remote.Command[];
}

/** The resource as the provider sees it: plain values. */
interface Inputs {
  connection: HostConnection;
  facts: StackIdentity;
  allow: string[];
  look: Script;
  settled: ObservedHost;
  phases: Script[];
  /** Only in what `read` returns: the fields that differ from `settled`. */
  drift?: Record<string, string>;
  /** Only in what `read` returns: why the cluster of this stack is no longer on the host. */
  lost?: string;
}

/**
 * The state of the host, as a resource that Pulumi can read. pulumi-command cannot read. So `pulumi refresh` and
 * `preview --refresh` show manual changes, and the next `up` repairs them.
 *
 * The resource comes after the phases (binary, configuration, installation, readiness) and records the last phase's
 * output, so an `up` needs no further connection. `read` connects, compares the host with that record, and puts the
 * differences into the input `drift`. The program never sets `drift`, so the next diff shows a change, and the update runs
 * the phases again. Without drift, and with the same record, there is no diff.
 *
 * The resource never repairs a lost cluster (another machine, or another CA), because the stack's objects are lost with
 * it. It refuses until the operator raises hostGeneration. A raised hostGeneration, or another host, replaces this
 * resource. It represents the cluster: `deletedWith` of every object names it.
 *
 * `check` refuses dangerous changes. Its old inputs are those of the last `up` that completed all phases. It runs at
 * preview, before anything changes the host; with `--skip-preview` it runs only after the phases.
 *
 * Pulumi's closure serialisation stores the provider's code in the state. The code refers only to functions and modules;
 * connection and scripts are secret inputs. An upgrade of this program changes the code's text but not the host, so `diff`
 * ignores it.
 */
export class HostState extends pulumi.dynamic.Resource {
  constructor(name: string, args: HostStateArgs, opts?: pulumi.CustomResourceOptions) {
    const phases = args.phases.map(({ create, stdin }) => ({ command: create, stdin }));
    super(
      provider,
      name,
      {
        connection: pulumi.secret(args.connection),
        facts: args.facts,
        allow: args.allow,
        // Secret, because a diff of these long texts tells nothing that the phases do not tell.
        look: pulumi.secret({ command: asRoot("create"), stdin: dispatch("state") }),
        phases: pulumi.secret(phases),
        settled: args.settled,
      },
      opts,
      "knative-edge",
      "HostState",
    );
  }
}

const provider: pulumi.dynamic.ResourceProvider<Inputs, Inputs> = {
  async check(olds, news) {
    const { facts, allow } = news;
    const reasons = refusals(olds.facts, facts, allow).map(
      ({ key, consent, message }) =>
        `${key}: ${message}. To do it all the same, add ${consent} to the list allow.`,
    );
    if (olds.lost !== undefined && olds.facts.hostGeneration === facts.hostGeneration) {
      reasons.push(`hostGeneration: ${olds.lost}`);
    }
    // Without a property: it would name one of this resource, not a key of the configuration.
    const failures = reasons.map((reason) => ({ property: "", reason }));
    return { inputs: news, failures };
  },

  async diff(_id, olds, news) {
    const keys = ["connection", "look", "settled", "phases"] as const;
    // Older versions of this program recorded more facts, which are no change of the host.
    const sameFacts = (Object.keys(news.facts) as (keyof StackIdentity)[]).every(
      (key) => olds.facts[key] === news.facts[key],
    );
    const same = sameFacts && keys.every((key) => isDeepStrictEqual(olds[key], news[key]));
    const isOther = (["host", "hostGeneration"] as const).some(
      (key) => olds.facts[key] !== news.facts[key],
    );
    return {
      changes: !same || olds.drift !== undefined || olds.lost !== undefined,
      replaces: isOther ? ["facts"] : [],
    };
  },

  async create(inputs) {
    return { id: inputs.settled.machineId, outs: inputs };
  },

  async read(id, state) {
    const { connection, facts, allow, look: script, phases, settled } = state as Inputs;
    const inputs: Inputs = { connection, facts, allow, look: script, phases, settled };
    const sight = await onHost(connection, (session) => look(session, inputs));
    const seen = { ...inputs, ...compare(settled, sight, inputs) };
    return { id, props: seen, inputs: seen };
  },

  async update(_id, olds, news) {
    const { lost } = compare(olds.settled, news.settled, news);
    if (lost !== undefined) {
      throw new Error(lost);
    }
    if (olds.drift !== undefined) {
      await onHost(news.connection, (session) => mend(session, news));
    }
    return { outs: news };
  },
};

/** Runs the phases again if the host is not as the last of them left it. */
async function mend(session: Session, news: Inputs): Promise<void> {
  const { drift, lost } = compare(news.settled, await look(session, news), news);
  if (lost !== undefined) {
    throw new Error(lost);
  }
  if (drift === undefined) {
    return;
  }
  for (const phase of news.phases) {
    await session(phase);
  }
  const left = compare(news.settled, await look(session, news), news).drift;
  if (left !== undefined) {
    const fields = Object.entries(left).map(([field, what]) => `${field} is ${what}`);
    throw new Error(
      `${news.connection.host}: the phases ran again, and still ${fields.join("; ")}.`,
    );
  }
}

/** The fields of a host that differ from the record, in words; undefined if none does. */
export function differences(
  settled: ObservedHost | undefined,
  seen: ObservedHost | undefined,
): Record<string, string> | undefined {
  const fields = Object.keys(seen ?? {}) as (keyof ObservedHost)[];
  const differing = fields.filter((field) => seen?.[field] !== settled?.[field]);
  return differing.length === 0
    ? undefined
    : Object.fromEntries(
        differing.map((field) => [field, `${seen?.[field]}, not ${settled?.[field]}`]),
      );
}

/** What became of the cluster of this stack, in words. */
function compare(
  settled: ObservedHost,
  seen: ObservedHost,
  { connection }: Inputs,
): Pick<Inputs, "drift" | "lost"> {
  const drift = differences(settled, seen);
  if (drift === undefined) {
    return {};
  }
  const identity = ["machineId", "clusterSha256"].filter((field) => field in drift);
  if (identity.length === 0) {
    return { drift };
  }
  const reasons = identity.map((field) => `${field} is ${drift[field]}`);
  const lost =
    `the cluster of this stack is not on ${connection.host} any more (${reasons.join("; ")}). ` +
    "If the host was rebuilt, raise hostGeneration, with its new key in sshHostKey, and run pulumi up.";
  return { drift, lost };
}

/** Reads the host. */
async function look(session: Session, inputs: Inputs): Promise<ObservedHost> {
  return JSON.parse(await session(inputs.look)) as ObservedHost;
}
