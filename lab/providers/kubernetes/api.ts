/** A small Kubernetes client: requests, discovery and shared watches, with the errors of client-go. */
import http from "node:http";
import https from "node:https";
import { finished } from "node:stream/promises";
import { dialError } from "../command/connection";
import { isObj, Obj, str } from "../values";
import { Access } from "./kubeconfig";

/** Seconds that client-go gives a connection to come about, and a discovery request to be answered. */
const dialTimeout = 30;
const discoveryTimeout = 32;
/** How long a watch is held before the server is asked to close it. */
const watchSeconds = 300;

/** The API server's own refusal. */
export class StatusError extends Error {
  constructor(
    readonly code: number,
    readonly reason: string,
    message: string,
    readonly detailsKind: string,
  ) {
    super(message);
  }
}

export class NoMatchError extends Error {
  constructor(gvk: Gvk) {
    super(`no matches for kind "${gvk.kind}" in version "${apiVersionOf(gvk)}"`);
  }
}

/** What an error says. */
export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

export const isReason = (error: unknown, reason: string): boolean =>
  error instanceof StatusError && error.reason === reason;

export interface Gvk {
  group: string;
  version: string;
  kind: string;
}

export const apiVersionOf = (gvk: Gvk): string =>
  gvk.group ? `${gvk.group}/${gvk.version}` : gvk.version;

