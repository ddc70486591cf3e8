/** HTTP requests to an API server, with the errors of client-go. */
import http from "node:http";
import https from "node:https";
import { dialError } from "../command/connection";
import { isObj, Obj, str } from "../values";
import { StatusError } from "./apiErrors";
import { Access } from "./kubeconfig";

/** Seconds that client-go gives a connection to come about. */
const dialTimeout = 30;

/** What a request may have besides its method and path. */
export interface RequestOptions {
  body?: string;
  contentType?: string;
  accept?: string;
  timeoutSeconds?: number;
}

/** An API server, and how it is reached. */
export class ApiServer {
  private readonly agent: https.Agent | http.Agent;

  constructor(readonly access: Access) {
    const options = { keepAlive: true, maxSockets: 256 };
    this.agent = access.server.startsWith("https:")
      ? new https.Agent({
          ...options,
          ca: access.ca,
          cert: access.cert,
          key: access.key,
          servername: access.serverName,
          rejectUnauthorized: !access.insecure,
        })
      : new http.Agent(options);
  }

  /** Sends a request and returns the response unread. If the server cannot be reached, the error has Go's words. */
  open(method: string, path: string, options: RequestOptions = {}): Promise<http.IncomingMessage> {
    const url = new URL(this.access.server + path);
    const verb = method[0] + method.slice(1).toLowerCase();
    const fail = (why: string) => new Error(`${verb} "${url.href}": ${why}`);
    return new Promise((resolve, reject) => {
      const request = (url.protocol === "https:" ? https : http).request(url, {
        method,
        agent: this.agent,
        headers: {
          accept: options.accept ?? "application/json",
          ...(this.access.authorization && { authorization: this.access.authorization }),
          ...(options.body !== undefined && {
            "content-type": options.contentType ?? "application/json",
            "content-length": Buffer.byteLength(options.body),
          }),
        },
      });
      const timer = options.timeoutSeconds
        ? setTimeout(() => {
            request.destroy();
            reject(
              fail("context deadline exceeded (Client.Timeout exceeded while awaiting headers)"),
            );
          }, options.timeoutSeconds * 1000)
        : undefined;
      request.on("socket", (socket) => {
        if (!socket.connecting) return;
        const dial = setTimeout(() => {
          request.destroy();
          reject(fail(`dial tcp ${url.hostname}:${url.port || 443}: i/o timeout`));
        }, dialTimeout * 1000);
        const stop = () => clearTimeout(dial);
        socket.once("connect", stop).once("close", stop).once("error", stop);
      });
      request.on("error", (error: NodeJS.ErrnoException) => {
        clearTimeout(timer);
        if (error.syscall === "connect" || error.syscall === "getaddrinfo") {
          return reject(fail(dialError(url.hostname, Number(url.port || 443), error).message));
        }
        if (error.code === "ECONNRESET" || error.code === "EPIPE") return reject(fail("EOF"));
        reject(
          fail(
            /certificate|self.signed/i.test(error.message)
              ? `tls: failed to verify certificate: ${error.message}`
              : error.message,
          ),
        );
      });
      request.on("response", (response) => {
        clearTimeout(timer);
        resolve(response);
      });
      request.end(options.body);
    });
  }

  /** Sends a request and returns its JSON answer. Throws {@link StatusError} when the server refuses. */
  async request(method: string, path: string, options: RequestOptions = {}): Promise<Obj> {
    const response = await this.open(method, path, options);
    const pieces: Buffer[] = [];
    try {
      for await (const piece of response) pieces.push(piece as Buffer);
    } catch {
      // The answer was cut off, as by a server that is killed.
      throw new Error("unexpected EOF");
    }
    const text = Buffer.concat(pieces).toString();
    const code = response.statusCode ?? 0;
    let body: unknown;
    try {
      body = JSON.parse(text);
    } catch {
      body = undefined;
    }
    if (code >= 200 && code < 300 && isObj(body)) return body;
    if (isObj(body) && body.kind === "Status") {
      throw new StatusError(
        code,
        str(body, "reason"),
        str(body, "message"),
        str(body, "details", "kind"),
      );
    }
    if (code === 401) throw new StatusError(code, "Unauthorized", "Unauthorized", "");
    if (code === 404) {
      throw new StatusError(
        code,
        "NotFound",
        "the server could not find the requested resource",
        "",
      );
    }
    throw new StatusError(code, "", text.trim() || `the server answered with status ${code}`, "");
  }
}
