/** How a registry is reached. */
export interface Registry {
  /** User who pulls images. By default they are pulled without a login. */
  username?: string;
  /** The user's password or token. Secret. */
  password?: string;
  /** Certificates in PEM that are trusted beside the usual ones. A stack's file may have the name of their file instead. */
  ca?: string;
  /** Whether it speaks HTTP without TLS. Defaults to false. */
  plainHttp?: boolean;
  /**
   * Registries that are asked before it, in this order: `<host>`, or `<host>/<path>` if the mirror has the images below a
   * path. CA and plain HTTP of a mirror stand under its own host. A mirror is offered the registry's login, and no other.
   */
  mirrors?: string[];
}

/** Registries by host, with its port where it is not that of HTTPS: `ghcr.io`, `registry.example.com:5000`. */
export type Registries = Record<string, Registry>;

/** The registry of an image name that names none. */
export const dockerHub = "docker.io";

/** What a registry takes for proof of who asks. */
export interface Login {
  username: string;
  /** Secret. */
  password: string;
}

/** The login at a registry; undefined where there is none. */
export function loginOf({ username, password }: Registry): Login | undefined {
  return username === undefined || password === undefined ? undefined : { username, password };
}

/** Scheme and name at which a registry answers: `https://registry-1.docker.io`. */
export function apiOrigin(host: string, registries: Registries): string {
  // Docker Hub's registry has another name than its images (normalize.go in github.com/distribution/reference).
  const name = host === dockerHub ? `registry-1.${dockerHub}` : host;
  return `${registries[host]?.plainHttp ? "http" : "https"}://${name}`;
}
