/** Asks a stack's sample service for its answer, from outside the host. */
import { lookup } from "node:dns/promises";
import { get } from "./http";

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
