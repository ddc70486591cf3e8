import { statSync } from "node:fs";
import * as path from "node:path";
import { isIP } from "node:net";
import { Reader } from "./configReader";
import { Consent, consents } from "./changes";
import { HostSize } from "./hostSize";
import { isImageName } from "./images";
import { isRecord } from "./json";
import { k0sComponents, neededComponents } from "./k0sConfig";
import { ServiceSpec, serviceProblems } from "./knativeService";
import { suggestion } from "./nearest";
import {
  cidrError,
  cidrsOverlap,
  isAddress,
  parsePool,
  poolErrors,
  poolFormError,
  subnetAround,
} from "./pool";
import { policies, PolicyName } from "./policies";
import { Problem } from "./problem";
import { parseQuantity } from "./quantity";
import { k0sDownload, KubernetesRange, releasedComponents, ReleasedComponent } from "./releases";
import { factorError, resourceErrors, Resources } from "./resources";
import { allMeasures, MeasureName, OneNodeSafety } from "./safety";
import { readSchema } from "./schema";
import { parseHostKey, privateKeyProblem } from "./sshKey";

/** A machine reached by SSH. */
export interface SshTarget {
  /** IP address or DNS name that the machine running Pulumi dials. */
  address: string;
  port: number;
  user: string;
  /** OpenSSH or PEM text. Secret. */
  privateKey: string;
  /** Secret. */
  privateKeyPassphrase?: string;
  /** `<type> <base64>`; absent only with `acceptUnknownHostKey`. */
  hostKey?: string;
}

/** The host, and how it is reached. */
export interface HostConfig extends SshTarget {
  /** IPv4 address of the host's own network interface. */
  nodeAddress: string;
  /** The SSH server on the way, if there is one. */
  jump?: SshTarget;
}

/** An OCI archive that the host imports into containerd. */
export interface ImageBundle {
  url: string;
  /** 64 hexadecimal digits. */
  sha256: string;
}

/** k0s on the host. */
export interface K0sConfig {
  /** Release tag, for instance `v1.35.7+k0s.0`. */
  version: string;
  /** Where the host downloads the binary; `%arch%` stands for amd64 or arm64. */
  url: string;
  /** Digest of the binary; absent: the one in `sumsUrl`. */
  sha256?: string;
  /** The release's sha256sums.txt, beside the binary. */
  sumsUrl: string;
  /** Names for `k0s controller --disable-components`. */
  disabledComponents: string[];
  podCidr: string;
  serviceCidr: string;
  imageBundles: ImageBundle[];
  /** How long the node may take to be ready, in seconds. */
  readyTimeoutSeconds: number;
}

/** The whole configuration of a stack, checked, with every default filled in. */
export interface EdgeConfig {
  host: HostConfig;
  /** URL at which the machine running Pulumi reaches the Kubernetes API. */
  apiEndpoint: string;
  /** What the budget is made for. */
  hostSize: HostSize;
  /** Consents to changes that lose data or may not work, see edge/changes.ts. */
  allow: Consent[];
  /** Raised for each rebuild of the host. */
  hostGeneration: number;
  /** The host is gone: nothing is asked of it any more. */
  abandonHost: boolean;
  /** Go on where the budget says that the host has no room. */
  allowOvercommit: boolean;
  k0s: K0sConfig;
  loadBalancer: {
    /** MetalLB release, for instance `v0.16.1`. */
    version: string;
    /** Ranges (`a-b`) for MetalLB's IPAddressPool. */
    addresses: string[];
  };
  knative: {
    /** Knative Serving release, for instance `1.23.0`. */
    version: string;
    /** net-kourier release. */
    kourierVersion: string;
    resources: {
      policy: PolicyName;
      /** Decimal factor of the policies `scale` and `guaranteed`, as text: `0.5`. */
      factor: string;
      /** By `deployment/container`. */
      overrides: Record<string, Resources>;
    };
    /** Keys set in Knative's own ConfigMaps, by ConfigMap. */
    configMaps: Record<string, Record<string, string>>;
    /** Fixed domain; absent: `<address>.sslip.io` by the default-domain Job. */
    domain?: string;
  };
  /** Which measures for a single node are on. */
  oneNode: OneNodeSafety;
  /** Image name prefix to replacement. */
  imageMirrors: Record<string, string>;
  /** Directory with release folders; absent: releases are downloaded. */
  manifestsDir?: string;
  /** Knative Services by name, the sample `hello` among them unless switched off. */
  services: Record<string, ServiceSpec>;
}

