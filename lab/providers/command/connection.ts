/**
 * Dialling a host as pulumi-command 1.2 does, with its retries and its words.
 * Facts: provider/pkg/provider/remote/connection.go of pulumi/pulumi-command, golang.org/x/crypto/ssh.
 */
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { AuthenticationType, Client, ClientChannel, ConnectConfig, utils } from "ssh2";
import { Failure } from "../server";
import { Obj } from "../values";
import { unknownProperty } from "./command";

/** One end of a connection, after defaults. Times in seconds. */
export interface Endpoint {
  host: string;
  port: number;
  user: string;
  password?: string;
  privateKey?: string;
  privateKeyPassword?: string;
  agentSocketPath?: string;
  hostKey?: string;
  dialErrorLimit: number;
  perDialTimeout: number;
}

export const endpointDefaults: Obj = {
  port: 22,
  user: "root",
  dialErrorLimit: 10,
  perDialTimeout: 15,
};

export function endpointOf(connection: Obj): Endpoint {
  return { ...endpointDefaults, ...connection } as unknown as Endpoint;
}

export interface HostKey {
  type: string;
  /** The key in SSH's wire format, base64. */
  data: string;
}

/**
 * The first key in authorized_keys text: bare, or with words before it, so that a known_hosts line counts too.
 * Throws Go's `ssh: no key found`.
 */
export function parseHostKey(text: string): HostKey {
  for (const line of text.split("\n")) {
    if (line.trim().startsWith("#")) continue;
    const words = line.trim().split(/\s+/);
    for (let i = 0; i + 1 < words.length; i++) {
      const type = words[i] ?? "";
      const wire = Buffer.from(words[i + 1] ?? "", "base64");
      if (wire.length < 4) continue;
      const named = wire.subarray(4, 4 + wire.readUInt32BE(0)).toString();
      if (type && named === type) return { type, data: wire.toString("base64") };
    }
  }
  throw new Error("failed to parse host key: ssh: no key found");
}

const socketErrors: Record<string, string> = {
  ECONNREFUSED: "connect: connection refused",
  EHOSTUNREACH: "connect: no route to host",
  ENETUNREACH: "connect: network is unreachable",
  ETIMEDOUT: "connect: connection timed out",
  ECONNRESET: "connect: connection reset by peer",
};

/** A dial error in Go's words. */
export function dialError(host: string, port: number, error: NodeJS.ErrnoException): Error {
  if (error.code === "ENOTFOUND" || error.code === "EAI_AGAIN") {
    const why =
      error.code === "ENOTFOUND" ? "no such host" : "Temporary failure in name resolution";
    return new Error(`dial tcp: lookup ${host}: ${why}`);
  }
  const where = net.isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
  return new Error(`dial tcp ${where}: ${socketErrors[error.code ?? ""] ?? error.message}`);
}

function checkPrivateKey(key: string, passphrase: string | undefined): void {
  const parsed = utils.parseKey(key, passphrase);
  if (!(parsed instanceof Error)) return;
  if (/no passphrase given/.test(parsed.message)) {
    throw new Error("ssh: this private key is passphrase protected");
  }
  if (/passphrase|decrypt|integrity/i.test(parsed.message))
    throw new Error("x509: decryption password incorrect");
  throw new Error("ssh: no key found");
}

const agentErrors: Record<string, string> = {
  ENOENT: "no such file or directory",
  ENOTDIR: "not a directory",
  EACCES: "permission denied",
  ECONNREFUSED: "connection refused",
};

/** Throws, in Go's words, if no SSH agent answers at a path. */
function dialAgent(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve();
    });
    socket.once("error", ({ code, message }: NodeJS.ErrnoException) =>
      reject(new Error(`dial unix ${path}: connect: ${agentErrors[code ?? ""] ?? message}`)),
    );
  });
}

