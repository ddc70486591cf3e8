import * as http from "node:http";
import * as https from "node:https";
import { rootCertificates } from "node:tls";
import type { Client } from "acme-client";
import { UserError, wordsOf } from "../../lib/userError";
import { DnsRecords } from "./dnsRecords";
import { KeyPair } from "./keyPair";
import { acmeAccountKey } from "./acmeAccount";
import { AcmeAccount } from "./tlsConfig";

/** How long the server may take for its first answer, in milliseconds. */
const patience = 20_000;

/** How often a request is tried again that had no answer, or that the server put off, and after how many seconds. */
const retries = { retryMaxAttempts: 3, retryDefaultDelay: 2 };

/**
 * Orders a certificate by ACME (RFC 8555). With a command for DNS records each name is proven by one (DNS-01), else by the
 * gateway (HTTP-01).
 * @param say Gets what the user's command prints, and what is waited for.
 * @param accountKey Key of the account for which the gateway answers, in PEM. By default each order has an account of its own:
 * that is one secret less to keep, and servers limit certificates by their names.
 * @throws UserError with what the server answered.
 */
export async function orderCertificate(
  { server, email, serverCa, dnsCommand }: AcmeAccount,
  names: string[],
  say: (line: string) => void,
  accountKey: string = acmeAccountKey().key,
): Promise<KeyPair> {
  // Loaded where a certificate is ordered only: it takes a second.
  const acme = await import("acme-client");
  const ca = serverCa === undefined ? undefined : [...rootCertificates, serverCa];
  await reach(server, ca);
  acme.axios.defaults.httpsAgent = new https.Agent({ ca });
  Object.assign(acme.axios.defaults, { acmeSettings: retries });
  const records = dnsCommand === undefined ? undefined : new DnsRecords(dnsCommand, say);
  const [key, csr] = await acme.crypto.createCsr(
    { altNames: names },
    await acme.crypto.createPrivateEcdsaKey("P-256"),
  );
  const client = new acme.Client({ directoryUrl: server, accountKey });
  try {
    await register(client, email);
    const certificate = await client.auto({
      csr,
      challengePriority: [records === undefined ? "http-01" : "dns-01"],
      // The command returns when the record can be seen, the gateway answers already, and the server looks for itself.
      skipChallengeVerification: true,
      challengeCreateFn: async ({ identifier }, _, value) => records?.add(identifier.value, value),
      challengeRemoveFn: async ({ identifier }, _, value) =>
        records?.remove(identifier.value, value),
    });
    return { certificate, key: key.toString() };
  } catch (error) {
    throw error instanceof UserError ? error : refusal(server, names, error);
  }
}

/**
 * Makes the account, or finds the one that is there. Such a one acme-client then updates with nothing, which servers may refuse
 * (createAccount in its client.js); it knows the account's URL by then.
 */
async function register(client: Client, email: string | undefined): Promise<void> {
  const contact = email === undefined ? {} : { contact: [`mailto:${email}`] };
  try {
    await client.createAccount({ termsOfServiceAgreed: true, ...contact });
  } catch (error) {
    try {
      client.getAccountUrl();
    } catch {
      throw error;
    }
  }
}

/**
 * Asks for the server's directory once, because acme-client loses the reason where it gets no answer (its axios.js).
 * @throws UserError where it gets none.
 */
async function reach(server: string, ca: string[] | undefined): Promise<void> {
  const { get } = new URL(server).protocol === "https:" ? https : http;
  const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    get(server, { ca, agent: false, signal: AbortSignal.timeout(patience) }, (response) => {
      response.destroy();
      resolve(undefined);
    }).once("error", resolve);
  });
  if (error === undefined) {
    return;
  }
  const { code = "" } = error;
  const message = wordsOf(error);
  throw new UserError(
    /CERT|SELF_SIGNED|UNABLE_TO/.test(code)
      ? `The ACME server ${server} shows a certificate that this machine does not trust (${message}); put its CA into tls.serverCa.`
      : `The ACME server ${server} cannot be reached (${message || code}); check tls.server, and that this machine reaches it.`,
  );
}

function refusal(server: string, names: string[], error: unknown): UserError {
  const { message } = error as Error;
  const why = error instanceof TypeError ? "it stopped answering." : message.trim();
  return new UserError(
    `The ACME server ${server} issued no certificate for ${names.join(", ")}: ${why}`,
  );
}