/** A configuration that cannot be used. Its message lists every problem with its key; none holds a secret's value. */
export class ConfigError extends Error {
  /** One sentence each: `knative-edge:<key>: what is wrong; what to do.` */
  public readonly problems: string[];

  constructor(problems: Problem[]) {
    const { project } = readSchema();
    const lines = problems.map(({ key, message }) => `${project}:${key}: ${message}`);
    super(
      `The configuration has ${lines.length === 1 ? "a problem" : `${lines.length} problems`}:\n${lines.join("\n")}`,
    );
    this.problems = lines;
  }
}

/**
 * Reads and checks a stack's configuration as a whole.
 * @param raw Values as the engine hands them out: texts, and JSON for arrays and objects; by key without the project's
 * name. An absent key or "" stands for the default in Pulumi.yaml.
 * @param encrypted Keys that are secrets in the stack's file; where given, a secret in plain text is a problem.
 * @throws ConfigError with all problems.
 */
export function readConfig(
  raw: Record<string, string>,
  encrypted?: ReadonlySet<string>,
): EdgeConfig {
  const read = new Reader(raw);
  read.unknownKeys();
  if (encrypted !== undefined) {
    read.plainSecrets(encrypted);
  }
  const host = readHost(read);
  const knative = readKnative(read);
  const config: EdgeConfig = {
    host,
    apiEndpoint: readApiEndpoint(read, host.address),
    hostSize: readHostSize(read),
    allow: readAllow(read),
    hostGeneration: read.integer("hostGeneration", 1, 1_000_000),
    abandonHost: read.boolean("abandonHost"),
    allowOvercommit: read.boolean("allowOvercommit"),
    k0s: readK0s(read),
    loadBalancer: readLoadBalancer(read, host.nodeAddress),
    knative,
    oneNode: readOneNode(read, knative.resources.policy),
    imageMirrors: readImageMirrors(read),
    manifestsDir: readManifestsDir(read),
    services: readServices(read),
  };
  checkReleases(read, config);
  if (read.problems.length > 0) {
    throw new ConfigError(read.problems);
  }
  return config;
}

function readHost(read: Reader): HostConfig {
  const address = readHostName(read, "host", "give the address at which SSH reaches the host.");
  const given = read.text("nodeAddress");
  if (given === undefined && address !== "" && !isAddress(address)) {
    read.add(
      "nodeAddress",
      "is needed, since host is no IPv4 address; give the one of the host's network interface.",
    );
  }
  const nodeAddress = given ?? address;
  if (given !== undefined && !isAddress(given)) {
    read.add("nodeAddress", `"${given}" is not an IPv4 address.`);
  } else if (nodeAddress.startsWith("127.")) {
    read.add(
      "nodeAddress",
      `${nodeAddress} is a loopback address; give the one of the host's network interface.`,
    );
  }
  const mayBeUnknown = read.boolean("acceptUnknownHostKey");
  const target = {
    address,
    port: read.integer("sshPort", 1, 65535),
    user: readUser(read, "sshUser"),
    ...readPrivateKey(read, "sshPrivateKey", "give the private key to log in with."),
    hostKey: readHostKey(read, "sshHostKey", address, mayBeUnknown),
  };
  return { ...target, nodeAddress, jump: readJump(read, target, mayBeUnknown) };
}

function readJump(read: Reader, host: SshTarget, mayBeUnknown: boolean): SshTarget | undefined {
  const { keys } = readSchema();
  if (read.text("jumpHost") === undefined) {
    for (const key of Object.keys(keys).filter(
      (name) => name.startsWith("jump") && name !== "jumpHost",
    )) {
      if (read.text(key) !== (String(keys[key]?.default) || undefined)) {
        read.add(key, "does nothing without jumpHost; set that, or unset this.");
      }
    }
    return undefined;
  }
  const address = readHostName(read, "jumpHost", "give its address.");
  const own = read.text("jumpPrivateKey") !== undefined;
  if (!own && read.text("jumpPrivateKeyPassphrase") !== undefined) {
    read.add(
      "jumpPrivateKeyPassphrase",
      "does nothing without jumpPrivateKey; set that, or unset this.",
    );
  }
  const { privateKey, privateKeyPassphrase } = own
    ? readPrivateKey(read, "jumpPrivateKey", "")
    : host;
  return {
    address,
    port: read.integer("jumpPort", 1, 65535),
    user: readUser(read, "jumpUser"),
    privateKey,
    privateKeyPassphrase,
    hostKey: readHostKey(read, "jumpHostKey", address, mayBeUnknown),
  };
}