/** How to log in, and which host key to expect. Throws what Go's client throws before it connects. */
async function clientConfig(endpoint: Endpoint) {
  const hostKey = endpoint.hostKey === undefined ? undefined : parseHostKey(endpoint.hostKey);
  const methods: AuthenticationType[] = ["none"];
  if (endpoint.privateKey !== undefined) {
    checkPrivateKey(endpoint.privateKey, endpoint.privateKeyPassword);
    methods.push("publickey");
  }
  if (endpoint.password !== undefined) methods.push("password", "keyboard-interactive");
  const agent = endpoint.agentSocketPath ?? process.env.SSH_AUTH_SOCK;
  if (agent) {
    // Even if there is another way to log in, and without retries.
    await dialAgent(agent);
    methods.push("agent");
  }
  return { hostKey, methods, agent };
}

type ClientSettings = Awaited<ReturnType<typeof clientConfig>>;

function tcpDial(endpoint: Endpoint): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(endpoint.port, endpoint.host);
    const timer =
      endpoint.perDialTimeout > 0
        ? setTimeout(() => {
            socket.destroy();
            reject(new Error(`dial tcp ${endpoint.host}:${endpoint.port}: i/o timeout`));
          }, endpoint.perDialTimeout * 1000)
        : undefined;
    socket.once("error", (error) => {
      clearTimeout(timer);
      reject(dialError(endpoint.host, endpoint.port, error));
    });
    socket.once("connect", () => {
      clearTimeout(timer);
      socket.removeAllListeners("error");
      resolve(socket);
    });
  });
}

/** Connections that a failed handshake has closed. */
const closed = new WeakSet<net.Socket | ClientChannel>();

/**
 * The SSH handshake and login over an open connection. As in Go, only the TCP connect has a time limit. After a failure
 * the connection is closed, and the next handshake over it finds its end (ssh.NewClientConn).
 */
function handshake(
  sock: net.Socket | ClientChannel,
  endpoint: Endpoint,
  settings: ClientSettings,
): Promise<Client> {
  if (closed.has(sock)) return Promise.reject(new Error("ssh: handshake failed: EOF"));
  return new Promise((resolve, reject) => {
    const client = new Client();
    let mismatch = false;
    const attempted: string[] = [];
    const fail = (why: string) => {
      closed.add(sock);
      client.destroy();
      reject(new Error(`ssh: handshake failed: ${why}`));
    };
    const config: ConnectConfig = {
      sock: sock as net.Socket,
      username: endpoint.user,
      password: endpoint.password,
      privateKey: endpoint.privateKey,
      passphrase: endpoint.privateKeyPassword,
      agent: settings.agent,
      tryKeyboard: true,
      readyTimeout: 0,
      hostVerifier: (key: Buffer) => {
        mismatch =
          settings.hostKey !== undefined && settings.hostKey.data !== key.toString("base64");
        return !mismatch;
      },
      authHandler: (methodsLeft, _partial, next) => {
        // The server names its methods only in the answer to "none".
        const offered = (methodsLeft ?? settings.methods) as string[];
        const method = settings.methods.find((m) => {
          const name = m === "agent" ? "publickey" : m;
          return !tried.has(m) && (m === "none" || offered.includes(name));
        });
        if (!method) return next(false as unknown as AuthenticationType);
        tried.add(method);
        const name = method === "agent" ? "publickey" : method;
        if (!attempted.includes(name)) attempted.push(name);
        next(method);
      },
      ...(settings.hostKey && {
        algorithms: { serverHostKey: [settings.hostKey.type as "ssh-ed25519"] },
      }),
    };
    const tried = new Set<string>();
    client.on("keyboard-interactive", (_name, _instructions, _language, prompts, finish) =>
      finish(prompts.map(() => endpoint.password ?? "")),
    );
    client.once("ready", () => {
      client.removeAllListeners("error").removeAllListeners("close");
      // A later failure shows as the end of the command's channel.
      client.on("error", () => undefined);
      resolve(client);
    });
    client.once("error", (error) => {
      if (mismatch) return fail("ssh: host key mismatch");
      if (error.level === "client-authentication") {
        return fail(
          `ssh: unable to authenticate, attempted methods [${attempted.join(" ")}], no supported methods remain`,
        );
      }
      if (/no matching host key/.test(error.message)) {
        return fail(
          `ssh: no common algorithm for host key; client offered: [${settings.hostKey?.type ?? ""}]`,
        );
      }
      fail(/before handshake|ended by other|lost/i.test(error.message) ? "EOF" : error.message);
    });
    client.once("close", () => fail("EOF"));
    try {
      client.connect(config);
    } catch (error) {
      fail(error instanceof Error ? error.message : String(error));
    }
  });
}

