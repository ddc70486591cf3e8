import { HostConfig } from "../../components/host/hostConfig";
import { EdgeConfig } from "../config";

/** A resource whose creation, update or deletion failed. */
export interface Failed {
  /** Pulumi's type token. */
  type: string;
  name: string;
  /** The provider's words. */
  error: string;
  /** What the pods of a Knative Service or a Job say, see podTroubles. */
  pods?: string[];
}

/** Where the stack is, for the sentences. */
export type Place = Pick<EdgeConfig, "host" | "apiEndpoint"> & Partial<Pick<EdgeConfig, "workers">>;

/** What a failure means to the operator. */
export interface Explanation {
  /** What is wrong, where, and what to do. */
  sentence: string;
  /** True for what passes by itself, such as a restart of the API server: another attempt may succeed. */
  mayPass: boolean;
}

interface Rule {
  /** The beginning of the type token, for a rule that holds for one kind of resource only. */
  type?: string;
  /** What the error looks like; its groups are handed to `say`. */
  pattern: RegExp;
  say(place: Named, ...groups: string[]): string;
  mayPass?: boolean;
}

/** A place with the names that sentences use. */
interface Named extends Place {
  pods: string[];
  /** The keys of the machine's settings. */
  keys: MachineKeys;
  /** With a jump host, the other setting that a failed login may be about: pulumi-command does not say which host refused. */
  orJump: string;
  /** `edge@192.168.56.10:22`, and the jump host on the way. */
  login: string;
  resource: string;
}

interface MachineKeys {
  hostKey: string;
  generation: string;
  address: string;
  port: string;
  user: string;
}

/** The machine that a resource is about, and the keys that say how it is reached. */
function machineOf(
  name: string,
  { host, workers = [] }: Place,
): { host: HostConfig; keys: MachineKeys } {
  const worker = workers.find((each) => name.startsWith(`worker-${each.name}-`));
  if (worker === undefined) {
    const keys = { address: "host", port: "sshPort", user: "sshUser" };
    return { host, keys: { ...keys, hostKey: "sshHostKey", generation: "hostGeneration" } };
  }
  const key = (field: string): string => `workers.${worker.name}.${field}`;
  return {
    host: worker,
    keys: {
      hostKey: key("sshHostKey"),
      generation: key("generation"),
      address: key("host"),
      port: key("sshPort"),
      user: key("sshUser"),
    },
  };
}

/** What an error of a provider means; undefined where its own words are as good. */
export function explainFailure(failed: Failed, place: Place): Explanation | undefined {
  const { type, name, error, pods = [] } = failed;
  const rules = type.startsWith("command:remote:")
    ? sshRules
    : type.startsWith("kubernetes:")
      ? clusterRules
      : [];
  const machine = machineOf(name, place);
  const { address, port, user, jump } = machine.host;
  const way = jump === undefined ? "" : ` by way of ${jump.address}`;
  const orJump =
    jump === undefined
      ? ""
      : ` Or it is the jump host ${jump.address}: see jumpUser, jumpPrivateKey and jumpHostKey.`;
  const named = {
    ...place,
    ...machine,
    login: `${user}@${address}:${port}${way}`,
    // What is in a cluster's name besides its own, see ManifestSet.
    resource: name.replace(/@.*/, ""),
    pods,
    orJump,
  };
  for (const { type: only = "", pattern, say, mayPass = false } of rules) {
    const match = type.startsWith(only) ? pattern.exec(error) : null;
    if (match !== null) {
      return { sentence: say(named, ...match.slice(1)), mayPass };
    }
  }
  return undefined;
}

/**
 * Errors of pulumi-command while it connects: Go's, without the host's name or a remedy. What a script on the host says
 * is good enough as it is.
 */
const sshRules: Rule[] = [
  {
    pattern: /ssh: host key mismatch/,
    say: ({ login, orJump, keys }) =>
      `${login} shows another SSH host key than ${keys.hostKey}: nothing was sent to it. If the machine was installed anew, ` +
      `compare the keys, set the new one and raise ${keys.generation}; if not, something else answers at its address.${orJump}`,
  },
  {
    pattern: /no common algorithm for host key/,
    say: ({ login, keys }) =>
      `${login} has no SSH host key of the type in ${keys.hostKey}: nothing was sent to it. Compare with ` +
      `\`ssh-keyscan\` over a network you trust, and set ${keys.hostKey} to one of its keys.`,
  },
  {
    pattern: /unable to authenticate/,
    say: ({ login, host, orJump, keys }) =>
      `${login} does not accept the key in sshPrivateKey: add its public half to ~${host.user}/.ssh/authorized_keys on ` +
      `the host, or correct ${keys.user} or sshPrivateKey.${orJump}`,
  },
  {
    pattern: /dial tcp: lookup ([^ :]+).*(no such host|failure in name resolution)/,
    say: (_, name = "") =>
      `The name ${name} does not resolve here: correct it, or give the address.`,
  },
  {
    // It asks the agent first, whatever key is configured (SSHConfig in provider/pkg/provider/remote/connection.go).
    pattern: /dial unix ([^\n:]+): ([^\n]*)/,
    say: (_, socket = "", words = "") =>
      `SSH_AUTH_SOCK names an SSH agent at ${socket} that does not answer (${words}): start it, or unset SSH_AUTH_SOCK, ` +
      "which is not needed here.",
  },
  {
    pattern: /ssh: rejected: ([^\n]*)/,
    say: ({ host, keys }, words = "") =>
      `The jump host ${host.jump?.address} does not reach ${host.address}:${host.port} (${words}): check that the host is on, ` +
      `and ${keys.address} and ${keys.port}, which are as the jump host sees them.`,
  },
  {
    pattern: /dial tcp \S+: (?:connect: )?([^\n]*)|(context deadline exceeded)/,
    say: ({ login }, words = "no answer in time", deadline) =>
      `${login} cannot be reached by SSH (${deadline ?? words}): check that the machine is on, that its SSH server runs, ` +
      "and that no firewall stands between. Then run pulumi up again.",
  },
  {
    pattern: /ssh: handshake failed: (EOF|read tcp [^\n]*)/,
    say: ({ login }, words = "") =>
      `${login} closed the connection before the login (${words}): its SSH server may be starting, busy, or refusing ` +
      "this address. Wait a moment and run pulumi up again.",
  },
  {
    pattern:
      /wait: remote command exited without exit status or exit signal|failed to send request: EOF/,
    say: ({ login, resource }) =>
      `The connection to ${login} was cut while ${resource} ran: run pulumi up again, which goes on where this stopped.`,
  },
];

