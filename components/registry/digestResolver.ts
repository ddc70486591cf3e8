import { parseImageReference } from "./imageReference";
import { Endpoint, ManifestQuestion } from "./manifestQuestion";
import { apiOrigin, loginOf, Registries } from "./registry";
import { RegistryError } from "./registryError";
import { Patience, pause } from "./registryRequest";

/** How long registries may take. */
export interface ResolverOptions {
  /** For one request, in milliseconds. Defaults to 10,000. */
  timeout?: number;
  /** For one image, its mirrors and repetitions among it, in milliseconds. Defaults to 30,000. */
  deadline?: number;
  /** Waits before a repetition. Defaults to a timer; tests give their own. */
  pause?: Patience["pause"];
}

/**
 * Asks registries for the digests of image tags, by the OCI distribution API (spec.md in
 * github.com/opencontainers/distribution-spec). It asks for each image once.
 *
 * No npm package has what this needs: @snyk/docker-registry-v2-client 4.0.5 takes no CA, no plain HTTP and no Retry-After;
 * docker-registry-client 3.4.0, its fork @renovatebot/docker-registry-client and oci-registry-client 0.2.0 rest.
 */
export class DigestResolver {
  private readonly answers = new Map<string, Promise<string>>();
  private readonly options: Required<ResolverOptions>;

  constructor(
    private readonly registries: Registries,
    options: ResolverOptions = {},
  ) {
    this.options = { timeout: 10_000, deadline: 30_000, pause, ...options };
  }

  /**
   * The digest of an image, `sha256:<64 hexadecimal digits>`: of the index, for an image of several platforms.
   * @throws RegistryError where neither a mirror nor the registry gives it.
   */
  public resolve(image: string): Promise<string> {
    const digest = this.answers.get(image) ?? this.ask(image);
    this.answers.set(image, digest);
    return digest;
  }

  private async ask(image: string): Promise<string> {
    const { registry, repository, tag, digest } = parseImageReference(image);
    if (digest !== undefined) {
      return digest;
    }
    const deadline = Date.now() + this.options.deadline;
    const mirrors: RegistryError[] = [];
    for (const asked of endpoints(registry, repository, this.registries)) {
      try {
        const patience = { ...this.options, deadline };
        return await new ManifestQuestion(asked, image, patience).digest(tag ?? "latest");
      } catch (error) {
        if (!(error instanceof RegistryError)) {
          throw error;
        }
        if (asked.mirrorOf === undefined) {
          throw error.after(mirrors);
        }
        mirrors.push(error);
      }
    }
    throw new Error(`${image} has no registry.`);
  }
}

/**
 * Who is asked for an image of a registry: its mirrors in their order, then itself. All are offered the registry's login, as
 * the host does it (registryHosts in pkg/cri/server/image_pull.go of containerd 1.7).
 */
function endpoints(host: string, repository: string, registries: Registries): Endpoint[] {
  const own = endpoint({ host, repository }, registries);
  const mirrors = (registries[host]?.mirrors ?? []).map((mirror) => {
    const [mirrorHost = "", ...path] = mirror.split("/");
    const place = { host: mirrorHost, repository: [...path, repository].join("/") };
    return { ...endpoint(place, registries), mirrorOf: host, login: own.login };
  });
  return [...mirrors, own];
}

function endpoint(place: Pick<Endpoint, "host" | "repository">, registries: Registries): Endpoint {
  const registry = registries[place.host] ?? {};
  const origin = apiOrigin(place.host, registries);
  return { ...place, origin, registry, login: loginOf(registry) };
}
