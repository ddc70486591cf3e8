import https from "node:https";
import { TLSSocket } from "node:tls";
import { wholeAnswer, type HttpAnswer } from "../../lab/http";

/** An answer over HTTPS, and who gave it. */
export interface HttpsAnswer extends HttpAnswer {
  /** SHA-256 of the certificate that was shown. */
  fingerprint: string;
}

/**
 * Sends one request over HTTPS, at an address and by a name, which the certificate must prove to a client that trusts one CA
 * only. Throws where it does not.
 */
export async function getHttps(address: string, name: string, ca: string): Promise<HttpsAnswer> {
  const options = { host: address, servername: name, headers: { host: name }, ca };
  let fingerprint = "";
  const answer = await wholeAnswer(
    (limits, take) =>
      https.get({ ...options, ...limits }, (response) => {
        const shown = (response.socket as TLSSocket).getPeerX509Certificate();
        fingerprint = shown?.fingerprint256 ?? "";
        take(response);
      }),
    60,
  );
  return { ...answer, fingerprint };
}
