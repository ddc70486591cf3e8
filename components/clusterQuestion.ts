import { IncomingMessage } from "node:http";
import * as https from "node:https";
import { access } from "../edge/kubeconfig";

/**
 * Asks the Kubernetes API, as a kubeconfig's user. It settles in time whatever comes, for an explanation waits for it.
 * @param path Of the URL, such as /api/v1/namespaces/default/pods.
 * @param patience How long the answer may take, in milliseconds.
 * @returns The answer's JSON; undefined where there is none, or no usable kubeconfig.
 */
export async function askCluster(
  kubeconfig: string,
  path: string,
  patience = 10_000,
): Promise<unknown> {
  try {
    const { server, ...credentials } = access(kubeconfig);
    const options = { ...credentials, agent: false, signal: AbortSignal.timeout(patience) };
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      https.get(new URL(path, server), options, resolve).on("error", reject);
    });
    let body = "";
    for await (const text of response.setEncoding("utf8")) {
      body += text as string;
    }
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
