import { createHash } from "node:crypto";
import { warnOfStack } from "../components/cluster/warning";
import { dayOf, endOf } from "../components/tls/certificate";
import {
  CertificateFacts,
  factsOf,
  isAskedFor,
  issuerText,
} from "../components/tls/certificateFacts";
import { caName, certificatePrefix } from "../components/tls/certificateSecret";
import { TlsConfig } from "../components/tls/tlsConfig";
import { isRecord } from "../lib/json";
import { lastOutputs, metadataOf } from "./lastState";

/** What is known of the gateway's certificate before the engine begins. */
export interface PlannedCertificate {
  /** Name of its Secret: another one for another certificate. */
  secretName: string;
  /** The facts of the one in the state, if that stays. */
  kept?: CertificateFacts;
  /** Whether the program's own CA in the state stays. */
  keepsCa: boolean;
}

/** How long before its end a certificate that the user renews is warned of, in days. */
const warningDays = 30;

/** Decides whether the certificate in the state stays, and warns of those that end soon. */
export async function plannedCertificate(tls: TlsConfig): Promise<PlannedCertificate> {
  const { issuer, names, certificates } = tls;
  const given = Object.entries(certificates).map(
    ([domain, { certificate }]) => [`tls.certificates["${domain}"]`, certificate] as const,
  );
  if (issuer.kind === "given") {
    const { certificate } = issuer.pair;
    await warnOfEnds([["tls.certificate", certificate], ...given]);
    return { secretName: secretName(certificate), keepsCa: false };
  }
  await warnOfEnds(given);
  const { last, hasCa } = await lastCertificate();
  const isStill = last !== undefined && isAskedFor(last.facts, issuer, names);
  const isDue = last !== undefined && new Date(last.facts.renewFrom).getTime() <= Date.now();
  if (isStill && !isDue && (issuer.kind !== "ca" || hasCa)) {
    return { secretName: last.name, kept: last.facts, keepsCa: hasCa };
  }
  if (isStill && isDue) {
    const end = dayOf(new Date(last.facts.ends));
    await warnOfStack(`The gateway's certificate ends on ${end}; \`pulumi up\` renews it.`);
  }
  // The day, so that a preview and the `up` after it have the same name.
  const made = [issuerText(issuer), ...names, dayOf(new Date()), last?.name ?? ""];
  return { secretName: secretName(made.join("\n")), keepsCa: hasCa };
}

function secretName(of: string): string {
  return `${certificatePrefix}${createHash("sha256").update(of).digest("hex").slice(0, 10)}`;
}

/** The gateway's certificate as the state has it, and whether there is a CA. */
async function lastCertificate(): Promise<{
  last?: { name: string; facts: CertificateFacts };
  hasCa: boolean;
}> {
  const secrets = (await lastOutputs("kubernetes:core/v1:Secret")).map(metadataOf);
  const found = secrets.flatMap(({ name, annotations }) => {
    const facts = factsOf(isRecord(annotations) ? annotations : undefined);
    return String(name).startsWith(certificatePrefix) && facts !== undefined
      ? [{ name: String(name), facts }]
      : [];
  });
  return { last: found[0], hasCa: secrets.some(({ name }) => name === caName) };
}

async function warnOfEnds(given: (readonly [key: string, certificate: string])[]): Promise<void> {
  for (const [key, certificate] of given) {
    const end = endOf(certificate);
    if (end.getTime() < Date.now() + warningDays * 86_400_000) {
      await warnOfStack(`The certificate in ${key} ends on ${dayOf(end)}; renew it before.`);
    }
  }
}