function readHostName(read: Reader, key: string, what: string): string {
  const address = read.requiredText(key, what).trim();
  // Four numbers that are no IPv4 address would pass as a name and fail much later.
  const isName = isDnsName(address) && !/^[\d.]+$/.test(address);
  if (address !== "" && isIP(address) === 0 && !isName) {
    read.add(
      key,
      `"${address}" is not an IP address or DNS name; write only that, without user, port or path.`,
    );
  }
  return address;
}

function readUser(read: Reader, key: string): string {
  const user = read.text(key) ?? "";
  if (!/^[A-Za-z_][\w.-]*$/.test(user)) {
    read.add(key, `"${user}" is not a user name.`);
  }
  return user;
}

function readPrivateKey(
  read: Reader,
  key: string,
  what: string,
): Pick<SshTarget, "privateKey" | "privateKeyPassphrase"> {
  const passphraseKey = `${key}Passphrase`;
  const privateKey = read.requiredText(key, what);
  const privateKeyPassphrase = read.text(passphraseKey);
  const problem =
    privateKey === ""
      ? undefined
      : privateKeyProblem(privateKey, privateKeyPassphrase, passphraseKey);
  if (problem !== undefined) {
    read.add(key, problem);
  }
  return { privateKey, privateKeyPassphrase };
}

function readHostKey(
  read: Reader,
  key: string,
  address: string,
  mayBeUnknown: boolean,
): string | undefined {
  const text = read.text(key);
  const remedy = `run \`ssh-keyscan -t ed25519 ${address || "<host>"}\` over a network you trust and give its line`;
  if (text === undefined) {
    if (!mayBeUnknown) {
      read.add(key, `is not set; ${remedy}, or set acceptUnknownHostKey to true.`);
    }
    return undefined;
  }
  const hostKey = parseHostKey(text);
  if (hostKey === undefined) {
    read.add(key, `is not an SSH host key; ${remedy}.`);
  }
  return hostKey;
}

function readApiEndpoint(read: Reader, host: string): string {
  const given = read.text("apiEndpoint");
  if (given === undefined) {
    return `https://${isIP(host) === 6 ? `[${host}]` : host}:6443`;
  }
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url?.protocol !== "https:" || url.username !== "" || url.search !== "" || url.hash !== "") {
    read.add(
      "apiEndpoint",
      `"${given}" is not an https URL; write it like https://edge.example.com:6443.`,
    );
  }
  return given;
}

function readK0s(read: Reader): K0sConfig {
  const version = read.text("k0sVersion") ?? "";
  const { url: defaultUrl, sumsUrl: defaultSumsUrl } = k0sDownload(version);
  const given = read.text("k0sUrl");
  if (given !== undefined) {
    checkHttpUrl(read, "k0sUrl", given);
  }
  const sha256 = read.text("k0sSha256");
  if (sha256 !== undefined && !isSha256(sha256)) {
    read.add("k0sSha256", `"${sha256}" is not a SHA-256; give its 64 hexadecimal digits.`);
  }
  const url = given ?? defaultUrl;
  return {
    version,
    url,
    sha256: sha256?.toLowerCase(),
    sumsUrl: given === undefined ? defaultSumsUrl : given.replace(/[^/]*$/, "sha256sums.txt"),
    disabledComponents: readDisabledComponents(read),
    ...readNetworks(read),
    imageBundles: readImageBundles(read),
    readyTimeoutSeconds: read.integer("readyTimeoutSeconds", 30, 7200),
  };
}

function readDisabledComponents(read: Reader): string[] {
  const key = "k0sDisabledComponents";
  return read.list(key).map((name) => {
    if (typeof name !== "string" || !k0sComponents.includes(name)) {
      read.add(
        key,
        `k0s has no component ${JSON.stringify(name)}; ${suggestion(String(name), k0sComponents)}`,
      );
    } else if (neededComponents.includes(name)) {
      read.add(
        key,
        `${name} cannot be switched off, since this stack does not run without it; leave it out.`,
      );
    }
    return String(name);
  });
}

