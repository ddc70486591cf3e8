import https from "node:https";
import { TLSSocket } from "node:tls";
import { HttpAnswer } from "../../lab/http";

/** An answer over HTTPS, and who gave it. */
export interface HttpsAnswer extends HttpAnswer {
  /** SHA-256 of the certificate that was shown. */
  fingerprint: string;
}

/**
 * Sends one request over HTTPS, at an address and by a name, which the certificate must prove to a client that trusts one CA
 * only. Throws where it does not.
 */
export function getHttps(address: string, name: string, ca: string): Promise<HttpsAnswer> {
  return new Promise((resolve, reject) => {
    const options = { host: address, servername: name, headers: { host: name }, ca, agent: false };
    const request = https
      .get({ ...options, timeout: 60_000 }, (response) => {
        const fingerprint = (response.socket as TLSSocket).getPeerX509Certificate()?.fingerprint256;
        let body = "";
        response.setEncoding("utf8").on("data", (text: string) => (body += text));
        response.once("error", reject);
        response.once("end", () =>
          resolve({ status: response.statusCode ?? 0, body, fingerprint: fingerprint ?? "" }),
        );
      })
      .once("timeout", () => request.destroy(new Error("no answer after 60 s")))
      .once("error", reject);
  });
}
