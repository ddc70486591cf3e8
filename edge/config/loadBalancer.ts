import {
  cidrError,
  cidrsOverlap,
  isAddress,
  parsePool,
  poolErrors,
  poolFormError,
  subnetAround,
} from "../pool";
import { Reader } from "./reader";
import { readRelease } from "./releases";

/** MetalLB, and the addresses that it gives away. */
export interface LoadBalancerConfig {
  /** MetalLB release, for instance `v0.16.1`. */
  version: string;
  /** Ranges (`a-b`) for MetalLB's IPAddressPool. */
  addresses: string[];
}

/** Reads the pool, and checks it against the host, its subnet and the cluster's networks. */
export function readLoadBalancer(read: Reader, nodeAddress: string): LoadBalancerConfig {
  const version = readRelease(read, "metallbVersion");
  const pool = read.requiredText(
    "loadBalancerPool",
    "give free addresses of the host's subnet, such as a-b.",
  );
  const given = read.text("hostSubnet");
  const subnetError = given === undefined ? undefined : cidrError(given);
  if (subnetError !== undefined) {
    read.add("hostSubnet", subnetError);
  }
  const routed = read.boolean("poolRouted");
  const formError = pool === "" ? undefined : poolFormError(pool);
  if (formError !== undefined) {
    read.add("loadBalancerPool", formError);
  }
  const isUnclear = pool === "" || formError !== undefined || subnetError !== undefined;
  if (isUnclear || !isAddress(nodeAddress)) {
    return { version, addresses: [] };
  }
  const hostSubnet = given ?? subnetAround(nodeAddress);
  if (!cidrsOverlap(hostSubnet, `${nodeAddress}/32`)) {
    read.add(
      "hostSubnet",
      `${hostSubnet} does not hold the host's address ${nodeAddress}; correct one of the two.`,
    );
    return { version, addresses: [] };
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
  const errors = poolErrors(pool, { nodeAddress, hostSubnet, routed, podCidr, serviceCidr });
  errors.forEach((error) => read.add("loadBalancerPool", error));
  return { version, addresses: errors.length > 0 ? [] : parsePool(pool) };
}
