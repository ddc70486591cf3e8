import ipaddr from "ipaddr.js";
import { UserError } from "../../lib/userError";
import { KubernetesObject } from "../cluster/kubernetesObject";

/** A range of IPv4 addresses, both ends in it. */
export interface AddressRange {
  first: number;
  last: number;
}

/** Networks whose addresses no host's interface has, and their use (RFC 6890). */
const specialNetworks: Record<string, string> = {
  "0.0.0.0/8": "reserved",
  "127.0.0.0/8": "loopback",
  "169.254.0.0/16": "link-local",
  "224.0.0.0/4": "multicast",
  "240.0.0.0/4": "reserved",
};

/** The special use of an IPv4 network, such as `loopback`; undefined if a host's interface may have its addresses. */
export function specialUse(cidr: string): string | undefined {
  return specialUseOf(parseCidr(cidr));
}

function specialUseOf(range: AddressRange): string | undefined {
  const found = Object.entries(specialNetworks).find(([cidr]) => overlap(range, parseCidr(cidr)));
  return found?.[1];
}

/** What a pool must not touch. */
export interface PoolSurroundings {
  /** IPv4 address of the host. */
  nodeAddress: string;
  /** The subnet that the host's network interface is in, as a CIDR. */
  hostSubnet: string;
  /** True when a router sends the pool's addresses to the host, so they need not be in its subnet. */
  routed: boolean;
  podCidr: string;
  serviceCidr: string;
}

/**
 * Parses a pool: `a-b`, a CIDR or one address, or several with commas between them.
 * @throws UserError that names the part that is none of these.
 */
export function parsePool(text: string): AddressRange[] {
  return text.split(",").map((part) => parseRange(part.trim()));
}

/**
 * What is wrong with a pool, one sentence each; empty when it can be used. In layer 2 the host answers ARP for the
 * pool's addresses, so they must be free addresses of its own subnet.
 */
export function poolErrors(ranges: AddressRange[], surroundings: PoolSurroundings): string[] {
  const { nodeAddress, hostSubnet, routed, podCidr, serviceCidr } = surroundings;
  const subnet = parseCidr(hostSubnet);
  const node = toNumber(nodeAddress);
  const errors: string[] = [];
  ranges.forEach((range, index) => {
    const name = describe(range);
    const say = (what: string): number => errors.push(`${name} ${what}`);
    const use = specialUseOf(range);
    if (use !== undefined) {
      say(`has ${use} addresses, which no load balancer can have; take others.`);
    }
    if (contains(range, node)) {
      say(`holds the host's own address ${nodeAddress}; leave it out.`);
    }
    if (!routed && !(contains(subnet, range.first) && contains(subnet, range.last))) {
      say(
        `is not inside the host's subnet ${hostSubnet}; take free addresses of it, or correct hostSubnet, ` +
          `or set poolRouted to true when a router sends these addresses to the host.`,
      );
    }
    const special = specialAddress(range, subnet);
    if (special !== undefined) {
      say(special);
    }
    for (const [kind, cidr] of Object.entries({ podCidr, serviceCidr })) {
      if (overlap(range, parseCidr(cidr))) {
        say(`overlaps ${kind} ${cidr}, which Kubernetes uses inside; take other addresses.`);
      }
    }
    const twice = ranges.slice(0, index).find((other) => overlap(other, range));
    if (twice !== undefined) {
      say(`overlaps ${describe(twice)}, which is in the pool too; name each address once.`);
    }
  });
  return errors;
}

/** The first address of a pool; undefined for one without a range. */
export function firstAddress([range]: AddressRange[]): string | undefined {
  return range && toText(range.first);
}

/** Whether one of a pool's ranges holds an address. */
export function isInPool(ranges: AddressRange[], address: string): boolean {
  return ranges.some((range) => contains(range, toNumber(address)));
}

/** MetalLB's IPAddressPool. It would take CIDRs too, but ranges alone are easier to compare in previews. */
export function ipAddressPool(ranges: AddressRange[]): KubernetesObject {
  const addresses = ranges.map(({ first, last }) => `${toText(first)}-${toText(last)}`);
  return {
    apiVersion: "metallb.io/v1beta1",
    kind: "IPAddressPool",
    metadata: { name: "edge", namespace: "metallb-system" },
    // Some devices take addresses that end in .0 or .255 for networks and broadcasts.
    spec: { addresses, avoidBuggyIPs: true },
  };
}

