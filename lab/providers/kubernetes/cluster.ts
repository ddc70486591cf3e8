/** The cluster that the provider is configured for. */
import { Host } from "../server";
import { Api } from "./api";
import { messageOf } from "./apiErrors";
import { Gvk } from "./gvk";
import { AwaitContext } from "./await";
import { Mutability } from "./diff";
import { accessOf, parseKubeconfig } from "./kubeconfig";
import { isBuiltIn, isBuiltInClusterScoped } from "./objects";

/** How the provider reaches the cluster and treats it. */
export class Cluster {
  /** Undefined while the cluster does not answer. */
  api?: Api;
  /** For objects that name no namespace. */
  defaultNamespace = "default";
  mutable: Mutability = { configMaps: false, secrets: false };
  patchForce = false;
  upsert = false;
  skipUpdateUnreachable = false;
  /** By group/kind, whether a custom kind of this program has namespaces. The server may not have the kind yet. */
  readonly declaredKinds = new Map<string, boolean>();
  private unreachable = "the provider is not configured";
  private deleteUnreachable = false;
  private readonly cancelled = new AbortController();

  constructor(readonly host: Host) {}

  /** Aborted by the engine's Cancel. */
  get signal(): AbortSignal {
    return this.cancelled.signal;
  }

  cancel(): void {
    this.cancelled.abort();
  }

  async configure(variables: Record<string, string>): Promise<void> {
    const get = (key: string) => variables[`kubernetes:config:${key}`] ?? "";
    const flag = (key: string, env: string) => (get(key) || process.env[env]) === "true";
    this.mutable = {
      configMaps: flag("enableConfigMapMutable", "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE"),
      secrets: flag("enableSecretMutable", "PULUMI_K8S_ENABLE_SECRET_MUTABLE"),
    };
    this.patchForce = flag("enablePatchForce", "PULUMI_K8S_ENABLE_PATCH_FORCE");
    this.upsert = flag("upsertExistingObjects", "PULUMI_K8S_UPSERT_EXISTING_OBJECTS");
    this.deleteUnreachable = flag("deleteUnreachable", "PULUMI_K8S_DELETE_UNREACHABLE");
    this.skipUpdateUnreachable = flag(
      "skipUpdateUnreachable",
      "PULUMI_K8S_SKIP_UPDATE_UNREACHABLE",
    );
    let client: Api;
    try {
      const kubeconfig = get("kubeconfig") || process.env.KUBECONFIG || "";
      const access = accessOf(parseKubeconfig(kubeconfig), {
        context: get("context"),
        cluster: get("cluster"),
      });
      this.defaultNamespace = get("namespace") || access.namespace;
      client = new Api(access);
    } catch (error) {
      this.unreachable = `failed to parse kubeconfig data in \`kubernetes:config:kubeconfig\`- ${messageOf(error)}`;
      return;
    }
    try {
      await client.discover();
      this.api = client;
    } catch (error) {
      this.unreachable = `unable to load schema information from the API server: ${messageOf(error)}`;
    }
  }

  /** The cluster's API. Throws in the official provider's words if the cluster does not answer. */
  reachable(): Api {
    if (!this.api) {
      throw new Error(`configured Kubernetes cluster is unreachable: ${this.unreachable}`);
    }
    return this.api;
  }

  /**
   * Warns that the cluster does not answer.
   * @returns whether the provider is to treat its objects as gone
   */
  async isGivenUp(urn: string): Promise<boolean> {
    await this.host.log(
      "warning",
      urn,
      `configured Kubernetes cluster is unreachable: ${this.unreachable}`,
    );
    if (this.deleteUnreachable) {
      await this.host.log(
        "info",
        urn,
        "configured Kubernetes cluster is unreachable and the `deleteUnreachable` option is enabled. " +
          "Deleting the unreachable resource from Pulumi state",
      );
    }
    return this.deleteUnreachable;
  }

  /** What a wait for a resource needs. */
  waiting(urn: string): AwaitContext {
    return {
      api: this.reachable(),
      signal: this.signal,
      status: (message) => void this.host.status("info", urn, message),
    };
  }

  /** Whether objects of the kind are in namespaces; true if nobody knows. */
  async isNamespaced(gvk: Gvk): Promise<boolean> {
    if (isBuiltIn(gvk)) return !isBuiltInClusterScoped(gvk);
    const declared = this.declaredKinds.get(`${gvk.group}/${gvk.kind}`);
    if (declared !== undefined) return declared;
    return this.api
      ? this.api
          .mapping(gvk)
          .then((m) => m.namespaced)
          .catch(() => true)
      : true;
  }
}