function readNetworks(read: Reader): { podCidr: string; serviceCidr: string } {
  const [podCidr, serviceCidr] = [readCidr(read, "podCidr"), readCidr(read, "serviceCidr")];
  if (cidrsOverlap(podCidr, serviceCidr)) {
    read.add(
      "podCidr",
      `${podCidr} overlaps serviceCidr ${serviceCidr}; take networks that have nothing in common.`,
    );
  }
  return { podCidr, serviceCidr };
}

/** A network; the schema's default after a problem. */
function readCidr(read: Reader, key: string): string {
  const text = read.text(key) ?? "";
  const error = cidrError(text);
  if (error === undefined) {
    return text;
  }
  read.add(key, error);
  return String(readSchema().keys[key]?.default);
}

function readImageBundles(read: Reader): ImageBundle[] {
  return read.list("imageBundles").map((bundle, index) => {
    const key = `imageBundles[${index}]`;
    const { url, sha256, ...others } = isRecord(bundle) ? bundle : {};
    if (typeof url !== "string" || typeof sha256 !== "string" || Object.keys(others).length > 0) {
      read.add(key, "a mapping of url and sha256, and nothing else, was expected.");
      return { url: "", sha256: "" };
    }
    checkHttpUrl(read, `${key}.url`, url);
    if (!isSha256(sha256)) {
      read.add(`${key}.sha256`, `"${sha256}" is not a SHA-256; give its 64 hexadecimal digits.`);
    }
    return { url, sha256: sha256.toLowerCase() };
  });
}

function readLoadBalancer(read: Reader, nodeAddress: string): EdgeConfig["loadBalancer"] {
  const version = readRelease(read, "metallbVersion");
  const pool = read.requiredText(
    "loadBalancerPool",
    "give free addresses of the host's subnet, such as a-b.",
  );
  const given = read.text("hostSubnet");
  const subnetError = given === undefined ? undefined : cidrError(given);
  if (subnetError !== undefined) {
    read.add("hostSubnet", subnetError);
  }
  const routed = read.boolean("poolRouted");
  const formError = pool === "" ? undefined : poolFormError(pool);
  if (formError !== undefined) {
    read.add("loadBalancerPool", formError);
  }
  const isUnclear = pool === "" || formError !== undefined || subnetError !== undefined;
  if (isUnclear || !isAddress(nodeAddress)) {
    return { version, addresses: [] };
  }
  const hostSubnet = given ?? subnetAround(nodeAddress);
  if (!cidrsOverlap(hostSubnet, `${nodeAddress}/32`)) {
    read.add(
      "hostSubnet",
      `${hostSubnet} does not hold the host's address ${nodeAddress}; correct one of the two.`,
    );
    return { version, addresses: [] };
  }
  // A network that is wrong in itself is reported where it is read.
  const networks = Object.fromEntries(
    ["podCidr", "serviceCidr"].map((key) => [
      key,
      cidrError(read.text(key) ?? "") ? undefined : read.text(key),
    ]),
  );
  const { podCidr = "0.0.0.0/32", serviceCidr = "0.0.0.0/32" } = networks;
  for (const [key, cidr] of Object.entries({ podCidr, serviceCidr })) {
    if (cidrsOverlap(cidr, hostSubnet)) {
      read.add(
        key,
        `${cidr} overlaps the host's subnet ${hostSubnet}; take a network that is used nowhere else.`,
      );
    }
  }
  const errors = poolErrors(pool, { nodeAddress, hostSubnet, routed, podCidr, serviceCidr });
  errors.forEach((error) => read.add("loadBalancerPool", error));
  return { version, addresses: errors.length > 0 ? [] : parsePool(pool) };
}

function readKnative(read: Reader): EdgeConfig["knative"] {
  const factor = read.text("resourceFactor") ?? "";
  const problem = factorError(factor, read.boolean("allowIncrease"));
  if (problem !== undefined) {
    read.add("resourceFactor", problem);
  }
  const domain = read.text("domain");
  if (domain !== undefined && !(isDnsName(domain) && domain === domain.toLowerCase())) {
    read.add(
      "domain",
      `"${domain}" is not a domain; write it in lower case, like edge.example.com.`,
    );
  }
  return {
    version: readRelease(read, "knativeVersion"),
    kourierVersion: readRelease(read, "kourierVersion"),
    resources: { policy: readPolicy(read), factor, overrides: readOverrides(read) },
    configMaps: readConfigMaps(read),
    domain,
  };
}

