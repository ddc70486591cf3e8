/** Asks a stack's sample service for its answer, from outside the host. */
import http from "node:http";
import { lookup } from "node:dns/promises";

/** A service's answer and how it was reached. */
export interface Answer {
  url: string;
  answer: string;
  /** How, where it was not simply by its URL; else empty. */
  note: string;
}

/**
 * Fetches the `url` of a stack's outputs; where its name does not resolve to the stack's own load balancer (a machine
 * without the internet cannot ask sslip.io), by address with the Host header. Throws when there is no answer 200.
 */
export async function answerOf(outputs: Record<string, unknown>): Promise<Answer> {
  const { url, loadBalancerIp } = outputs;
  if (typeof url !== "string" || typeof loadBalancerIp !== "string") {
    throw new Error("the stack has no outputs url and loadBalancerIp");
  }
  const { hostname, host, port } = new URL(url);
  const resolves = await lookup(hostname).then(
    ({ address }) => address === loadBalancerIp,
    () => false,
  );
  const answer = await get(loadBalancerIp, Number(port || 80), host);
  return {
    url,
    answer,
    note: resolves ? "" : ` (asked at ${loadBalancerIp} with Host: ${hostname})`,
  };
}

async function get(address: string, port: number, host: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get(
      { host: address, port, headers: { host }, timeout: 30_000 },
      (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (text: string) => (body += text));
        // Cut off in the middle, it does not end; this is how it says so.
        response.once("error", reject);
        response.once("end", () =>
          response.statusCode === 200
            ? resolve(body)
            : reject(new Error(`HTTP ${response.statusCode ?? "?"}: ${body.trim()}`)),
        );
      },
    );
    request.once("timeout", () => request.destroy(new Error("no answer after 30 s")));
    request.once("error", reject);
  });
}
