import { UserError } from "../../lib/userError";

/** What can keep a registry from giving a digest, in a few words. */
const troubles = {
  unreachable: "cannot be reached",
  untrusted: "unknown CA",
  badCertificate: "wrong certificate",
  speaksHttp: "no TLS",
  speaksTls: "TLS",
  wrongLogin: "wrong password",
  needsLogin: "no login",
  denied: "no permission",
  noRepository: "no such repository",
  noTag: "no such tag",
  rateLimit: "rate limit",
  failing: "fails",
  noDigest: "no digest",
};

/** What can keep a registry from giving a digest. */
export type Trouble = keyof typeof troubles;

/** Where it happened. */
export interface Place {
  /** The image as it was written. */
  image: string;
  /** The registry or mirror, as the key `registries` names it. */
  host: string;
  hasLogin: boolean;
}

/** What to do where the machine that runs Pulumi need not ask. */
const orSwitchOff = "or set resolveDigests to false if only the host reaches it";

/**
 * The sentence of each trouble: the registry, what is wrong, the image, and what to do.
 * @param detail What the connection or the answer said; without credentials.
 */
const sentences: Record<Trouble, (place: Place, detail: string) => string> = {
  unreachable: ({ host, image }, detail) =>
    `${host} cannot be reached (${detail}), so the digest of ${image} is not known; check the name and the network, ${orSwitchOff}.`,
  untrusted: ({ host, image }, detail) =>
    `${host} shows a certificate of a CA that is not trusted (${detail}), so it was not asked for ${image}; put the CA's certificate into ${key(host)}.ca.`,
  badCertificate: ({ host, image }, detail) =>
    `${host} shows a certificate that is not its own or not valid (${detail}), so it was not asked for ${image}; correct the certificate or the name.`,
  speaksHttp: ({ host, image }) =>
    `${host} does not speak TLS, so it was not asked for ${image}; correct its port, or set ${key(host)}.plainHttp to true.`,
  speaksTls: ({ host, image }) =>
    `${host} speaks TLS, so it was not asked for ${image}; unset ${key(host)}.plainHttp.`,
  wrongLogin: ({ host, image }, detail) =>
    `${host} refuses the user name and password (${detail}), so it was not asked for ${image}; correct ${key(host)}.`,
  needsLogin: ({ host, image }, detail) =>
    `${host} gives ${image} to nobody without a login (${detail}), or has no such repository; correct the name, or set username and password in ${key(host)}.`,
  denied: ({ host, image }, detail) =>
    `${host} does not give ${image} to the user of ${key(host)} (${detail}), or has no such repository; correct the name, or let the user pull.`,
  noRepository: ({ host, image }) =>
    `${host} has no repository for ${image}; correct the name, or push the image.`,
  noTag: ({ host, image }) => `${host} has no such tag as ${image}; correct it, or push the image.`,
  rateLimit: ({ host, image, hasLogin }) =>
    `${host} answers no more requests for now (429), so the digest of ${image} is not known; try again later` +
    (hasLogin ? "." : `, or set username and password in ${key(host)}.`),
  failing: ({ host, image }, detail) =>
    `${host} fails (${detail}), so the digest of ${image} is not known; try again later, ${orSwitchOff}.`,
  noDigest: ({ host, image }, detail) =>
    `${host} answers without the digest of ${image} (${detail}); check that it is a registry, ${orSwitchOff}.`,
};

/** A registry did not give the digest of an image. */
export class RegistryError extends UserError {
  /** True if the same question may be answered later without a change of the configuration. */
  public readonly mayPass: boolean;

  /**
   * @param detail What the connection or the answer said; without credentials.
   * @param mirrors What the mirrors said that were asked before.
   */
  constructor(
    private readonly trouble: Trouble,
    private readonly place: Place,
    private readonly detail = "",
    mirrors: RegistryError[] = [],
  ) {
    const names = mirrors.map((mirror) => `${mirror.place.host} (${troubles[mirror.trouble]})`);
    const before = names.length === 0 ? "" : ` No mirror gave it either: ${names.join(", ")}.`;
    super(`${sentences[trouble](place, detail)}${before}`);
    this.mayPass = ["unreachable", "rateLimit", "failing"].includes(trouble);
  }

  /** The registry and what is wrong with it, the same for all images that this keeps from being known. */
  public get subject(): string {
    return `${this.place.host} ${this.trouble}`;
  }

  /** The same trouble, after mirrors that were asked before. */
  public after(mirrors: RegistryError[]): RegistryError {
    return new RegistryError(this.trouble, this.place, this.detail, mirrors);
  }
}

/** The configuration's key of a registry, as `pulumi config set --path` takes it. */
function key(host: string): string {
  return `registries["${host}"]`;
}
