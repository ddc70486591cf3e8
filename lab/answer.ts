/** Asks a stack's sample service for its answer, from outside the host. */
import { lookup } from "node:dns/promises";
import { get } from "./http";

/** A service's answer and how it was reached. */
export interface Answer {
  url: string;
  answer: string;
  /** How it was reached if not by its URL; otherwise empty. */
  note: string;
}

/**
 * Fetches the `url` of a stack's outputs, at the load balancer's address and with the URL's host name. The note says so
 * if the name does not resolve to that address: a machine without the internet cannot ask sslip.io.
 * @throws Error when the answer is not 200, or none comes
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
  const { status, body } = await get(loadBalancerIp, host, {
    port: Number(port || 80),
    patience: 30,
  });
  if (status !== 200) throw new Error(`HTTP ${status}: ${body.trim()}`);
  return {
    url,
    answer: body,
    note: resolves ? "" : ` (asked at ${loadBalancerIp} with Host: ${hostname})`,
  };
}
