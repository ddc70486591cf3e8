/** One request to a service through its load balancer, timed. */
import * as http from "node:http";
import * as https from "node:https";
import { rootCertificates } from "node:tls";
import { now } from "./serviceWatch";
import { type RequestTimes } from "./phases";
import { type Target } from "./target";

/** How long a request may take, in milliseconds. */
export const patience = 60_000;

/** An answer, or why there is none. */
export type TimedAnswer = { times: RequestTimes; error?: undefined } | { error: string };

/**
 * Sends one GET request on a connection of its own.
 * @returns An error for a status from 400 on, too.
 * @throws The signal's reason when it is aborted.
 */
export async function timedRequest(target: Target, signal: AbortSignal): Promise<TimedAnswer> {
  const { address, port, host, path, protocol, ca } = target;
  const { get } = protocol === "https:" ? https : http;
  // Whoever is asked by address must still prove the name.
  const tls = {
    servername: host.split(":")[0],
    ...(ca !== undefined && { ca: [...rootCertificates, ca] }),
  };
  const times: RequestTimes = { sent: now(), connected: 0, firstByte: 0 };
  try {
    const status = await new Promise<number>((resolve, reject) => {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(patience)]);
      get({ ...tls, host: address, port, path, headers: { host }, agent: false, signal: limit })
        .once("socket", (socket) => socket.once("connect", () => (times.connected = now())))
        .once("error", reject)
        .once("response", (response) => {
          times.firstByte = now();
          // A stream need not have an end, and its first byte is all that is measured.
          response.once("error", () => undefined).destroy();
          resolve(response.statusCode ?? 0);
        });
    });
    return status < 400 ? { times } : { error: `HTTP status ${status}` };
  } catch (error) {
    signal.throwIfAborted();
    const { name, message } = error as Error;
    return { error: name === "AbortError" ? `no answer within ${patience / 1000} s` : message };
  }
}
