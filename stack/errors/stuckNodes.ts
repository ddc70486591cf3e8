import { ClusterTrouble, Node, oneLine, seconds } from "./clusterObjects";
import { words } from "./podTroubles";

/** How long a node may be not ready, as when k0s restarts, in seconds. */
const patience = 20;

/** What kubelet does under each pressure, and what helps. Its thresholds are kubelet's defaults, which k0s leaves alone. */
const pressures: Record<string, { what: string; remedy: string }> = {
  MemoryPressure: {
    what: "MemoryPressure: the node has less than 100 MiB of memory left, so kubelet evicts pods and takes none without requests",
    remedy:
      "Stop other programs on the host, set resourcePolicy to edge, leave services out, or give the host more memory. " +
      "Pods come back up to five minutes after the pressure is over.",
  },
  DiskPressure: {
    what:
      "DiskPressure: the disk of /var/lib/k0s has less than 15 % free, or that of kubelet less than 10 %, so kubelet evicts " +
      "pods and new ones wait",
    remedy:
      "Free some disk on the host, or enlarge it; `df -h /var/lib/k0s` shows it. " +
      "Pods come back up to five minutes after the pressure is over.",
  },
  PIDPressure: {
    what: "PIDPressure: the node has too few process numbers left, so kubelet evicts pods and new ones wait",
    remedy: "Look for a program on the host that starts processes without end.",
  },
};

/** What is wrong with a node: it is under pressure, or not ready. */
export function nodeTroubles({ metadata, status }: Node, now: Date): ClusterTrouble[] {
  const where = `node ${metadata?.name ?? ""}`;
  return (status?.conditions ?? []).flatMap((condition) => {
    const { type } = condition;
    const pressure = pressures[type];
    if (pressure !== undefined && condition.status === "True") {
      return [{ key: `${where} ${type}`, where, ...pressure }];
    }
    if (type === "Ready" && condition.status !== "True") {
      return seconds(condition.lastTransitionTime, now) < patience
        ? []
        : [
            {
              key: `${where} not ready`,
              where,
              what: `the node is not Ready: ${oneLine(words({ ...condition }))}`,
              remedy: "See `journalctl -u k0scontroller` on the host.",
            },
          ];
    }
    return [];
  });
}
