import * as https from "node:https";
import { access } from "../edge/kubeconfig";

/**
 * Asks the Kubernetes API, as a kubeconfig's user.
 * @param path Of the URL, such as /api/v1/namespaces/default/pods.
 * @returns The answer's JSON; undefined when there is none within ten seconds.
 */
export async function askCluster(kubeconfig: string, path: string): Promise<unknown> {
  const { server, ...credentials } = access(kubeconfig);
  return new Promise((resolve) => {
    const request = https.get(
      new URL(path, server),
      { ...credentials, timeout: 10_000, agent: false },
      (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (text: string) => (body += text));
        response.on("end", () => {
          try {
            resolve(JSON.parse(body));
          } catch {
            resolve(undefined);
          }
        });
      },
    );
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(undefined));
  });
}
