import { createHash } from "node:crypto";
import { wordsOf } from "../../lib/userError";
import { Login, Registry } from "./registry";
import { basicAuthorization, Challenge, parseChallenges, tokenOf, tokenUrl } from "./registryAuth";
import { Place, RegistryError, Trouble } from "./registryError";
import { Patience, RegistryAnswer, RegistryRequest, sendPatiently } from "./registryRequest";

/** The kinds of manifest that a tag may name. An image for several platforms has an index, whose digest is the image's. */
const manifestTypes = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
];

/** A registry or mirror that is asked for an image. */
export interface Endpoint {
  /** Its host in `registries`. */
  host: string;
  /** Scheme and name: `https://registry-1.docker.io`. */
  origin: string;
  /** Path of the images there: `library/nginx`. */
  repository: string;
  /** The registry whose mirror it is, as container runtimes tell mirrors in `ns`. */
  mirrorOf?: string;
  registry: Registry;
  login?: Login;
}

/** One image, asked for at one registry or mirror. */
export class ManifestQuestion {
  private readonly place: Place;

  constructor(
    private readonly endpoint: Endpoint,
    image: string,
    private readonly patience: Patience,
  ) {
    this.place = { image, host: endpoint.host, hasLogin: endpoint.login !== undefined };
  }

  /**
   * The digest of what a tag names.
   * @throws RegistryError where the registry does not give it.
   */
  public async digest(tag: string): Promise<string> {
    const { origin, repository, mirrorOf } = this.endpoint;
    const url = new URL(`${origin}/v2/${repository}/manifests/${tag}`);
    if (mirrorOf !== undefined) {
      url.searchParams.set("ns", mirrorOf);
    }
    const headers: Record<string, string> = { accept: manifestTypes.join(", ") };
    let answer = await this.send({ method: "HEAD", url, headers });
    if (answer.status === 401) {
      const challenges = parseChallenges(answer.headers["www-authenticate"]);
      headers.authorization = await this.authorization(challenges);
      answer = await this.send({ method: "HEAD", url, headers });
    }
    const told = answer.headers["docker-content-digest"];
    if (answer.status === 200 && typeof told === "string" && /^sha256:[0-9a-f]{64}$/.test(told)) {
      return told;
    }
    if (answer.status === 429 || answer.status >= 500) {
      throw this.failure(answer.status, String(answer.status));
    }
    // A registry need not give the header, and only the body of an error says what is missing.
    answer = await this.send({ method: "GET", url, headers });
    if (answer.status !== 200) {
      throw this.refusal(answer, headers.authorization?.startsWith("Basic ") ?? false);
    }
    const [type = ""] = (answer.headers["content-type"] ?? "").split(";");
    if (!manifestTypes.includes(type)) {
      throw this.trouble("noDigest", `of the type ${JSON.stringify(type)}`);
    }
    return `sha256:${createHash("sha256").update(answer.body).digest("hex")}`;
  }

  /** The header Authorization, by the way that the registry offers. */
  private async authorization(challenges: Challenge[]): Promise<string> {
    const { login } = this.endpoint;
    const bearer = challenges.find(({ scheme }) => scheme === "bearer");
    if (bearer !== undefined) {
      return `Bearer ${await this.token(bearer)}`;
    }
    if (!challenges.some(({ scheme }) => scheme === "basic")) {
      throw this.trouble("noDigest", "401 without a way to log in");
    }
    if (login === undefined) {
      throw this.trouble("needsLogin", "401");
    }
    return basicAuthorization(login);
  }

  /** A token for pulling: with a login where there is one, else as anybody. */
  private async token(challenge: Challenge): Promise<string> {
    const { login, origin, repository } = this.endpoint;
    const url = tokenUrl(challenge, `repository:${repository}:pull`);
    if (url === undefined || (url.protocol === "http:" && origin.startsWith("https:"))) {
      throw this.trouble("noDigest", "401 without an https URL of its token server");
    }
    const headers: Record<string, string> =
      login === undefined ? {} : { authorization: basicAuthorization(login) };
    const answer = await this.send({ method: "GET", url, headers });
    if (answer.status === 401 || answer.status === 403) {
      const trouble = login === undefined ? "needsLogin" : "wrongLogin";
      throw this.trouble(trouble, `${answer.status} from ${url.host}`);
    }
    const token = answer.status === 200 ? tokenOf(answer) : undefined;
    if (token === undefined) {
      throw this.failure(answer.status, `${answer.status} without a token from ${url.host}`);
    }
    return token;
  }

  /** What the answer to a question for a manifest means, when it is not 200. */
  private refusal({ status, body }: RegistryAnswer, byPassword: boolean): RegistryError {
    if (status === 404) {
      return this.trouble(body.includes("NAME_UNKNOWN") ? "noRepository" : "noTag");
    }
    // What Go's net/http and nginx say to HTTP without TLS where they speak TLS.
    if (status === 400 && this.endpoint.origin.startsWith("http:") && body.includes("HTTPS")) {
      return this.trouble("speaksTls");
    }
    if (status !== 401 && status !== 403) {
      return this.failure(status, String(status));
    }
    const withLogin = byPassword && status === 401 ? "wrongLogin" : "denied";
    const trouble = this.endpoint.login === undefined ? "needsLogin" : withLogin;
    return this.trouble(trouble, String(status));
  }

  private failure(status: number, detail: string): RegistryError {
    const other = status >= 500 ? "failing" : "noDigest";
    return this.trouble(status === 429 ? "rateLimit" : other, detail);
  }

  private async send(request: Omit<RegistryRequest, "ca">): Promise<RegistryAnswer> {
    try {
      return await sendPatiently({ ...request, ca: this.endpoint.registry.ca }, this.patience);
    } catch (error) {
      const { code = "", message } = error as NodeJS.ErrnoException;
      // Of a host whose addresses all fail, Node.js gives no message.
      throw this.trouble(connectionTrouble(`${code} ${message}`), wordsOf(error as Error) || code);
    }
  }

  private trouble(trouble: Trouble, detail?: string): RegistryError {
    return new RegistryError(trouble, this.place, detail);
  }
}

/** What an error of a connection means: by the codes of Node.js (doc/api/tls.md) and the words of OpenSSL. */
function connectionTrouble(words: string): Trouble {
  if (/SELF_SIGNED|UNABLE_TO_(GET_ISSUER|VERIFY_LEAF)/.test(words)) {
    return "untrusted";
  }
  if (/wrong.version.number|packet.length.too.long/i.test(words)) {
    return "speaksHttp";
  }
  return /CERT/.test(words) ? "badCertificate" : "unreachable";
}