function readHostSize(read: Reader): HostSize {
  const cpus = read.text("hostCpus") ?? "";
  try {
    if (parseQuantity(cpus) <= 0n) {
      read.add("hostCpus", `${cpus} is no host; write its number of CPUs like 1, 2 or 500m.`);
    }
  } catch {
    read.add("hostCpus", `"${cpus}" is no number of CPUs; write it like 1, 2 or 500m.`);
  }
  return { cpus, memoryMiB: read.integer("hostMemoryMiB", 256, 1024 * 1024) };
}

function readAllow(read: Reader): Consent[] {
  const known = Object.keys(consents);
  return read.list("allow").map((name) => {
    if (typeof name !== "string" || !known.includes(name)) {
      read.add(
        "allow",
        `there is no ${JSON.stringify(name)} to allow; ${suggestion(String(name), known)}`,
      );
    }
    return name as Consent;
  });
}

function readPolicy(read: Reader): PolicyName {
  const name = read.text("resourcePolicy") ?? "";
  if (name in policies) {
    return name as PolicyName;
  }
  const known = Object.keys(policies);
  read.add(
    "resourcePolicy",
    `"${name}" is none of ${known.join(", ")}; ${suggestion(name, known)}`,
  );
  return "scale";
}

/** The measures: all on, but none with the policy that leaves the releases as they are; then what the user set. */
function readOneNode(read: Reader, policy: PolicyName): OneNodeSafety {
  const safety = allMeasures(policy !== "upstream");
  const known = Object.keys(safety);
  for (const [name, value] of Object.entries(read.mapping("oneNode"))) {
    const key = `oneNode.${name}`;
    if (!known.includes(name)) {
      read.add(key, `there is no such measure; ${suggestion(name, known)}`);
    } else if (typeof value !== "boolean") {
      read.add(key, `${JSON.stringify(value)} is neither true nor false.`);
    } else {
      safety[name as MeasureName] = value;
    }
  }
  return safety;
}

function readOverrides(read: Reader): Record<string, Resources> {
  const overrides = read.mapping("resourceOverrides");
  for (const [name, value] of Object.entries(overrides)) {
    const key = `resourceOverrides.${name}`;
    if (!/^[^/]+\/[^/]+(\/[^/]+)?$/.test(name)) {
      read.add(key, "the name is not of the form deployment/container.");
    }
    const lists = isRecord(value) ? Object.entries(value) : [["", undefined] as const];
    if (
      lists.length === 0 ||
      !lists.every(([list, texts]) => ["requests", "limits"].includes(list) && isTexts(texts))
    ) {
      read.add(
        key,
        'requests or limits with quantities in quotes were expected, such as {requests: {cpu: "50m"}}.',
      );
    } else {
      resourceErrors(value as Resources).forEach((error) => read.add(key, error));
    }
  }
  return overrides as Record<string, Resources>;
}

function readConfigMaps(read: Reader): Record<string, Record<string, string>> {
  const configMaps = read.mapping("knativeConfig");
  for (const [name, data] of Object.entries(configMaps)) {
    const key = `knativeConfig.${name}`;
    if (!isTexts(data)) {
      read.add(
        key,
        "a mapping of keys to texts was expected; put numbers, true and false in quotes.",
      );
      continue;
    }
    for (const field of Object.keys(data).filter(
      (text) => text === "_example" || !/^[-._a-zA-Z0-9]+$/.test(text),
    )) {
      read.add(
        `${key}.${field}`,
        "this key cannot be set; _example only explains the others, as they are named in it.",
      );
    }
  }
  return configMaps as Record<string, Record<string, string>>;
}

function readImageMirrors(read: Reader): Record<string, string> {
  const mirrors = read.mapping("imageMirrors");
  for (const [prefix, replacement] of Object.entries(mirrors)) {
    if (!isImageName(prefix) || typeof replacement !== "string" || !isImageName(replacement)) {
      read.add(
        `imageMirrors.${prefix}`,
        "both sides must be image names without a slash at the end.",
      );
    }
  }
  return mirrors as Record<string, string>;
}

