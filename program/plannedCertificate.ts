import { createHash } from "node:crypto";
import { warnOfStack } from "../components/cluster/warning";
import { dayOf, endOf, isPair } from "../components/tls/certificate";
import { KeyPair, keyPairOf } from "../components/tls/keyPair";
import {
  CertificateFacts,
  factsOf,
  isAskedFor,
  issuerText,
} from "../components/tls/certificateFacts";
import {
  accountKeyOf,
  AcmeAccountKey,
  acmeAccountKey,
  isProvenByHttp,
} from "../components/tls/acmeAccount";
import { accountName, caName, certificatePrefix } from "../components/tls/certificateSecret";
import { certificateDays } from "../components/tls/ownCa";
import { TlsConfig } from "../components/tls/tlsConfig";
import { isRecord } from "../lib/json";
import { LastState, metadataOf } from "./lastState";

/** What is known of the gateway's certificate before the engine begins. */
export interface PlannedCertificate {
  /** Name of its Secret: another one for another certificate. */
  secretName: string;
  /** The one in the state, if that stays. */
  kept?: { pair: KeyPair; facts: CertificateFacts };
  /** The program's own CA in the state, if there is one. */
  keptCa?: KeyPair;
  /** The account for whose challenges the gateway answers: the one in the state, or else a new one; absent where it answers none. */
  account?: AcmeAccountKey;
}

/** How long before its end a certificate that the user renews is warned of, in days. */
const warningDays = 30;

/** Decides whether the certificate in the state stays, and warns of those that end soon. */
export async function plannedCertificate(
  tls: TlsConfig,
  state: LastState,
): Promise<PlannedCertificate> {
  const { issuer, names, certificates } = tls;
  const given = Object.entries(certificates).map(
    ([domain, { certificate }]) => [`tls.certificates["${domain}"]`, certificate] as const,
  );
  if (issuer.kind === "given") {
    const { certificate } = issuer.pair;
    await warnOfEnds([["tls.certificate", certificate], ...given]);
    return { secretName: secretName(certificate) };
  }
  await warnOfEnds(given);
  const { last, keptCa: lastCa, accountKey } = await lastCertificate(state);
  const account = isProvenByHttp(issuer) ? acmeAccountKey(accountKey) : undefined;
  const keptCa = issuer.kind === "ca" ? await stillGood(lastCa) : undefined;
  const isStill = last !== undefined && isAskedFor(last.facts, issuer, names);
  const isDue = last !== undefined && new Date(last.facts.renewFrom).getTime() <= Date.now();
  if (isStill && !isDue && (issuer.kind !== "ca" || keptCa !== undefined)) {
    return { secretName: last.name, kept: last, keptCa, account };
  }
  if (isStill && isDue) {
    const end = dayOf(new Date(last.facts.ends));
    await warnOfStack(`The gateway's certificate ends on ${end}; \`pulumi up\` renews it.`);
  }
  // The day, so that a preview and the `up` after it have the same name.
  const made = [issuerText(issuer), ...names, dayOf(new Date()), last?.name ?? ""];
  return { secretName: secretName(made.join("\n")), keptCa, account };
}

/** The program's own CA, unless it ends before a certificate that it issues now. */
async function stillGood(ca: KeyPair | undefined): Promise<KeyPair | undefined> {
  const end = ca && endOf(ca.certificate);
  if (end === undefined || end.getTime() > Date.now() + certificateDays * 86_400_000) {
    return ca;
  }
  await warnOfStack(
    `The stack's own CA ends on ${dayOf(end)}; \`pulumi up\` makes another one, which clients must be told to trust (output ca).`,
  );
  return undefined;
}

function secretName(of: string): string {
  return `${certificatePrefix}${createHash("sha256").update(of).digest("hex").slice(0, 10)}`;
}

/**
 * The gateway's certificate, the program's own CA and the key of the account at an ACME server as the state has them. The keys
 * are secret there, and the engine hands them out to the program alone.
 */
async function lastCertificate(state: LastState): Promise<{
  last?: { name: string; pair: KeyPair; facts: CertificateFacts };
  keptCa?: KeyPair;
  accountKey?: string;
}> {
  const all = await state.outputs("kubernetes:core/v1:Secret");
  const secrets = all.flatMap((outputs) => {
    const { name, annotations } = metadataOf(outputs);
    const pair = isRecord(outputs.data) ? keyPairOf(outputs.data) : undefined;
    return pair !== undefined && isPair(pair) ? [{ name: String(name), annotations, pair }] : [];
  });
  const found = secrets.flatMap(({ name, annotations, pair }) => {
    const facts = factsOf(isRecord(annotations) ? annotations : undefined);
    return name.startsWith(certificatePrefix) && facts !== undefined ? [{ name, pair, facts }] : [];
  });
  const account = all.find((outputs) => metadataOf(outputs).name === accountName);
  return {
    last: found[0],
    keptCa: secrets.find(({ name }) => name === caName)?.pair,
    accountKey: isRecord(account?.data) ? accountKeyOf(account.data) : undefined,
  };
}

async function warnOfEnds(given: (readonly [key: string, certificate: string])[]): Promise<void> {
  for (const [key, certificate] of given) {
    const end = endOf(certificate);
    if (end.getTime() < Date.now() + warningDays * 86_400_000) {
      await warnOfStack(`The certificate in ${key} ends on ${dayOf(end)}; renew it before.`);
    }
  }
}
