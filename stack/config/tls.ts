import ipaddr from "ipaddr.js";
import { kourierKind } from "../../components/ingress/kourierKind";
import { keyPairProblems } from "../../components/tls/certificate";
import { KeyPair } from "../../components/tls/keyPair";
import { isProvenByHttp } from "../../components/tls/acmeAccount";
import { Issuer, letsEncrypt, TlsConfig, TlsEntry } from "../../components/tls/tlsConfig";
import {
  ConfiguredService,
  isClusterLocal,
} from "../../components/knative/service/configuredService";
import { hasPlainUrls, TrafficTarget } from "../../components/knative/service/serviceSpec";
import { Check } from "../../lib/check";
import { isRecord } from "../../lib/json";
import { suggestion } from "../../lib/nearest";
import { checkHttpUrl, readCertificates } from "./forms";
import { KnativeConfig } from "./knative";
import { Reader } from "./reader";

/** The fields of `tls` by the issuer that they belong to; undefined for all issuers. */
const fields = {
  issuer: undefined,
  redirect: undefined,
  certificates: undefined,
  ca: undefined,
  certificate: ["given"],
  key: ["given"],
  server: ["acme"],
  serverCa: ["acme"],
  email: ["acme"],
  dnsCommand: ["acme"],
} as const satisfies Record<keyof TlsEntry, Issuer["kind"][] | undefined>;

const issuers = ["given", "ca", "acme"] as const satisfies Issuer["kind"][];

/** What decides which names are served. */
interface Served {
  knative: KnativeConfig;
  services: Record<string, ConfiguredService>;
}

/**
 * Reads `tls`. No problem shows a key.
 * @param encrypted Keys that hold a secret in the stack's file; where given, a private key in plain text is a problem.
 * @returns undefined where it is not set, and after a problem.
 */
export function readTls(
  read: Reader,
  { knative, services }: Served,
  encrypted?: ReadonlySet<string>,
): TlsConfig | undefined {
  const given = read.mapping("tls");
  if (Object.keys(given).length === 0) {
    return undefined;
  }
  const before = read.problems.length;
  const check = read.below("tls");
  check.knownFields("", given, Object.keys(fields));
  check.trueOrFalse("redirect", given.redirect);
  checkPlainKeys(check, given, encrypted);
  const domain = knownDomain(check, knative);
  checkOwnSettings(read, knative);
  const ca = readCertificates(check, "ca", given.ca);
  const domains = Object.values(services).flatMap((service) => service.domains ?? []);
  const certificates = readOwnCertificates(check, given.certificates, { domains, ca });
  const others = domains.filter((name) => !(name in certificates));
  const names = [...hostNames(services, domain), ...others];
  const issuer = readIssuer(check, given, { ca, names });
  if (issuer === undefined || read.problems.length > before) {
    return undefined;
  }
  const redirect = given.redirect === true;
  const isByHttp = isProvenByHttp(issuer);
  const unproven = isByHttp ? unprovable(issuer, names) : undefined;
  if (unproven !== undefined) {
    check.add("", unproven);
    return undefined;
  }
  // Wildcards, so that another service needs no other certificate. By HTTP none can be proven (RFC 8555, section 7.1.3).
  const isExact = issuer.kind === "given" || isByHttp;
  const asked = isExact ? names : [...wildcards(services, domain), ...others];
  return { issuer, names: asked, ca, redirect, certificates };
}

/** The domain of the services' URLs; "" after a problem. */
function knownDomain(check: Check, knative: KnativeConfig): string {
  const { domain } = knative;
  if (!hasPlainUrls(knative)) {
    check.add(
      "",
      "needs URLs that are known beforehand, and knativeConfig.config-domain or knativeConfig.config-network can change them; unset these, or tls.",
    );
  } else if (domain === undefined) {
    check.add(
      "",
      "needs a domain that is known beforehand, and MetalLB's address is not; set domain, for instance to <first address of loadBalancerPool>.sslip.io.",
    );
  }
  return domain ?? "";
}

/** That no key of knativeConfig names another certificate. */
function checkOwnSettings(read: Reader, { configMaps }: KnativeConfig): void {
  const given = configMaps[kourierKind.settings] ?? {};
  const own = kourierKind.certificateSettings({ name: "", namespace: "" });
  for (const field of Object.keys(own).filter((name) => name in given)) {
    read.add(
      `knativeConfig.${kourierKind.settings}.${field}`,
      "names a certificate beside that of tls; unset it.",
    );
  }
}

function readIssuer(
  check: Check,
  given: Record<string, unknown>,
  served: { ca?: string; names: string[] },
): Issuer | undefined {
  const { issuer } = given;
  if (!issuers.includes(issuer as Issuer["kind"])) {
    check.add(
      "issuer",
      issuer === undefined
        ? `is not set; set it to one of ${issuers.join(", ")}.`
        : // It is not shown, because it may be a key in the wrong place.
          `there is no such issuer; ${suggestion(String(issuer), [...issuers])}`,
    );
    return undefined;
  }
  const kind = issuer as Issuer["kind"];
  for (const [field, kinds] of Object.entries(fields)) {
    if (given[field] !== undefined && kinds?.some((each) => each === kind) === false) {
      check.add(field, `does nothing with the issuer ${kind}; unset it.`);
    }
  }
  if (kind === "given") {
    const pair = readPair(check, given, served);
    return pair && { kind, pair };
  }
  return kind === "ca" ? { kind } : readAcme(check, given);
}

