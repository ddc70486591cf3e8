/**
 * The token server of a registry, as Docker Hub and GHCR have one: whoever knows the password gets a token for what he asks
 * (docs/content/spec/auth in github.com/distribution/distribution).
 */
import { randomUUID, sign, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import https from "node:https";
import { isAuthorized, type Login } from "./login";
import type { Certificate } from "../tls";

/** What registry and token server must agree on. */
export const issuer = "knative-edge lab";
export const service = "registry of the lab";

/** How long a token is valid, in seconds; the specification's least. */
const lifetime = 60;

/** What the token server is given. */
export interface TokenServerOptions {
  login: Login;
  /** Signs the tokens; the registry trusts its CA. */
  signer: Certificate;
  /** Called with each question. */
  log?: (line: string) => void;
}

/** Makes a token server that does not listen yet. */
export function tokenServer(tls: Certificate, options: TokenServerOptions): https.Server {
  const { login, signer, log = () => undefined } = options;
  const pem = { key: readFileSync(tls.key), cert: readFileSync(tls.cert) };
  return https.createServer(pem, ({ method, url = "/", headers }, response) => {
    const query = new URL(url, "https://lab").searchParams;
    const scopes = query.getAll("scope").flatMap((scope) => scope.split(" "));
    const end = (status: number, body: object): void => {
      log(`${method} ${scopes.join(" ")} ${status}`);
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    // Clients that begin with OAuth's POST go on with GET after this, as at servers that have no OAuth.
    if (method !== "GET") return end(405, {});
    if (!isAuthorized(headers.authorization, login)) {
      return end(401, { errors: [{ code: "UNAUTHORIZED", message: "wrong user or password" }] });
    }
    const token = signedToken(signer, login.username, scopes, new Date());
    end(200, { token, expires_in: lifetime, issued_at: new Date().toISOString() });
  });
}

/**
 * A token for pulling, as a JSON Web Token (RFC 7519) whose header has the signer's certificate.
 * @param scopes Such as `repository:team/app:pull`; other actions than `pull` are left out.
 */
export function signedToken(
  signer: Certificate,
  subject: string,
  scopes: string[],
  now: Date,
): string {
  const issued = Math.floor(now.getTime() / 1000);
  const header = { typ: "JWT", alg: "ES256", x5c: [certificateOf(signer)] };
  const claims = {
    ...{ iss: issuer, sub: subject, aud: service, jti: randomUUID() },
    ...{ iat: issued, nbf: issued, exp: issued + lifetime },
    access: scopes.flatMap((scope) => {
      const [type, name, actions = ""] = scope.split(":");
      return actions.split(",").includes("pull") ? [{ type, name, actions: ["pull"] }] : [];
    }),
  };
  const text = [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
  const key = { key: readFileSync(signer.key), dsaEncoding: "ieee-p1363" } as const;
  return `${text}.${sign("sha256", Buffer.from(text), key).toString("base64url")}`;
}

function certificateOf({ cert }: Certificate): string {
  return new X509Certificate(readFileSync(cert)).raw.toString("base64");
}