function readManifestsDir(read: Reader): string | undefined {
  const directory = read.text("manifestsDir");
  if (directory !== undefined && !statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
    read.add(
      "manifestsDir",
      `${path.resolve(directory)} is not a directory; correct it, or unset it to download releases.`,
    );
  }
  return directory;
}

function readServices(read: Reader): Record<string, ServiceSpec> {
  const given = read.mapping("services");
  for (const [name, value] of Object.entries(given)) {
    serviceProblems(name, value, `services.${name}`).forEach(({ key, message }) =>
      read.add(key, message),
    );
  }
  const sample = read.boolean("sample");
  if (sample && "hello" in given) {
    read.add("services.hello", "the sample has this name; take another, or set sample to false.");
  }
  return { ...(sample && { hello: sampleService }), ...given } as Record<string, ServiceSpec>;
}

/** The sample of the reference set-up. One pod stays, so that the first request is answered at once. */
const sampleService: ServiceSpec = {
  // It answers `Hello <TARGET>!`, with an exclamation mark of its own.
  image: "ghcr.io/knative/helloworld-go:latest",
  env: { TARGET: "Edge!" },
  autoscaling: { minScale: 1 },
};

function readRelease(read: Reader, key: keyof typeof releasedComponents): string {
  const { title, releases }: ReleasedComponent = releasedComponents[key];
  const version = read.text(key) ?? "";
  if (!(version in releases)) {
    const known = Object.keys(releases);
    read.add(
      key,
      `${title} "${version}" is not a release this program knows; take ${known.join(" or ")}.`,
    );
  }
  return version;
}

/** Checks that the releases run together. */
function checkReleases(read: Reader, { allow, k0s, knative, loadBalancer }: EdgeConfig): void {
  const minor = /^v1\.(\d+)\.\d+\+k0s\.\d+$/.exec(k0s.version)?.[1];
  if (minor === undefined) {
    read.add(
      "k0sVersion",
      `"${k0s.version}" is not a release of k0s; write it like v1.35.7+k0s.0.`,
    );
    return;
  }
  const chosen = {
    knativeVersion: knative.version,
    kourierVersion: knative.kourierVersion,
    metallbVersion: loadBalancer.version,
  };
  const clashes = (Object.entries(chosen) as [keyof typeof chosen, string][]).flatMap(
    ([key, version]) => {
      const { title, releases }: ReleasedComponent = releasedComponents[key];
      const range = releases[version]?.kubernetes;
      const allowed = key !== "metallbVersion" && allow.includes("knativeUnsupported");
      return range === undefined || allowed || isWithin(range, Number(minor))
        ? []
        : [`${title} ${version} runs on ${describe(range)}`];
    },
  );
  if (clashes.length > 0) {
    read.add(
      "k0sVersion",
      `${k0s.version} is Kubernetes 1.${minor}, but ${clashes.join(", and ")}; take a k0s of such a version.`,
    );
  }
  const minorOf = (version: string): string => version.split(".").slice(0, 2).join(".");
  if (minorOf(knative.version) !== minorOf(knative.kourierVersion)) {
    read.add(
      "kourierVersion",
      `${knative.kourierVersion} does not go with Knative Serving ${knative.version}; take the same minor version.`,
    );
  }
}

function isWithin({ minor: first, lastMinor = Infinity }: KubernetesRange, minor: number): boolean {
  return first <= minor && minor <= lastMinor;
}

function describe({ minor, lastMinor }: KubernetesRange): string {
  return lastMinor === undefined ? `1.${minor} and newer` : `1.${minor} to 1.${lastMinor}`;
}

function checkHttpUrl(read: Reader, key: string, text: string): void {
  if (!URL.canParse(text) || !["http:", "https:"].includes(new URL(text).protocol)) {
    read.add(key, `"${text}" is not an http or https URL.`);
  }
}

function isSha256(text: string): boolean {
  return /^[0-9a-f]{64}$/i.test(text);
}

function isDnsName(text: string): boolean {
  const label = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";
  return text.length <= 253 && new RegExp(`^${label}(\\.${label})*$`, "i").test(text);
}

function isTexts(value: unknown): value is Record<string, string> {
  return isRecord(value) && Object.values(value).every((text) => typeof text === "string");
}
