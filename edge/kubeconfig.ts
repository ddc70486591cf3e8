import { X509Certificate } from "node:crypto";
import { dump, load } from "js-yaml";

/** A kubeconfig that cannot be used. The message never holds any of its text, which is secret. */
export class KubeconfigError extends Error {}

type Cluster = Record<string, unknown> & { server?: string };
type User = Record<string, unknown> & { "client-certificate-data"?: string };

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

/**
 * When the client certificate of a kubeconfig ends, in ISO 8601. k0s issues it for a year.
 * @throws KubeconfigError when there is none.
 */
export function certificateExpiry(text: string): string {
  const data = parse(text).users[0]?.user["client-certificate-data"];
  if (typeof data !== "string") {
    throw new KubeconfigError("The kubeconfig has no client certificate.");
  }
  try {
    return new Date(new X509Certificate(Buffer.from(data, "base64")).validTo).toISOString();
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
