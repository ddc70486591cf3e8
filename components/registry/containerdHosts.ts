import { apiOrigin, Registries } from "./registry";

/** Where the host has the files, in the directory of k0s' drop-ins (docs/runtime.md in k0s). */
export const registriesDirectory = "/etc/k0s/containerd.d/knative-edge";

/** What containerd reads to know registries. */
export interface ContainerdHosts {
  /** The drop-in for containerd's configuration, which names the directory. */
  dropIn: string;
  /** The files in the directory, by their path below it. */
  files: Record<string, string>;
}

/**
 * What containerd of k0s reads to reach registries by their mirrors, with a CA of their own or without TLS (docs/hosts.md in
 * containerd). It has no logins: those are in the pods' pull secrets.
 * @param kubernetesMinor Of k0s: from 36 on it has containerd 2, whose configuration has another form, and it takes no other
 * (docs/runtime.md in k0s). Unknown stands for the newest.
 * @returns undefined where all registries are reached as usual.
 */
export function containerdHosts(
  registries: Registries,
  kubernetesMinor = Infinity,
): ContainerdHosts | undefined {
  const hosts = Object.entries(registries)
    .filter(([, { ca, plainHttp, mirrors = [] }]) => ca || plainHttp || mirrors.length > 0)
    .map(([host]) => host);
  if (hosts.length === 0) {
    return undefined;
  }
  const files = hosts.flatMap((host) => [
    [`${host}/hosts.toml`, hostsToml(host, registries)],
    ...(registries[host]?.ca === undefined ? [] : [[`${host}/ca.crt`, registries[host].ca]]),
  ]);
  return {
    dropIn: dropIn(kubernetesMinor),
    files: Object.fromEntries(files) as Record<string, string>,
  };
}

function dropIn(kubernetesMinor: number): string {
  const [version, plugin] =
    kubernetesMinor < 36 ? [2, "io.containerd.grpc.v1.cri"] : [3, "io.containerd.cri.v1.images"];
  return [
    `version = ${version}`,
    `[plugins.${JSON.stringify(plugin)}.registry]`,
    `config_path = ${JSON.stringify(registriesDirectory)}`,
  ].join("\n");
}

/** How one registry is reached: by each mirror in its order, then by itself (`server`). */
function hostsToml(host: string, registries: Registries): string {
  const { mirrors = [] } = registries[host] ?? {};
  // containerd 1.7 reads no file without a table `host` (getSortedHosts in remotes/docker/config/hosts.go).
  const asked = mirrors.length > 0 ? mirrors : [host];
  const tables = asked.map((mirror) => {
    const [mirrorHost = "", ...path] = mirror.split("/");
    const below = path.length > 0 ? `/v2/${path.join("/")}` : "";
    return [
      `[host.${JSON.stringify(apiOrigin(mirrorHost, registries) + below)}]`,
      'capabilities = ["pull", "resolve"]',
      ...(below === "" ? [] : ["override_path = true"]),
      ...caLine(mirrorHost, registries),
    ].join("\n");
  });
  const server = [
    `server = ${JSON.stringify(apiOrigin(host, registries))}`,
    ...caLine(host, registries),
  ].join("\n");
  return `${[server, ...tables].join("\n\n")}\n`;
}

function caLine(host: string, registries: Registries): string[] {
  return registries[host]?.ca === undefined
    ? []
    : [`ca = ${JSON.stringify(`${registriesDirectory}/${host}/ca.crt`)}`];
}