/** Of an object. `core/v1`, as SDKs write it in places, is `v1`. */
export function gvkOf(object: Obj): Gvk {
  const apiVersion = str(object, "apiVersion").replace(/^core\//, "");
  const slash = apiVersion.indexOf("/");
  return {
    group: slash < 0 ? "" : apiVersion.slice(0, slash),
    version: apiVersion.slice(slash + 1),
    kind: str(object, "kind"),
  };
}

/** A kind of object at its address. */
export interface Mapping {
  gvk: Gvk;
  /** Plural name in URLs. */
  resource: string;
  namespaced: boolean;
}

export type WatchEvent = { type: "ADDED" | "MODIFIED" | "DELETED"; object: Obj };

export class Api {
  private readonly agent: https.Agent | http.Agent;
  private mappings = new Map<string, Mapping>();
  private discoveredAt = 0;
  private discovering?: Promise<void>;
  private readonly watches = new Map<string, Watch>();

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

  /** Opens a request and gives its response unread. Failures to reach the server are worded as Go's. */
  open(
    method: string,
    path: string,
    options: { body?: string; contentType?: string; accept?: string; timeoutSeconds?: number } = {},
  ): Promise<http.IncomingMessage> {
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

  /** A request and its JSON answer. Throws {@link StatusError} on the server's refusal. */
  async request(
    method: string,
    path: string,
    options: { body?: string; contentType?: string; accept?: string; timeoutSeconds?: number } = {},
  ): Promise<Obj> {
    const response = await this.open(method, path, options);
    const pieces: Buffer[] = [];
    try {
      for await (const piece of response) pieces.push(piece as Buffer);
    } catch {
      // Cut off in the middle, as by a server that is killed.
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

  /**
   * Asks for the OpenAPI document of all kinds, as the official provider does when it is configured and after each new
   * definition (getResources in provider/pkg/provider/provider.go), and drops it. The API server makes it for who asks, and
   * holds it from then on: that is part of what a host has to carry.
   */
  private async loadSchemas(): Promise<void> {
    const response = await this.open("GET", `/openapi/v2?timeout=${discoveryTimeout}s`, {
      accept: "application/com.github.proto-openapi.spec.v2@v1.0+protobuf",
      timeoutSeconds: discoveryTimeout,
    });
    await finished(response.resume()).catch(() => {
      throw new Error("unexpected EOF");
    });
  }

  /** Learns the server's kinds. Rejects when it cannot be reached or does not let us in. */
  discover(): Promise<void> {
    this.discovering ??= (async () => {
      const accept = ["v2", "v2beta1"]
        .map((v) => `application/json;g=apidiscovery.k8s.io;v=${v};as=APIGroupDiscoveryList`)
        .join(",");
      const found = new Map<string, Mapping>();
      await this.loadSchemas();
      const answers = await Promise.all(
        ["/api", "/apis"].map((path) =>
          this.request("GET", path, { accept, timeoutSeconds: discoveryTimeout }),
        ),
      );
      for (const answer of answers) {
        for (const group of listOf(answer.items)) {
          for (const version of listOf(group.versions)) {
            for (const resource of listOf(version.resources)) {
              const gvk = {
                group: str(group, "metadata", "name"),
                version: str(version, "version"),
                kind: str(resource, "responseKind", "kind"),
              };
              found.set(keyOf(gvk), {
                gvk,
                resource: str(resource, "resource"),
                namespaced: str(resource, "scope") === "Namespaced",
              });
            }
          }
        }
      }
      this.mappings = found;
      this.discoveredAt = Date.now();
    })().finally(() => (this.discovering = undefined));
    return this.discovering;
  }

  /** The next look-up of a kind asks the server again. */
  forgetDiscovery(): void {
    this.discoveredAt = 0;
  }

  /** Where objects of a kind live. Throws {@link NoMatchError} when the server has no such kind. */
  async mapping(gvk: Gvk): Promise<Mapping> {
    let found = this.mappings.get(keyOf(gvk));
    if (!found || this.discoveredAt === 0) {
      await this.discover();
      found = this.mappings.get(keyOf(gvk));
    }
    if (!found) throw new NoMatchError(gvk);
    return found;
  }

  /** Whether the server has the kind; false also when it cannot be asked. */
  async has(gvk: Gvk): Promise<boolean> {
    return this.mapping(gvk).then(
      () => true,
      () => false,
    );
  }

  private collection(mapping: Mapping, namespace: string): string {
    const root = mapping.gvk.group
      ? `/apis/${apiVersionOf(mapping.gvk)}`
      : `/api/${mapping.gvk.version}`;
    return mapping.namespaced
      ? `${root}/namespaces/${namespace || "default"}/${mapping.resource}`
      : `${root}/${mapping.resource}`;
  }

  private async path(object: Obj): Promise<{ collection: string; item: string }> {
    const collection = this.collection(
      await this.mapping(gvkOf(object)),
      str(object, "metadata", "namespace"),
    );
    return { collection, item: `${collection}/${str(object, "metadata", "name")}` };
  }

  /** Of the object, only kind, namespace and name matter. */
  async get(object: Obj): Promise<Obj> {
    return this.request("GET", (await this.path(object)).item);
  }

  async list(gvk: Gvk, namespace: string): Promise<Obj[]> {
    const answer = await this.request("GET", this.collection(await this.mapping(gvk), namespace));
    return listOf(answer.items);
  }

  async create(object: Obj, fieldManager: string, dryRun: boolean): Promise<Obj> {
    const query = new URLSearchParams({ ...(dryRun && { dryRun: "All" }), fieldManager });
    return this.request("POST", `${(await this.path(object)).collection}?${query.toString()}`, {
      body: JSON.stringify(object),
    });
  }

  async put(object: Obj, fieldManager: string, dryRun: boolean): Promise<Obj> {
    const query = new URLSearchParams({ ...(dryRun && { dryRun: "All" }), fieldManager });
    return this.request("PUT", `${(await this.path(object)).item}?${query.toString()}`, {
      body: JSON.stringify(object),
    });
  }

  /** Server-side apply. */
  async apply(object: Obj, fieldManager: string, force: boolean, dryRun: boolean): Promise<Obj> {
    const query = new URLSearchParams({
      ...(dryRun && { dryRun: "All" }),
      fieldManager,
      force: String(force),
    });
    return this.request("PATCH", `${(await this.path(object)).item}?${query.toString()}`, {
      body: JSON.stringify(object),
      contentType: "application/apply-patch+yaml",
    });
  }

  async jsonPatch(object: Obj, patch: Obj[]): Promise<Obj> {
    return this.request("PATCH", (await this.path(object)).item, {
      body: JSON.stringify(patch),
      contentType: "application/json-patch+json",
    });
  }

  async delete(object: Obj, propagationPolicy: string): Promise<void> {
    await this.request("DELETE", (await this.path(object)).item, {
      body: JSON.stringify({ kind: "DeleteOptions", apiVersion: "v1", propagationPolicy }),
    });
  }

  /**
   * Calls `onEvent` for every object of the kind in the namespace, now and as they change, until the returned
   * function is called. All who watch the same share one request.
   */
  async watch(
    gvk: Gvk,
    namespace: string,
    onEvent: (event: WatchEvent) => void,
  ): Promise<() => void> {
    const collection = this.collection(await this.mapping(gvk), namespace);
    let watch = this.watches.get(collection);
    if (!watch) {
      watch = new Watch(this, gvk, collection);
      this.watches.set(collection, watch);
    }
    const shared = watch;
    shared.subscribe(onEvent);
    return () => {
      if (shared.unsubscribe(onEvent) && this.watches.get(collection) === shared) {
        this.watches.delete(collection);
      }
    };
  }
}

/** List and watch of one collection, kept up over closed connections. */
class Watch {
  private readonly listeners = new Set<(event: WatchEvent) => void>();
  private readonly objects = new Map<string, Obj>();
  private stream?: http.IncomingMessage;
  private stopped = false;

  constructor(
    private readonly api: Api,
    private readonly gvk: Gvk,
    private readonly collection: string,
  ) {
    void this.run();
  }

  subscribe(listener: (event: WatchEvent) => void): void {
    this.listeners.add(listener);
    for (const object of this.objects.values()) listener({ type: "ADDED", object });
  }

  /** Whether that was the last listener; then the watch is over. */
  unsubscribe(listener: (event: WatchEvent) => void): boolean {
    this.listeners.delete(listener);
    if (this.listeners.size > 0) return false;
    this.stopped = true;
    this.stream?.destroy();
    return true;
  }

  private emit(type: WatchEvent["type"], bare: Obj): void {
    // Items of a list do not say what they are.
    const object = { ...bare, apiVersion: apiVersionOf(this.gvk), kind: this.gvk.kind };
    const name = str(object, "metadata", "name");
    if (type === "DELETED") this.objects.delete(name);
    else {
      const known = this.objects.get(name);
      if (
        known &&
        str(known, "metadata", "resourceVersion") === str(object, "metadata", "resourceVersion")
      )
        return;
      this.objects.set(name, object);
    }
    for (const listener of [...this.listeners]) listener({ type, object });
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      try {
        const list = await this.api.request("GET", this.collection);
        const items = listOf(list.items);
        const names = new Set(items.map((item) => str(item, "metadata", "name")));
        for (const [name, object] of this.objects)
          if (!names.has(name)) this.emit("DELETED", object);
        for (const item of items)
          this.emit(this.objects.has(str(item, "metadata", "name")) ? "MODIFIED" : "ADDED", item);
        await this.follow(str(list, "metadata", "resourceVersion"));
      } catch {
        // The server may be away for a while; those who wait have their own time limits.
      }
      if (!this.stopped) await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }

  /** Follows changes until the connection closes. */
  private async follow(from: string): Promise<void> {
    if (this.stopped) return;
    const response = await this.api.open(
      "GET",
      `${this.collection}?watch=true&resourceVersion=${from}&timeoutSeconds=${watchSeconds}`,
    );
    this.stream = response;
    if (this.stopped) response.destroy();
    let rest = "";
    response.setEncoding("utf8");
    for await (const piece of response) {
      const lines = (rest + (piece as string)).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const event = JSON.parse(line) as { type: string; object: Obj };
        // An ERROR event says that the place in the history is lost: list again.
        if (event.type === "ERROR") return response.destroy() && undefined;
        if (event.type !== "BOOKMARK") this.emit(event.type as WatchEvent["type"], event.object);
      }
    }
  }
}

const keyOf = (gvk: Gvk) => `${gvk.group}/${gvk.version}/${gvk.kind}`;

/** A list of objects, or none. */
export function listOf(value: unknown): Obj[] {
  return Array.isArray(value) ? value.filter(isObj) : [];
}
