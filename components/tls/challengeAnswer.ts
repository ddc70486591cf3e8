import * as http from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { AcmeAccountKey } from "./acmeAccount";

/** A token that no server has asked for: the gateway answers any. */
const token = "knative-edge";

/**
 * Waits until a gateway answers challenges for an account: pods that changed, and the node's rules that lead to them, take
 * moments longer than their objects say.
 * @param address Host and port of the gateway, or its host alone.
 * @param seconds How long it may take. Defaults to 60.
 * @returns whether it does; false also where this machine does not reach it.
 */
export async function answersChallenges(
  address: string,
  { thumbprint }: Pick<AcmeAccountKey, "thumbprint">,
  seconds = 60,
): Promise<boolean> {
  const deadline = Date.now() + seconds * 1000;
  const url = `http://${address}/.well-known/acme-challenge/${token}`;
  for (;;) {
    if ((await bodyOf(url)) === `${token}.${thumbprint}`) {
      return true;
    }
    if (Date.now() >= deadline) {
      return false;
    }
    await sleep(500);
  }
}

/** The body of an answer; undefined without one. */
function bodyOf(url: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const failed = (): void => resolve(undefined);
    http
      .get(url, { agent: false, signal: AbortSignal.timeout(5000) }, (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (text: string) => (body += text));
        response.once("end", () => resolve(body)).once("error", failed);
      })
      .once("error", failed);
  });
}
