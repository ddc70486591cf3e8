/** Requests to a service at its load balancer's address, in its name. */
import http from "node:http";

/** An HTTP answer. */
export interface HttpAnswer {
  status: number;
  body: string;
}

/**
 * One request, on a connection of its own. Throws where the answer is cut off, or nothing comes for a while.
 * @param host for the Host header
 * @param patience seconds in which something must come
 */
export function get(
  address: string,
  host: string,
  { port = 80, patience = 60 } = {},
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const request = http.get(
      { host: address, port, headers: { host }, timeout: patience * 1000, agent: false },
      (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (text: string) => (body += text));
        // Cut off in the middle, it does not end; this is how it says so.
        response.once("error", reject);
        response.once("end", () => resolve({ status: response.statusCode ?? 0, body }));
      },
    );
    request.once("timeout", () => request.destroy(new Error(`no answer after ${patience} s`)));
    request.once("error", reject);
  });
}
