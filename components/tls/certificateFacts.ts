import { KeyPair } from "./keyPair";
import { chainOf } from "./certificate";
import { Issuer } from "./tlsConfig";

/** What is known of a certificate without its key: its Secret shows it in annotations. */
export interface CertificateFacts {
  /** Who issued it: see {@link issuerText}. */
  issuer: string;
  /** The names that it was issued for, with commas between them. */
  names: string;
  /** Until when it is valid, in ISO 8601. */
  ends: string;
  /** From when on another one is issued in its place, in ISO 8601: when a third of its time is left, as ACME clients do. */
  renewFrom: string;
}

const annotations: Record<keyof CertificateFacts, string> = {
  issuer: "knative-edge/issuer",
  names: "knative-edge/names",
  ends: "knative-edge/ends",
  renewFrom: "knative-edge/renew-from",
};

/** The facts of a new certificate. */
export function certificateFacts(
  { certificate }: Pick<KeyPair, "certificate">,
  issuer: Issuer,
  names: string[],
): CertificateFacts {
  const [own] = chainOf(certificate);
  const [from = 0, to = 0] = [own?.validFrom, own?.validTo].map((text) =>
    new Date(text ?? 0).getTime(),
  );
  return {
    issuer: issuerText(issuer),
    names: namesText(names),
    ends: new Date(to).toISOString(),
    renewFrom: new Date(to - (to - from) / 3).toISOString(),
  };
}

/** The annotations that show the facts. */
export function factAnnotations(facts: CertificateFacts): Record<string, string> {
  const names = Object.keys(annotations) as (keyof CertificateFacts)[];
  return Object.fromEntries(names.map((name) => [annotations[name], facts[name]]));
}

/** The facts that annotations show; undefined where one is missing. */
export function factsOf(shown: Record<string, unknown> = {}): CertificateFacts | undefined {
  const [issuer, names, ends, renewFrom] = Object.values(annotations).map((name) => shown[name]);
  return typeof issuer === "string" &&
    typeof names === "string" &&
    typeof ends === "string" &&
    typeof renewFrom === "string"
    ? { issuer, names, ends, renewFrom }
    : undefined;
}

/** Whether a certificate is what is asked for, whatever its time. */
export function isAskedFor(facts: CertificateFacts, issuer: Issuer, names: string[]): boolean {
  return facts.issuer === issuerText(issuer) && facts.names === namesText(names);
}

/** Who issues certificates, in a few words. */
export function issuerText(issuer: Issuer): string {
  return issuer.kind === "acme" ? issuer.server : issuer.kind;
}

function namesText(names: string[]): string {
  return [...names].sort().join(",");
}
