import { createPrivateKey, KeyObject, X509Certificate } from "node:crypto";
import { rootCertificates } from "node:tls";
import { KeyPair, unreadKey } from "./keyPair";

/** A certificate and its issuers, as far as they are there. */
export function chainOf(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

/** The end of the first certificate's time. */
export function endOf(pem: string): Date {
  return new Date(chainOf(pem)[0]?.validTo ?? 0);
}

/** The day of a date, as `2027-02-28`. */
export function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}

/**
 * What keeps a certificate from serving names: its time, its names, a key that is another's, and an issuer that no client
 * trusts. By the field to be mended; no sentence shows the key.
 * @param ca Further CAs that clients trust, in PEM.
 */
export function keyPairProblems(
  { certificate, key }: KeyPair,
  names: string[],
  ca = "",
): { field: "certificate" | "key"; message: string }[] {
  const [own, ...issuers] = chainOf(certificate);
  if (own === undefined) {
    return [];
  }
  const missing = names.filter((name) => !covers(own, name));
  const messages = [
    timeProblem(own),
    missing.length > 0 &&
      `is not for ${missing.join(", ")}, but for ${namesOf(own).join(", ") || "no name"}; take one with these names.`,
    trustProblem(own, issuers, chainOf(ca)),
  ];
  const keyMessage = keyProblem(own, key);
  return [
    ...messages
      .filter((message) => message !== false && message !== undefined)
      .map((message) => ({ field: "certificate" as const, message })),
    ...(keyMessage === undefined ? [] : [{ field: "key" as const, message: keyMessage }]),
  ];
}

/** Whether it is a certificate with its key at all. */
export function isPair({ certificate, key }: KeyPair): boolean {
  try {
    return chainOf(certificate)[0]?.checkPrivateKey(createPrivateKey(key)) ?? false;
  } catch {
    return false;
  }
}

/** Whether a client that asks for a name, or for all below `*.`, takes the certificate. */
function covers(certificate: X509Certificate, name: string): boolean {
  const own = namesOf(certificate);
  const above = name.slice(name.indexOf("."));
  return own.includes(name) || (!name.startsWith("*") && own.includes(`*${above}`));
}

/** The DNS names in the certificate's extension. Clients no longer look at its common name (RFC 9525). */
function namesOf({ subjectAltName = "" }: X509Certificate): string[] {
  return [...subjectAltName.matchAll(/DNS:([^,\s"]+)/g)].map(([, name = ""]) => name.toLowerCase());
}

function timeProblem({ validFrom, validTo }: X509Certificate): string | undefined {
  const now = Date.now();
  if (new Date(validTo).getTime() <= now) {
    return `ended on ${dayOf(new Date(validTo))}; renew it.`;
  }
  return new Date(validFrom).getTime() > now
    ? `begins on ${dayOf(new Date(validFrom))} only; check this machine's clock, or take another.`
    : undefined;
}

/** The chain from a certificate to a CA that is trusted, or what is missing in it. */
function trustProblem(
  own: X509Certificate,
  issuers: X509Certificate[],
  cas: X509Certificate[],
): string | undefined {
  const last = topOf(own, issuers);
  const leadsTo = (root: X509Certificate): boolean =>
    root.fingerprint256 === last.fingerprint256 || isIssuedBy(last, root);
  // A system has more than a hundred: they are parsed only where none of the given ones is it.
  return cas.some(leadsTo) || rootCertificates.some((pem) => leadsTo(new X509Certificate(pem)))
    ? undefined
    : `comes from "${oneLine(last.issuer)}", which this machine does not trust; add the certificates of its issuers behind it, or set tls.ca to that CA's certificate.`;
}

/** The last certificate of the chain that begins with one, as far as its issuers are there. */
function topOf(certificate: X509Certificate, issuers: X509Certificate[]): X509Certificate {
  const next = issuers.find((issuer) => isIssuedBy(certificate, issuer));
  return next === undefined
    ? certificate
    : topOf(
        next,
        issuers.filter((other) => other !== next),
      );
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

/** A name as its attributes behind one another. */
function oneLine(name: string): string {
  return name.split("\n").reverse().join(", ");
}

/** Envoy takes RSA from 2048 bits on, and ECDSA with the curves below (docs of Envoy, arch_overview/security/ssl). */
function keyProblem(certificate: X509Certificate, text: string): string | undefined {
  if (text === unreadKey) {
    return undefined;
  }
  if (/-----BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED/.test(text)) {
    return "has a passphrase, which Envoy has nobody to ask for; take it off with `openssl pkey`.";
  }
  const key = privateKey(text);
  if (key === undefined) {
    return "is no private key in PEM; set it with `pulumi config set --secret --path tls.key < key.pem`.";
  }
  if (!certificate.checkPrivateKey(key)) {
    return "is not the certificate's; take the one with which the certificate was asked for.";
  }
  const { modulusLength = 0, namedCurve = "" } = key.asymmetricKeyDetails ?? {};
  const isTaken =
    (key.asymmetricKeyType === "rsa" && modulusLength >= 2048) ||
    (key.asymmetricKeyType === "ec" &&
      ["prime256v1", "secp384r1", "secp521r1"].includes(namedCurve));
  return isTaken
    ? undefined
    : "is of a kind that Envoy does not serve; take ECDSA with P-256, P-384 or P-521, or RSA with 2048 bits or more.";
}

function privateKey(text: string): KeyObject | undefined {
  try {
    return createPrivateKey(text);
  } catch {
    return undefined;
  }
}