/** Errors of the Kubernetes provider that leave open what is wrong or what to do. */
const clusterRules: Rule[] = [
  {
    pattern: /x509: certificate has expired or is not yet valid: ([^\n"]*)/,
    say: ({ apiEndpoint }, words = "") =>
      `The certificate of ${apiEndpoint} is not valid at this machine's time (${words}): set the clocks of this machine ` +
      "and of the host. If it has expired, restart k0scontroller on the host, which renews it.",
  },
  {
    pattern: /x509: certificate signed by unknown authority/,
    say: ({ apiEndpoint }) =>
      `At ${apiEndpoint} another cluster answers than this stack's: check apiEndpoint. If the host was rebuilt, raise ` +
      "hostGeneration, with its new key in sshHostKey.",
  },
  {
    pattern: /cluster is unreachable[^]*?((?:dial tcp |Get "|context)[^\n]*)/,
    say: ({ apiEndpoint }, words = "") =>
      `The Kubernetes API at ${apiEndpoint} does not answer (${words}): check on the host with ` +
      "`systemctl status k0scontroller`, and that this machine reaches the port. If k0s is down, " +
      "docs/operations.md tells how to mend the host first.",
  },
  {
    pattern: /failed calling webhook "([^"]+)"[^]*?: ([^:\n]*(?:: [^:\n]*)?)$/m,
    mayPass: true,
    say: ({ resource }, webhook = "", words = "") =>
      `The webhook ${webhook}, which ${resource} must pass, does not answer (${words}): look at its pods with ` +
      "`k0s kubectl get pods -A` on the host.",
  },
  {
    // Knative's webhook tries each template with a pod that is not kept, which the quota counts.
    pattern: /exceeded quota: \S+, requested: ([^\n]*?limited: [^\s:]+)/,
    mayPass: true,
    say: ({ resource }, amounts = "") =>
      `The quota of the namespace of ${resource} has no room for another pod now (${amounts}): pods that end count until they ` +
      "are gone. Wait a minute and run pulumi up again, or raise the quota in namespaces.",
  },
  {
    type: "kubernetes:serving.knative.dev/v1:Service",
    pattern: /timed out waiting for the condition/,
    say: ({ resource, pods }) =>
      `The Knative Service of ${resource} was not Ready in time: ` +
      (pods.length > 0
        ? `its pod ${pods[0]}. Correct that, or raise its readyTimeoutSeconds.`
        : "see `k0s kubectl describe ksvc,revisions -A` on the host, or raise its readyTimeoutSeconds."),
  },
  {
    type: "kubernetes:batch/v1:Job",
    pattern: /timed out waiting to be Ready|\[(?:DeadlineExceeded|BackoffLimitExceeded)\] [^\n]*/,
    say: ({ resource, pods }) =>
      `The Job of ${resource} did not complete: ` +
      (pods.length > 0
        ? `its pod ${pods[0]}. `
        : "see `k0s kubectl describe jobs -A` on the host. ") +
      "The next pulumi up replaces it.",
  },
  {
    type: "kubernetes:apps/v1:Deployment",
    pattern: /'activator' timed out waiting to be Ready/,
    say: () =>
      "Knative's activator was not ready in time. It is once it finds the autoscaler by name, so CoreDNS may be what is " +
      "wrong: look at the pods with `k0s kubectl get pods -A` on the host.",
  },
  {
    type: "kubernetes:core/v1:Service",
    pattern: /timed out waiting for the condition/,
    say: ({ resource }) =>
      `The Service of ${resource} was given no load balancer address: most often every address of loadBalancerPool is ` +
      "taken, else MetalLB's controller does not run. See `k0s kubectl describe services -A` on the host.",
  },
  {
    // Of the API server itself; what a webhook meets is above.
    pattern:
      /(connection refused|connection reset by peer|unexpected EOF|: EOF|http2: client connection lost|TLS handshake timeout|i\/o timeout|server is currently unable to handle the request|apiserver is shutting down|request has been made before all known HTTP paths have been installed|etcdserver: [^\n]*)/,
    mayPass: true,
    say: ({ apiEndpoint, resource }, words = "") =>
      `The Kubernetes API at ${apiEndpoint} went away while ${resource} was applied (${words}): look at ` +
      "`systemctl status k0scontroller` on the host.",
  },
];