export interface DialContext {
  signal: AbortSignal;
  /** Shows a passing line beside the resource. */
  status(message: string): void;
}

/**
 * Tries until it works or `limit` tries have failed (-1: for ever), whatever the error, with a pause of 0.1 s that
 * grows by half up to 5 s. The error after the last try is preceded by `after N failed attempts: `.
 */
export async function dialWithRetry<T>(
  context: DialContext,
  what: string,
  limit: number,
  dial: () => Promise<T>,
): Promise<T> {
  let delay = 100;
  for (let failed = 0; ; failed++) {
    context.signal.throwIfAborted();
    try {
      return await dial();
    } catch (error) {
      context.signal.throwIfAborted();
      const why = error instanceof Error ? error.message : String(error);
      if (limit > -1 && failed + 1 > limit)
        throw new Error(`after ${failed} failed attempts: ${why}`);
      context.status(`${what} ${failed + 1}/${limit === -1 ? "inf" : limit} failed: retrying`);
    }
    await sleep(delay, undefined, { signal: context.signal }).catch(() =>
      context.signal.throwIfAborted(),
    );
    delay = Math.min(delay * 1.5, 5000);
  }
}

export interface Dialled {
  client: Client;
  /** Ends the session's connection, and the proxy's below it. */
  end(): void;
}

/** Connects and logs in, through the proxy where there is one. */
export async function dial(connection: Obj, context: DialContext): Promise<Dialled> {
  const endpoint = endpointOf(connection);
  const settings = await clientConfig(endpoint);
  const proxyInput = connection.proxy as Obj | undefined;
  if (!proxyInput) {
    const client = await dialWithRetry(context, "Dial", endpoint.dialErrorLimit, async () =>
      handshake(await tcpDial(endpoint), endpoint, settings),
    );
    return { client, end: () => client.destroy() };
  }
  try {
    const proxy = endpointOf(proxyInput);
    const proxySettings = await clientConfig(proxy);
    const outer = await dialWithRetry(context, "Dial proxy", proxy.dialErrorLimit, async () =>
      handshake(await tcpDial(proxy), proxy, proxySettings),
    );
    try {
      const channel = await dialWithRetry(
        context,
        "Dial from proxy",
        endpoint.dialErrorLimit,
        () =>
          new Promise<ClientChannel>((resolve, reject) =>
            outer.forwardOut("0.0.0.0", 0, endpoint.host, endpoint.port, (error, stream) =>
              error
                ? reject(
                    new Error(
                      `ssh: rejected: ${error.message.replace(/^.*Channel open failure: /, "")}`,
                    ),
                  )
                : resolve(stream),
            ),
          ),
      );
      const inner = await dialWithRetry(context, "Dial", endpoint.dialErrorLimit, () =>
        handshake(channel, endpoint, settings),
      );
      return {
        client: inner,
        end: () => {
          inner.destroy();
          outer.destroy();
        },
      };
    } catch (error) {
      outer.destroy();
      throw error;
    }
  } catch (error) {
    throw new Error(`proxy: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The names that a connection may have; the proxy's are the same without `proxy`. */
export const endpointKeys = [
  "host",
  "port",
  "user",
  "password",
  "privateKey",
  "privateKeyPassword",
  "agentSocketPath",
  "hostKey",
  "dialErrorLimit",
  "perDialTimeout",
] as const;

/** What is wrong with a connection: keys that are not known, the host missing. */
export function connectionFailures(connection: Obj, path: string): Failure[] {
  const failures = Object.keys(connection)
    .filter(
      (key) =>
        !(endpointKeys as readonly string[]).includes(key) &&
        !(key === "proxy" && path === "connection"),
    )
    .map((key) => unknownProperty(key, `${path}.${key}`));
  if (connection.host === undefined || connection.host === null) {
    failures.push({ property: `${path}.host`, reason: `Missing required property 'host'` });
  }
  return failures;
}
