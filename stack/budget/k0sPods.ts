import { kubernetesMinor } from "../../components/host/kubernetesMinor";
import { podBudget, PodBudget, priorities } from "./pods";
import { podRules, PodRules, Toleration } from "../scheduling/podRules";
import { Resources } from "../../lib/resources";

interface K0sPod {
  workload: string;
  /** The name in `--disable-components` that leaves it out. */
  component: string;
  resources: Resources;
  surge: number;
  priorityClass: "system-node-critical" | "system-cluster-critical";
  /** A DaemonSet has one on each node. */
  kind: "DaemonSet" | "Deployment";
}

/**
 * The pods that k0s itself starts, as they are on a single node: pkg/component/controller/{kuberouter,kubeproxy,coredns,
 * metricserver}.go of k0s, the same requests in every release from 1.26 to 1.36. CoreDNS had a memory limit
 * up to 1.33, whose last patch releases have none either. Konnectivity is not there with `--single`,
 * and with workers the program switches it off.
 */
const k0sPodsByMinor: { fromMinor: number; pods: K0sPod[] }[] = [
  { fromMinor: 34, pods: pods({}) },
  { fromMinor: 0, pods: pods({ memory: "170Mi" }) },
];

function pods(coreDnsLimits: Record<string, string>): K0sPod[] {
  return [
    {
      workload: "kube-router",
      kind: "DaemonSet",
      component: "network-provider",
      resources: { requests: { cpu: "250m", memory: "16Mi" } },
      surge: 0,
      priorityClass: "system-node-critical",
    },
    {
      workload: "kube-proxy",
      kind: "DaemonSet",
      component: "kube-proxy",
      resources: {},
      surge: 0,
      priorityClass: "system-node-critical",
    },
    {
      workload: "coredns",
      kind: "Deployment",
      component: "coredns",
      resources: { requests: { cpu: "100m", memory: "70Mi" }, limits: coreDnsLimits },
      surge: 1,
      priorityClass: "system-cluster-critical",
    },
    {
      workload: "metrics-server",
      kind: "Deployment",
      component: "metrics-server",
      // Per ten nodes.
      resources: { requests: { cpu: "10m", memory: "30M" } },
      surge: 1,
      priorityClass: "system-cluster-critical",
    },
  ];
}

/**
 * The pods of k0s.
 * @param version Release tag, for instance `v1.35.7+k0s.0`.
 * @param disabledComponents Names for `k0s controller --disable-components`.
 * @param nodes How many nodes there are.
 */
export function k0sPods(version: string, disabledComponents: string[], nodes = 1): PodBudget[] {
  const minor = kubernetesMinor(version) ?? 0;
  const release = k0sPodsByMinor.find(({ fromMinor }) => minor >= fromMinor);
  return (release?.pods ?? [])
    .filter(({ component }) => !disabledComponents.includes(component))
    .map(({ workload, kind, resources, surge, priorityClass }) => {
      const replicas = workload === "coredns" ? coreDnsReplicas(nodes) : 1;
      return podBudget({
        component: "k0s",
        name: `kube-system/${workload}`,
        replicas,
        // With two or three replicas k0s lets one end before its successor starts.
        surge: replicas === 2 || replicas === 3 ? 0 : surge,
        priority: priorities[priorityClass] ?? 0,
        containers: [{ name: workload, resources }],
        rules: k0sRules(workload, kind, replicas),
      });
    });
}

/** One, with two nodes two, and one more for each ten: replicaCount in pkg/component/controller/coredns.go of k0s. */
function coreDnsReplicas(nodes: number): number {
  return nodes <= 1 ? 1 : 1 + Math.ceil(nodes / 10);
}

/** Tolerations, selectors and anti-affinity in the same sources; CoreDNS' pods are apart if there are several. */
function k0sRules(workload: string, kind: K0sPod["kind"], replicas: number): PodRules {
  const everywhere = ["NoSchedule", "NoExecute"].map((effect): Toleration => ({
    effect,
    operator: "Exists",
  }));
  const controlPlane = ["master", "control-plane"].map((role): Toleration => ({
    key: `node-role.kubernetes.io/${role}`,
    effect: "NoSchedule",
    operator: "Exists",
  }));
  const labels = { "k8s-app": workload === "coredns" ? "kube-dns" : workload };
  const rules = podRules({ nodeSelector: { "kubernetes.io/os": "linux" } }, labels);
  const isDaemon = kind === "DaemonSet";
  return {
    ...rules,
    daemon: isDaemon,
    tolerations: isDaemon ? everywhere : controlPlane,
    apart:
      workload === "coredns" && replicas > 1
        ? [{ topologyKey: "kubernetes.io/hostname", pods: { matchLabels: labels } }]
        : [],
  };
}
