/** A small Kubernetes client: discovery, objects and shared watches. */
import { finished } from "node:stream/promises";
import { Obj, str } from "../values";
import { NoMatchError } from "./apiErrors";
import { ApiServer } from "./apiServer";
import { apiVersionOf, Gvk, gvkOf, keyOf } from "./gvk";
import { Access } from "./kubeconfig";
import { listOf } from "./objects";
import { Watch, WatchEvent } from "./watch";

/** Seconds that client-go gives a discovery request to be answered. */
const discoveryTimeout = 32;

/** Where the server has the objects of a kind. */
export interface Mapping {
  gvk: Gvk;
  /** Plural name in URLs. */
  resource: string;
  namespaced: boolean;
}

export class Api {
  private readonly server: ApiServer;
  private mappings = new Map<string, Mapping>();
  private discoveredAt = 0;
  private discovering?: Promise<void>;
  private readonly watches = new Map<string, Watch>();

  constructor(access: Access) {
    this.server = new ApiServer(access);
  }

  /**
   * Asks for the OpenAPI document of all kinds, as the official provider does when it is configured and after each new
   * definition (getResources in provider/pkg/provider/provider.go), and drops it. The API server makes it on request,
   * and then holds it: the host needs memory for it.
   */
  private async loadSchemas(): Promise<void> {
    const response = await this.server.open("GET", `/openapi/v2?timeout=${discoveryTimeout}s`, {
      accept: "application/com.github.proto-openapi.spec.v2@v1.0+protobuf",
      timeoutSeconds: discoveryTimeout,
    });
    await finished(response.resume()).catch(() => {
      throw new Error("unexpected EOF");
    });
  }

  /** Learns the server's kinds. Rejects when the server cannot be reached or refuses the login. */
  discover(): Promise<void> {
    this.discovering ??= (async () => {
      const accept = ["v2", "v2beta1"]
        .map((v) => `application/json;g=apidiscovery.k8s.io;v=${v};as=APIGroupDiscoveryList`)
        .join(",");
      const found = new Map<string, Mapping>();
      await this.loadSchemas();
      const answers = await Promise.all(
        ["/api", "/apis"].map((path) =>
          this.server.request("GET", path, { accept, timeoutSeconds: discoveryTimeout }),
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

  /** Whether the server has the kind; false also if it cannot be reached. */
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

  /** Gets an object by the kind, namespace and name of the one that is given. */
  async get(object: Obj): Promise<Obj> {
    return this.server.request("GET", (await this.path(object)).item);
  }

  async list(gvk: Gvk, namespace: string): Promise<Obj[]> {
    const answer = await this.server.request(
      "GET",
      this.collection(await this.mapping(gvk), namespace),
    );
    return listOf(answer.items);
  }

  async create(object: Obj, fieldManager: string, dryRun: boolean): Promise<Obj> {
    const query = new URLSearchParams({ ...(dryRun && { dryRun: "All" }), fieldManager });
    return this.server.request(
      "POST",
      `${(await this.path(object)).collection}?${query.toString()}`,
      {
        body: JSON.stringify(object),
      },
    );
  }

  async put(object: Obj, fieldManager: string, dryRun: boolean): Promise<Obj> {
    const query = new URLSearchParams({ ...(dryRun && { dryRun: "All" }), fieldManager });
    return this.server.request("PUT", `${(await this.path(object)).item}?${query.toString()}`, {
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
    return this.server.request("PATCH", `${(await this.path(object)).item}?${query.toString()}`, {
      body: JSON.stringify(object),
      contentType: "application/apply-patch+yaml",
    });
  }

  async jsonPatch(object: Obj, patch: Obj[]): Promise<Obj> {
    return this.server.request("PATCH", (await this.path(object)).item, {
      body: JSON.stringify(patch),
      contentType: "application/json-patch+json",
    });
  }

  async delete(object: Obj, propagationPolicy: string): Promise<void> {
    await this.server.request("DELETE", (await this.path(object)).item, {
      body: JSON.stringify({ kind: "DeleteOptions", apiVersion: "v1", propagationPolicy }),
    });
  }

  /**
   * Calls `onEvent` for every object of the kind in the namespace, now and as they change, until the returned
   * function is called. All watches of the same collection share one request.
   */
  async watch(
    gvk: Gvk,
    namespace: string,
    onEvent: (event: WatchEvent) => void,
  ): Promise<() => void> {
    const collection = this.collection(await this.mapping(gvk), namespace);
    let watch = this.watches.get(collection);
    if (!watch) {
      watch = new Watch(this.server, gvk, collection);
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
