import { createHash } from "node:crypto";
import * as http from "node:http";
import * as https from "node:https";
import { AddressInfo } from "node:net";
import { tls } from "./testTls";

/** What a registry of a test has, and how it behaves. */
export interface FakeRegistryOptions {
  /** By `<repository>:<tag>`, the manifest, or the index. */
  manifests?: Record<string, string>;
  /** It speaks TLS, with the certificate of test/support/testTls.ts. Defaults to false. */
  tls?: boolean;
  /** How it wants a login; by default anybody may pull. */
  login?: { by: "basic" | "bearer"; username: string; password: string };
  /** With `bearer`, anybody gets a token. */
  anonymous?: boolean;
  /** Whether it tells the digest in a header. Defaults to true. */
  digestHeader?: boolean;
  /** Answers in place of it: a status, or more; undefined leaves the answer to it. */
  instead?: (request: RegistryCall) => Answer | undefined;
}

/** A request that a registry of a test got. */
export interface RegistryCall {
  method: string;
  /** Path and query. */
  path: string;
  headers: http.IncomingHttpHeaders;
}

/** A registry of a test. */
export interface FakeRegistry {
  /** `127.0.0.1:<port>`. */
  host: string;
  /** Every request, in its order. */
  calls: RegistryCall[];
  close(): void;
}

/** The media type of the manifests. */
export const indexType = "application/vnd.oci.image.index.v1+json";

/** The digest of a manifest. */
export function digestOf(manifest: string): string {
  return `sha256:${createHash("sha256").update(manifest).digest("hex")}`;
}

/** Starts a registry, as far as pulls by tag need one. */
export async function startRegistry(options: FakeRegistryOptions = {}): Promise<FakeRegistry> {
  const calls: RegistryCall[] = [];
  const listener: http.RequestListener = (request, response) => {
    const { method = "", url: path = "", headers } = request;
    const call = { method, path, headers };
    calls.push(call);
    const own = { host, ...options };
    const { status, headers: answered, body = "" } = answerOf(call, own);
    response.writeHead(status, answered).end(method === "HEAD" ? "" : body);
  };
  const server = options.tls ? https.createServer(tls, listener) : http.createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return { host, calls, close };
}

interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: string;
}

function answerOf(call: RegistryCall, options: FakeRegistryOptions & { host: string }): Answer {
  const { manifests = {}, login, digestHeader = true } = options;
  const instead = options.instead?.(call);
  if (instead !== undefined) {
    return instead;
  }
  const url = new URL(call.path, "http://registry");
  const password = login && `Basic ${btoa(`${login.username}:${login.password}`)}`;
  if (url.pathname === "/token") {
    const given = call.headers.authorization;
    const isAllowed = given === password || (given === undefined && options.anonymous);
    return isAllowed ? { status: 200, body: '{"token":"a-token"}' } : { status: 401 };
  }
  const wanted = login?.by === "bearer" ? "Bearer a-token" : password;
  if (wanted !== undefined && call.headers.authorization !== wanted) {
    const realm = `${options.tls ? "https" : "http"}://${options.host}/token`;
    const challenge =
      login?.by === "bearer" ? `Bearer realm="${realm}",service="fake"` : 'Basic realm="fake"';
    return { status: 401, headers: { "www-authenticate": challenge } };
  }
  const [, repository = "", tag = ""] = /^\/v2\/(.+)\/manifests\/([^/]+)$/.exec(url.pathname) ?? [];
  const manifest = manifests[`${repository}:${tag}`];
  if (manifest === undefined) {
    const isKnown = Object.keys(manifests).some((name) => name.startsWith(`${repository}:`));
    const code = isKnown ? "MANIFEST_UNKNOWN" : "NAME_UNKNOWN";
    return { status: 404, body: JSON.stringify({ errors: [{ code }] }) };
  }
  const digest = { "docker-content-digest": digestOf(manifest) };
  return {
    status: 200,
    headers: { "content-type": indexType, ...(digestHeader && digest) },
    body: manifest,
  };
}
