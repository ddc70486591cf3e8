import {
  AddressRange,
  cidrError,
  cidrsOverlap,
  isAddress,
  networkEnd,
  parsePool,
  poolErrors,
  PoolSurroundings,
  subnetAround,
} from "../../components/metallb/pool";
import { Reader } from "./reader";
import { readRelease } from "./releases";

/** MetalLB in layer-2 mode. */
export interface MetalLbConfig {
  kind: "metallb";
  /** MetalLB release, for instance `v0.16.1`. */
  version: string;
  /** The pool. */
  addresses: AddressRange[];
}

/** Where services answer: at an address that MetalLB gives, or at the node's own. */
export type LoadBalancer = MetalLbConfig | { kind: "nodeIp" };

/** Reads which load balancer it is and, for MetalLB, the pool, which is checked against the networks around the host. */
export function readLoadBalancer(read: Reader, nodeAddress: string): LoadBalancer {
  const surroundings = readSurroundings(read, nodeAddress);
  const kind = read.text("loadBalancer");
  if (kind === "nodeIp") {
    const why = "does nothing with loadBalancer nodeIp; unset it, or set that to metallb.";
    read.unused(["loadBalancerPool", "metallbVersion", "poolRouted"], why);
    return { kind };
  }
  if (kind !== "metallb") {
    read.add("loadBalancer", `"${kind}" is neither metallb nor nodeIp.`);
  }
  return {
    kind: "metallb",
    version: readRelease(read, "metallbVersion"),
    addresses: readPool(read, surroundings),
  };
}

/** The pool's ranges; none where the text is no pool. */
function readPool(
  read: Reader,
  surroundings: Omit<PoolSurroundings, "routed"> | undefined,
): AddressRange[] {
  const key = "loadBalancerPool";
  const routed = read.boolean("poolRouted");
  const pool = read.requiredText(
    key,
    "give free addresses of the host's subnet, such as a-b, or set loadBalancer to nodeIp.",
  );
  const ranges = pool === "" ? [] : (read.parsed(key, parsePool) ?? []);
  if (surroundings !== undefined) {
    poolErrors(ranges, { ...surroundings, routed }).forEach((error) => read.add(key, error));
  }
  return ranges;
}

/** The networks around the host; undefined where they are unclear, which is reported. */
function readSurroundings(
  read: Reader,
  nodeAddress: string,
): Omit<PoolSurroundings, "routed"> | undefined {
  const given = read.text("hostSubnet");
  const subnetError = given === undefined ? undefined : cidrError(given);
  if (subnetError !== undefined) {
    read.add("hostSubnet", subnetError);
  }
  if (subnetError !== undefined || !isAddress(nodeAddress)) {
    return undefined;
  }
  const hostSubnet = given ?? subnetAround(nodeAddress);
  if (!cidrsOverlap(hostSubnet, `${nodeAddress}/32`)) {
    read.add(
      "hostSubnet",
      `${hostSubnet} does not hold the host's address ${nodeAddress}; correct one of the two.`,
    );
    return undefined;
  }
  const end = networkEnd(nodeAddress, hostSubnet);
  if (end !== undefined) {
    read.add(
      read.text("nodeAddress") === undefined ? "host" : "nodeAddress",
      `${nodeAddress} is the ${end} of ${hostSubnet}, which no host can have; correct it, or set hostSubnet to the ` +
        "subnet of the host's network interface.",
    );
    return undefined;
  }
  // A network that is wrong in itself is reported where it is read.
  const networks = Object.fromEntries(
    ["podCidr", "serviceCidr"].map((key) => [
      key,
      cidrError(read.text(key) ?? "") ? undefined : read.text(key),
    ]),
  );
  const { podCidr = "0.0.0.0/32", serviceCidr = "0.0.0.0/32" } = networks;
  for (const [key, cidr] of Object.entries({ podCidr, serviceCidr })) {
    if (cidrsOverlap(cidr, hostSubnet)) {
      read.add(
        key,
        `${cidr} overlaps the host's subnet ${hostSubnet}; take a network that is used nowhere else.`,
      );
    }
  }
  return { nodeAddress, hostSubnet, podCidr, serviceCidr };
}
