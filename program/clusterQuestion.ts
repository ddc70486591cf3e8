import { IncomingMessage } from "node:http";
import * as https from "node:https";
import { access } from "../components/cluster/kubeconfig";

/** What a cluster answered. */
export interface ClusterAnswer {
  /** The answer's JSON. */
  body: unknown;
  /** When the cluster answered, by its own clock. */
  date: Date;
}

/**
 * Asks the Kubernetes API, as a kubeconfig's user. It always settles within `patience`, and does not keep the process alive.
 * @param path Of the URL, such as /api/v1/namespaces/default/pods.
 * @param patience How long the answer may take, in milliseconds.
 * @returns undefined if there is no answer, a refusal, or no usable kubeconfig.
 */
export async function askClusterWithDate(
  kubeconfig: string,
  path: string,
  patience = 10_000,
): Promise<ClusterAnswer | undefined> {
  try {
    const { server, ...credentials } = access(kubeconfig);
    const options = { ...credentials, agent: false, signal: AbortSignal.timeout(patience) };
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      https
        .get(new URL(path, server), options, resolve)
        .on("socket", (socket) => socket.unref())
        .on("error", reject);
    });
    if (response.statusCode !== 200) {
      response.destroy();
      return undefined;
    }
    let body = "";
    for await (const text of response.setEncoding("utf8")) {
      body += text as string;
    }
    const date = new Date(response.headers.date ?? Date.now());
    return { body: JSON.parse(body) as unknown, date };
  } catch {
    return undefined;
  }
}

/** Like askClusterWithDate, but returns only the JSON. */
export async function askCluster(
  kubeconfig: string,
  path: string,
  patience?: number,
): Promise<unknown> {
  return (await askClusterWithDate(kubeconfig, path, patience))?.body;
}