function readAcme(check: Check, given: Record<string, unknown>): Issuer | undefined {
  const { server = letsEncrypt, email, dnsCommand } = given;
  for (const [field, value] of Object.entries({ server, email, dnsCommand })) {
    check.filledText(field, value);
  }
  if (typeof server === "string") {
    checkHttpUrl(check, "server", server);
  }
  const serverCa = readCertificates(check, "serverCa", given.serverCa);
  return typeof server === "string"
    ? {
        kind: "acme",
        server,
        ...(typeof dnsCommand === "string" && { dnsCommand }),
        ...(typeof email === "string" && { email }),
        ...(serverCa !== undefined && { serverCa }),
      }
    : undefined;
}

/** Why an ACME server cannot prove names by asking the gateway, as far as that is known beforehand. */
function unprovable(issuer: Issuer, names: string[]): string | undefined {
  if (names.length === 0) {
    return "has no name to prove, because no service answers outside; add one, or set tls.dnsCommand, by which a certificate is for a whole namespace.";
  }
  const isPublic =
    issuer.kind === "acme" && /\.letsencrypt\.org$/.test(new URL(issuer.server).host);
  const hidden = names.find(
    (name) => isPublic && isPrivate(/(\d+(\.\d+){3})\.sslip\.io$/.exec(name)?.[1]),
  );
  return hidden === undefined
    ? undefined
    : `asks Let's Encrypt to reach ${hidden}, which leads to a private address; set domain to one of yours, or take the issuer ca.`;
}

function isPrivate(address: string | undefined): boolean {
  return (
    address !== undefined &&
    ipaddr.IPv4.isValidFourPartDecimal(address) &&
    ipaddr.IPv4.parse(address).range() !== "unicast"
  );
}

/** The certificates of services' own domains. */
function readOwnCertificates(
  check: Check,
  value: unknown,
  { domains, ca }: { domains: string[]; ca?: string },
): Record<string, KeyPair> {
  if (value !== undefined && !isRecord(value)) {
    check.add("certificates", "a mapping of domains to {certificate, key} was expected.");
  }
  const pairs = Object.entries(isRecord(value) ? value : {}).flatMap(([domain, pair]) => {
    const own = check.below(`certificates["${domain}"]`);
    if (!domains.includes(domain)) {
      own.add(
        "",
        `is the domain of no service; ${domains.length === 0 ? "list it in domains of one." : suggestion(domain, domains)}`,
      );
    }
    if (!isRecord(pair)) {
      own.add("", "a mapping with certificate and key was expected.");
      return [];
    }
    own.knownFields("", pair, ["certificate", "key"]);
    const found = readPair(own, pair, { ca, names: [domain] });
    return found === undefined ? [] : [[domain, found] as const];
  });
  return Object.fromEntries(pairs);
}

/** A certificate with its key, which can serve the names. */
function readPair(
  check: Check,
  given: Record<string, unknown>,
  { ca, names }: { ca?: string; names: string[] },
): KeyPair | undefined {
  for (const field of ["certificate", "key"].filter((name) => given[name] === undefined)) {
    check.add(field, "is not set; a certificate needs certificate and key.");
  }
  const certificate = readCertificates(check, "certificate", given.certificate);
  const { key } = given;
  if (key !== undefined && typeof key !== "string") {
    check.add("key", "a text was expected.");
  }
  if (certificate === undefined || typeof key !== "string") {
    return undefined;
  }
  const pair = { certificate, key: `${key.trim()}\n` };
  for (const { field, message } of keyPairProblems(pair, names, ca)) {
    check.add(field, message);
  }
  return pair;
}

function checkPlainKeys(
  check: Check,
  given: Record<string, unknown>,
  encrypted?: ReadonlySet<string>,
): void {
  if (encrypted?.has("tls") !== false) {
    return;
  }
  const owners = { "": given, ...(isRecord(given.certificates) ? given.certificates : {}) };
  for (const [domain, owner] of Object.entries(owners)) {
    if (isRecord(owner) && owner.key !== undefined) {
      const path = domain === "" ? "key" : `certificates["${domain}"].key`;
      check.add(
        path,
        `stands in plain text in the stack's file; set it with \`pulumi config set --secret --path 'tls.${path}'\`.`,
      );
    }
  }
}

/** The names in the URLs of services that answer outside, those of tags among them. */
function hostNames(services: Record<string, ConfiguredService>, domain: string): string[] {
  return Object.entries(services).flatMap(([name, { object }]) => {
    const { traffic = [] } = (object.spec ?? {}) as { traffic?: TrafficTarget[] };
    const tagged = traffic.flatMap(({ tag }) => (tag === undefined ? [] : [`${tag}-${name}`]));
    return isPublic(object)
      ? [name, ...tagged].map((label) => `${label}.${object.metadata.namespace}.${domain}`)
      : [];
  });
}

/** One name for all services of a namespace, by namespace; that of `default` where there are none. */
function wildcards(services: Record<string, ConfiguredService>, domain: string): string[] {
  const namespaces = Object.values(services)
    .filter(({ object }) => isPublic(object))
    .map(({ object }) => object.metadata.namespace);
  const named = namespaces.length === 0 ? ["default"] : [...new Set(namespaces)].sort();
  return named.map((namespace) => `*.${namespace}.${domain}`);
}

function isPublic({ metadata }: ConfiguredService["object"]): boolean {
  return !isClusterLocal(metadata.labels);
}
