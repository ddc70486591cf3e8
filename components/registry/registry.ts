/** How a registry is reached. */
export interface Registry {
  /** The user who pulls; absent where everybody may. */
  username?: string;
  /** Secret. */
  password?: string;
  /** Certificates in PEM that are trusted beside the usual ones. */
  ca?: string;
  /** It is asked by HTTP without TLS. Defaults to false. */
  plainHttp?: boolean;
  /**
   * Registries that are asked before it, in this order: `<host>`, or `<host>/<path>` where the mirror keeps its images below
   * a path. How a mirror is reached stands under its own host.
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
