import { createPrivateKey } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import { remote } from "@pulumi/command";
import { Client, ConnectConfig } from "ssh2";
import { refusals, StackIdentity } from "./changeGuards";
import { asRoot, dispatch, HostConnection } from "./hostScript";

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

/** A script as the host runs it. */
interface Script {
  command: string;
  stdin: string;
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

/** The differences from the record, in words. */
function compare(
  settled: ObservedHost,
  seen: ObservedHost,
  { connection }: Inputs,
): Pick<Inputs, "drift" | "lost"> {
  const differing = (Object.keys(seen) as (keyof ObservedHost)[]).filter(
    (field) => seen[field] !== settled[field],
  );
  if (differing.length === 0) {
    return {};
  }
  const drift = Object.fromEntries(
    differing.map((field) => [field, `${seen[field]}, not ${settled[field]}`]),
  );
  const identity = differing.filter((field) => ["machineId", "clusterSha256"].includes(field));
  if (identity.length === 0) {
    return { drift };
  }
  const reasons = identity.map((field) => `${field} is ${drift[field]}`);
  const lost =
    `the cluster of this stack is not on ${connection.host} any more (${reasons.join("; ")}). ` +
    "If the host was rebuilt, raise hostGeneration, with its new key in sshHostKey, and run pulumi up.";
  return { drift, lost };
}

/** Runs a script on a host and returns its stdout; stderr is progress, which goes to Pulumi's log. */
type Session = (script: Script) => Promise<string>;

/** Reads the host. */
async function look(session: Session, inputs: Inputs): Promise<ObservedHost> {
  return JSON.parse(await session(inputs.look)) as ObservedHost;
}

/** Runs `work` over one SSH connection. */
async function onHost<T>(
  connection: HostConnection,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const target = connection as Target;
  const jump = target.proxy === undefined ? undefined : await connect(target.proxy, undefined);
  try {
    const client = await connect(target, jump);
    try {
      return await work((script) => execute(client, target, script));
    } finally {
      client.end();
    }
  } finally {
    jump?.end();
  }
}

/** HostConnection with plain values. */
interface Target {
  host: string;
  port?: number;
  user?: string;
  privateKey: string;
  privateKeyPassword?: string;
  hostKey?: string;
  proxy?: Target;
}

async function connect(target: Target, jump: Client | undefined): Promise<Client> {
  const { host, port = 22, user = "root", hostKey } = target;
  const key = hostKey?.split(" ").find((word) => word.startsWith("AAAA"));
  const config: ConnectConfig = {
    host,
    port,
    username: user,
    privateKey: readableKey(target.privateKey),
    passphrase: target.privateKeyPassword,
    readyTimeout: 20_000,
    // A phase may be silent for long, and we must still notice a host that is gone.
    keepaliveInterval: 15_000,
    keepaliveCountMax: 4,
    hostVerifier: (offered: Buffer) => key === undefined || offered.toString("base64") === key,
    ...(hostKey !== undefined && { algorithms: { serverHostKey: algorithmsFor(hostKey) } }),
  };
  if (jump !== undefined) {
    config.sock = await new Promise((resolve, reject) => {
      jump.forwardOut("127.0.0.1", 0, host, port, (error, channel) =>
        error
          ? reject(
              new Error(`${host}:${port} cannot be reached from the jump host: ${error.message}.`),
            )
          : resolve(channel),
      );
    });
  }
  return new Promise((resolve, reject) => {
    const client = new Client();
    client.on("ready", () => resolve(client));
    client.on("error", (error) => {
      const remedy = /verification failed/.test(error.message)
        ? "its key is not the one in sshHostKey: if the host was rebuilt, set the new key and raise hostGeneration"
        : "check that it is up and the SSH settings are right";
      reject(new Error(`${host}:${port} cannot be read by SSH (${error.message}); ${remedy}.`));
    });
    client.connect(config);
  });
}

/** Host key algorithms that make a server show its key of this type; by default it might show another key. */
function algorithmsFor(hostKey: string): NonNullable<ConnectConfig["algorithms"]>["serverHostKey"] {
  const type = hostKey.split(" ").find((word) => /^(ssh|ecdsa|sk)-/.test(word)) ?? "ssh-ed25519";
  return type === "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256"] : [type as "ssh-ed25519"];
}

/** ssh2 cannot read PKCS#8, unlike pulumi-command; it can read the older PEM forms of such a key. */
function readableKey(key: string): string {
  // Not the whole line: this code is in the state, which tests search for keys.
  if (!key.startsWith("-----BEGIN P")) {
    return key;
  }
  const parsed = createPrivateKey(key);
  const type = parsed.asymmetricKeyType === "rsa" ? "pkcs1" : "sec1";
  return parsed.export({ type, format: "pem" }) as string;
}

function execute(client: Client, { host }: Target, script: Script): Promise<string> {
  return new Promise((resolve, reject) => {
    client.exec(script.command, (error, channel) => {
      if (error) {
        reject(new Error(`${host}: ${error.message}.`));
        return;
      }
      let stdout = "";
      let stderr = "";
      channel.on("data", (data: Buffer) => (stdout += data.toString()));
      channel.stderr.on("data", (data: Buffer) => {
        stderr += data.toString();
        console.log(data.toString().trimEnd());
      });
      channel.on("close", (code: number | null) => {
        if (code === 0) {
          resolve(stdout);
        } else if (code === null || code === undefined) {
          reject(new Error(`${host}: the connection was cut; run pulumi up again.`));
        } else {
          reject(new Error(stderr.trim().split("\n").pop() || `${host}: exit code ${code}.`));
        }
      });
      channel.end(script.stdin);
    });
  });
}
