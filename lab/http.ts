/** HTTP requests to a service, at its load balancer's address and with its own host name. */
import http from "node:http";

/** An HTTP answer. */
export interface HttpAnswer {
  status: number;
  body: string;
}

/**
 * Sends one request, on a connection of its own. Throws when the answer is cut off or does not come in time.
 * @param host for the Host header
 * @param patience seconds that may pass without a byte
 */
export function get(
  address: string,
  host: string,
  { port = 80, patience = 60 } = {},
): Promise<HttpAnswer> {
  const options = { host: address, port, headers: { host } };
  return wholeAnswer((limits, take) => http.get({ ...options, ...limits }, take), patience);
}

/**
 * The whole answer to a request, on a connection of its own. Throws when it is cut off or does not come in time.
 * @param send Sends the request with these options too, and hands the response on.
 * @param patience seconds that may pass without a byte
 */
export function wholeAnswer(
  send: (
    limits: { agent: false; timeout: number },
    take: (response: http.IncomingMessage) => void,
  ) => http.ClientRequest,
  patience: number,
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const request = send({ agent: false, timeout: patience * 1000 }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => (body += text));
      // An answer that is cut off has no end, but an error.
      response.once("error", reject);
      response.once("end", () => resolve({ status: response.statusCode ?? 0, body }));
    });
    request.once("timeout", () => request.destroy(new Error(`no answer after ${patience} s`)));
    request.once("error", reject);
  });
}
