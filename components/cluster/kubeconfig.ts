import { X509Certificate } from "node:crypto";
import { dump, load } from "js-yaml";
import { UserError } from "../../lib/userError";

/** A kubeconfig that cannot be used. The message never holds any of its text, which is secret. */
export class KubeconfigError extends UserError {}

type Cluster = Record<string, unknown> & {
  server?: string;
  "certificate-authority-data"?: string;
};
type User = Record<string, unknown> & {
  "client-certificate-data"?: string;
  "client-key-data"?: string;
};

interface Kubeconfig extends Record<string, unknown> {
  clusters: ({ name: string; cluster: Cluster } & Record<string, unknown>)[];
  users: ({ name: string; user: User } & Record<string, unknown>)[];
  contexts: ({ name: string; context: { cluster: string; user: string } } & Record<
    string,
    unknown
  >)[];
  "current-context": string;
}

/**
 * A kubeconfig as k0s prints it (`k0s kubeconfig admin`), made ready for the machine that runs Pulumi: the server is
 * `apiEndpoint`, and cluster, user and context are named after the stack, so that it can be merged with others'.
 * @throws KubeconfigError when it is no kubeconfig with exactly one cluster, user and context.
 */
export function rewriteKubeconfig(text: string, apiEndpoint: string, name: string): string {
  const config = parse(text);
  const [cluster] = config.clusters;
  const [user] = config.users;
  return dump(
    {
      ...config,
      clusters: [{ ...cluster, name, cluster: { ...cluster?.cluster, server: apiEndpoint } }],
      users: [{ ...user, name }],
      contexts: [{ name, context: { cluster: name, user: name } }],
      "current-context": name,
    },
    { lineWidth: -1 },
  );
}

/** What a TLS client of the Kubernetes API needs, its PEM texts in Node.js' names. */
export interface Access {
  server: string;
  ca: string;
  cert: string;
  key: string;
}

/**
 * How a kubeconfig's user reaches its cluster.
 * @throws KubeconfigError when it is no kubeconfig, or has no client certificate.
 */
export function access(text: string): Access {
  const config = parse(text);
  const cluster = config.clusters[0]?.cluster;
  const user = config.users[0]?.user;
  const [ca, cert, key] = [
    cluster?.["certificate-authority-data"],
    user?.["client-certificate-data"],
    user?.["client-key-data"],
  ].map((data) => (typeof data === "string" ? Buffer.from(data, "base64").toString() : undefined));
  if (
    cluster?.server === undefined ||
    ca === undefined ||
    cert === undefined ||
    key === undefined
  ) {
    throw new KubeconfigError("The kubeconfig has no server, or no client certificate.");
  }
  return { server: cluster.server, ca, cert, key };
}

/** How long before its end a kubeconfig is worth a warning, in days. */
const warningDays = 60;

/**
 * What to say of a kubeconfig whose client certificate ends soon, or has ended; undefined while there is time. k0s issues
 * certificates for a year, new ones at each start (pkg/certificate/manager.go); what was read before stays as it was.
 * @throws KubeconfigError for a certificate that cannot be read.
 */
export function expiryWarning(text: string, now: Date): string | undefined {
  const data = parse(text).users[0]?.user["client-certificate-data"];
  if (data === undefined) {
    return undefined;
  }
  const days = (certificateEnd(data).getTime() - now.getTime()) / 86_400_000;
  if (days > warningDays) {
    return undefined;
  }
  const end = certificateEnd(data).toISOString().slice(0, 10);
  const remedy = 'renew it as docs/operations.md says under "A kubeconfig that ends"';
  return days < 0
    ? `The stack's kubeconfig has ended, on ${end}, so the cluster refuses it: ${remedy}.`
    : `The stack's kubeconfig ends on ${end}, in ${Math.floor(days)} days: ${remedy}.`;
}

function certificateEnd(data: string): Date {
  try {
    return new Date(new X509Certificate(Buffer.from(data, "base64")).validTo);
  } catch {
    throw new KubeconfigError("The kubeconfig's client certificate cannot be read.");
  }
}

function parse(text: string): Kubeconfig {
  let value: unknown;
  try {
    value = load(text);
  } catch {
    // The parser's own message quotes the text.
    throw new KubeconfigError(
      "k0s printed a kubeconfig that is not YAML; run `k0s kubeconfig admin` on the host.",
    );
  }
  const config = value as Partial<Kubeconfig> | null | undefined;
  const missing = (["clusters", "users", "contexts"] as const).filter(
    (list) => !Array.isArray(config?.[list]) || config[list].length !== 1,
  );
  if (missing.length > 0) {
    throw new KubeconfigError(
      `k0s printed a kubeconfig that does not have exactly one entry in ${missing.join(", ")}; ` +
        `run \`k0s kubeconfig admin\` on the host.`,
    );
  }
  return config as Kubeconfig;
}
