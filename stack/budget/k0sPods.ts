import { kubernetesMinor } from "../../components/host/kubernetesMinor";
import { podBudget, PodBudget, priorities } from "./pods";
import { Resources } from "../../lib/resources";

interface K0sPod {
  workload: string;
  /** The name in `--disable-components` that leaves it out. */
  component: string;
  resources: Resources;
  surge: number;
  priorityClass: "system-node-critical" | "system-cluster-critical";
}

/**
 * The pods that k0s itself starts on a single node: pkg/component/controller/{kuberouter,kubeproxy,coredns,
 * metricserver}.go of k0s, the same requests in every release from 1.26 to 1.36. CoreDNS had a memory limit
 * up to 1.33, whose last patch releases have none either. Konnectivity is not there with `--single`.
 */
const k0sPodsByMinor: { fromMinor: number; pods: K0sPod[] }[] = [
  { fromMinor: 34, pods: pods({}) },
  { fromMinor: 0, pods: pods({ memory: "170Mi" }) },
];

function pods(coreDnsLimits: Record<string, string>): K0sPod[] {
  return [
    {
      workload: "kube-router",
      component: "network-provider",
      resources: { requests: { cpu: "250m", memory: "16Mi" } },
      surge: 0,
      priorityClass: "system-node-critical",
    },
    {
      workload: "kube-proxy",
      component: "kube-proxy",
      resources: {},
      surge: 0,
      priorityClass: "system-node-critical",
    },
    {
      workload: "coredns",
      component: "coredns",
      resources: { requests: { cpu: "100m", memory: "70Mi" }, limits: coreDnsLimits },
      surge: 1,
      priorityClass: "system-cluster-critical",
    },
    {
      workload: "metrics-server",
      component: "metrics-server",
      // Per ten nodes.
      resources: { requests: { cpu: "10m", memory: "30M" } },
      surge: 1,
      priorityClass: "system-cluster-critical",
    },
  ];
}

/**
 * The pods of k0s on a single node.
 * @param version Release tag, for instance `v1.35.7+k0s.0`.
 * @param disabledComponents Names for `k0s controller --disable-components`.
 */
export function k0sPods(version: string, disabledComponents: string[]): PodBudget[] {
  const minor = kubernetesMinor(version) ?? 0;
  const release = k0sPodsByMinor.find(({ fromMinor }) => minor >= fromMinor);
  return (release?.pods ?? [])
    .filter(({ component }) => !disabledComponents.includes(component))
    .map(({ workload, resources, surge, priorityClass }) =>
      podBudget({
        component: "k0s",
        name: `kube-system/${workload}`,
        replicas: 1,
        surge,
        priority: priorities[priorityClass] ?? 0,
        containers: [{ name: workload, resources }],
      }),
    );
}
