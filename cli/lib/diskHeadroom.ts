import { parseQuantity } from "../../lib/quantity";

/** A filesystem as a kubelet's `/stats/summary` has it. */
export interface FilesystemStats {
  availableBytes?: number;
  capacityBytes?: number;
}

/** The filesystems by whose free space a kubelet evicts pods. */
export interface DiskStats {
  /** That of kubelet's own directory, with the pods' volumes. */
  fs?: FilesystemStats;
  runtime?: {
    /** That of the images. */
    imageFs?: FilesystemStats;
  };
}

/** How far a node's disk is from eviction, in MiB. */
export interface DiskHeadroom {
  /** Whose filesystem it is: the one of the two that comes to its threshold first. */
  of: "images" | "pods";
  capacity: number;
  available: number;
  /** With less than that available, kubelet evicts pods. */
  threshold: number;
  /** Available without the threshold; negative where pods are evicted. */
  headroom: number;
}

/** A kubelet's `evictionHard`: percentages or quantities, by signal. */
export type EvictionThresholds = Record<string, string>;

/** kubelet's own (DefaultEvictionHard in pkg/kubelet/eviction/defaults_linux.go of Kubernetes). */
const defaults: EvictionThresholds = { "imagefs.available": "15%", "nodefs.available": "10%" };

/**
 * How far a node's disk is from eviction.
 * @param node The part `node` of its kubelet's `/stats/summary`.
 * @param thresholds Defaults to kubelet's own. Where some are given, those that are not are 0, as for kubelet.
 * @returns undefined where the kubelet has not looked yet.
 */
export function diskHeadroom(
  node: DiskStats,
  thresholds: EvictionThresholds = defaults,
): DiskHeadroom | undefined {
  const disks = [
    headroom("images", node.runtime?.imageFs, thresholds["imagefs.available"]),
    headroom("pods", node.fs, thresholds["nodefs.available"]),
  ].filter((disk) => disk !== undefined);
  return disks.sort((a, b) => a.headroom - b.headroom)[0];
}

/** One line about a node's disk. */
export function diskLine(name: string, disk: DiskHeadroom): string {
  const free = `${disk.available} of ${disk.capacity} MiB are free on the disk of ${disk.of}`;
  const until =
    disk.headroom > 0
      ? `${disk.headroom} MiB more, and kubelet evicts pods (below ${disk.threshold} MiB)`
      : `kubelet evicts pods (below ${disk.threshold} MiB): free some or enlarge the disk`;
  return `${name}: ${free}; ${until}.`;
}

function headroom(
  of: DiskHeadroom["of"],
  { availableBytes, capacityBytes }: FilesystemStats = {},
  threshold = "0",
): DiskHeadroom | undefined {
  if (availableBytes === undefined || capacityBytes === undefined) {
    return undefined;
  }
  const mebibytes = (bytes: number): number => Math.floor(bytes / 2 ** 20);
  const [available, least] = [
    mebibytes(availableBytes),
    mebibytes(bytesOf(threshold, capacityBytes)),
  ];
  return {
    of,
    capacity: mebibytes(capacityBytes),
    available,
    threshold: least,
    headroom: available - least,
  };
}

/** A threshold in bytes: a part of the disk, or a quantity. */
function bytesOf(threshold: string, capacity: number): number {
  return threshold.endsWith("%")
    ? (capacity * Number.parseFloat(threshold)) / 100
    : Number(parseQuantity(threshold) / parseQuantity("1"));
}
