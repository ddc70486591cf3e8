import * as http from "node:http";
import * as https from "node:https";
import { rootCertificates } from "node:tls";
import { setTimeout as sleep } from "node:timers/promises";
import { retryAfter } from "../../lib/retryAfter";

/** A request without a body. */
export interface RegistryRequest {
  method: "GET" | "HEAD";
  url: URL;
  headers: Record<string, string>;
  /** Certificates in PEM that are trusted beside the usual ones. */
  ca?: string;
}

/** What a server answered. */
export interface RegistryAnswer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: Buffer;
}

/** How long requests may take, and how they are repeated. */
export interface Patience {
  /** For one request, in milliseconds. */
  timeout: number;
  /** When all requests for an image must be over, in milliseconds since the epoch. */
  deadline: number;
  /** Waits before the next attempt. */
  pause: (milliseconds: number) => Promise<unknown>;
}

/** How often a request is sent at most, the first time included. */
const attempts = 4;

/** Most redirections of one request; registry.k8s.io sends each request to a registry nearby. */
const mostRedirections = 5;

/** Most bytes of an answer, in the distribution specification the most that a registry must take for a manifest: 4 MiB. */
const mostBytes = 4 * 1024 * 1024;

/** A wait as {@link Patience} takes it. */
export const pause: Patience["pause"] = sleep;

/**
 * Sends a request. After a 429 or 5xx it sends it again, up to four times in all; the pauses are 1, 2 and 4 seconds, or what
 * Retry-After asks for. An answer that would have to be waited for past the deadline is returned as it is.
 * @throws Error of Node.js where there is no answer.
 */
export async function sendPatiently(
  request: RegistryRequest,
  patience: Patience,
): Promise<RegistryAnswer> {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await follow(request, patience);
    const isBusy = answer.status === 429 || answer.status >= 500;
    const wait = retryAfter(answer.headers["retry-after"]) ?? 1000 * 2 ** (attempt - 1);
    if (!isBusy || attempt === attempts || Date.now() + wait >= patience.deadline) {
      return answer;
    }
    await patience.pause(wait);
  }
}

/** Sends a request, and follows redirections. Another host gets no credentials. */
async function follow(request: RegistryRequest, patience: Patience): Promise<RegistryAnswer> {
  let next = request;
  for (let redirections = 0; ; redirections += 1) {
    const answer = await send(next, patience);
    const { location } = answer.headers;
    const isRedirection = [301, 302, 303, 307, 308].includes(answer.status);
    const url = location !== undefined && isRedirection ? new URL(location, next.url) : undefined;
    if (
      url === undefined ||
      url.protocol !== next.url.protocol ||
      redirections === mostRedirections
    )
      return answer;
    const { authorization, ...others } = next.headers;
    const headers =
      url.host === next.url.host || authorization === undefined ? next.headers : others;
    next = { ...next, url, headers };
  }
}

async function send(
  { method, url, headers, ca }: RegistryRequest,
  { timeout, deadline }: Patience,
): Promise<RegistryAnswer> {
  const most = Math.max(1, Math.min(timeout, deadline - Date.now()));
  const signal = AbortSignal.timeout(most);
  const trusted = ca === undefined ? {} : { ca: [...rootCertificates, ca] };
  const { request } = url.protocol === "http:" ? http : https;
  try {
    const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
      request(url, { method, headers, signal, ...trusted }, resolve)
        .on("error", reject)
        .end();
    });
    const parts: Buffer[] = [];
    let bytes = 0;
    for await (const part of response) {
      parts.push(part as Buffer);
      bytes += (part as Buffer).length;
      if (bytes > mostBytes) {
        throw new Error(`its answer has more than ${mostBytes} bytes`);
      }
    }
    const { statusCode: status = 0, headers: answered } = response;
    return { status, headers: answered, body: Buffer.concat(parts) };
  } catch (error) {
    throw signal.aborted ? new Error(`no answer within ${Math.ceil(most / 1000)} s`) : error;
  }
}