/** The L2Advertisement without which MetalLB hands out a pool's addresses but never answers for them. */
export function l2Advertisement(pool: KubernetesObject): KubernetesObject {
  return {
    apiVersion: "metallb.io/v1beta1",
    kind: "L2Advertisement",
    metadata: { ...pool.metadata },
    spec: { ipAddressPools: [pool.metadata.name] },
  };
}

/** What is wrong with an IPv4 CIDR; undefined for a good one, with or without host bits. */
export function cidrError(text: string): string | undefined {
  return ipaddr.IPv4.isValidCIDRFourPartDecimal(text)
    ? undefined
    : `"${text}" is not an IPv4 network; write it like 192.168.56.0/24.`;
}

/** True when two IPv4 CIDRs have an address in common. */
export function cidrsOverlap(a: string, b: string): boolean {
  return overlap(parseCidr(a), parseCidr(b));
}

/** Whether an address is the first or the last of an IPv4 network, which no host can have; undefined for any other. */
export function networkEnd(
  address: string,
  cidr: string,
): "network address" | "broadcast address" | undefined {
  const { first, last } = parseCidr(cidr);
  // Networks of one address or two have neither (RFC 3021).
  if (last - first < 2) {
    return undefined;
  }
  const number = toNumber(address);
  return number === first ? "network address" : number === last ? "broadcast address" : undefined;
}

/** The /24 around an IPv4 address, as a CIDR. */
export function subnetAround(address: string): string {
  return `${address.split(".").slice(0, 3).join(".")}.0/24`;
}

function parseRange(text: string): AddressRange {
  if (ipaddr.IPv4.isValidCIDRFourPartDecimal(text)) {
    return parseCidr(text);
  }
  const [first, last = first, ...more] = text.split("-").map((end) => end.trim());
  if (
    first === undefined ||
    last === undefined ||
    more.length > 0 ||
    ![first, last].every(isAddress)
  ) {
    throw new UserError(
      `"${text}" is no range of IPv4 addresses; write it like 192.168.56.50-192.168.56.59, ` +
        `192.168.56.48/29 or 192.168.56.50.`,
    );
  }
  const range = { first: toNumber(first), last: toNumber(last) };
  if (range.last < range.first) {
    throw new UserError(`${text} ends before it starts; write the lower address first.`);
  }
  return range;
}

/** True for an IPv4 address in its usual form of four decimal numbers. */
export function isAddress(text: string): boolean {
  return ipaddr.IPv4.isValidFourPartDecimal(text);
}

function parseCidr(text: string): AddressRange {
  return {
    first: fromBytes(ipaddr.IPv4.networkAddressFromCIDR(text)),
    last: fromBytes(ipaddr.IPv4.broadcastAddressFromCIDR(text)),
  };
}

/**
 * Finds addresses that no host should have: the subnet's own, its broadcast address, and those that end in .0 or .255.
 * MetalLB skips the latter (avoidBuggyIPs), so a range that also has other addresses is fine.
 */
function specialAddress(range: AddressRange, subnet: AddressRange): string | undefined {
  if (contains(range, subnet.first)) {
    return `holds the subnet's own address ${toText(subnet.first)}; leave it out.`;
  }
  if (contains(range, subnet.last)) {
    return `holds the subnet's broadcast address ${toText(subnet.last)}; leave it out.`;
  }
  const isBuggy = (address: number): boolean => [0, 255].includes(address & 255);
  if (isBuggy(range.first) && range.last - range.first < 2 && isBuggy(range.last)) {
    return "has only addresses that end in .0 or .255, which many devices refuse; take others.";
  }
  return undefined;
}

function contains(range: AddressRange, address: number): boolean {
  return range.first <= address && address <= range.last;
}

function overlap(a: AddressRange, b: AddressRange): boolean {
  return a.first <= b.last && b.first <= a.last;
}

function describe({ first, last }: AddressRange): string {
  return first === last ? toText(first) : `${toText(first)}-${toText(last)}`;
}

function toNumber(address: string): number {
  return fromBytes(ipaddr.IPv4.parse(address));
}

function fromBytes(address: ipaddr.IPv4): number {
  return address.octets.reduce((number, octet) => number * 256 + octet, 0);
}

function toText(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
}
