import https from "node:https";
import { TLSSocket } from "node:tls";
import { pulumi } from "../../lab/engine";
import { wholeAnswer, type HttpAnswer } from "../../lab/http";
import { eventually } from "./lab";

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

/** Time goes on: in the state, the certificate's last third has begun. */
export async function makeDue(stack: string): Promise<void> {
  const { stdout } = await pulumi(["stack", "export", "--show-secrets"], { stack: stack });
  const past = '"knative-edge/renew-from":"2020-01-01T00:00:00.000Z"';
  const state = JSON.stringify(JSON.parse(stdout)).replaceAll(
    /"knative-edge\/renew-from":"[^"]+"/g,
    past,
  );
  await pulumi(["stack", "import"], { stack: stack, input: state });
}

/**
 * The gateway shows another certificate than before, by one CA.
 * @param ask What a client sees that trusts the CA.
 */
export async function eventuallyAnother(
  ask: () => Promise<HttpsAnswer>,
  before: string,
): Promise<string> {
  let fingerprint = before;
  await eventually("another certificate", 60, async () => {
    ({ fingerprint } = await ask());
    return fingerprint !== before;
  });
  return fingerprint;
}
