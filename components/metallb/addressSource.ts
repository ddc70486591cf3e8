import * as pulumi from "@pulumi/pulumi";
import { MetalLb, MetalLbArgs } from "./metalLb";

/** What gives Services of type LoadBalancer their address. */
export interface AddressSource {
  /** Once these are there, such a Service gets an address. */
  readonly pool: pulumi.Resource[];
  /** Once these are there too, the address answers. */
  readonly ready: pulumi.Resource[];
}

/** A cluster that gives addresses by itself, or whose Services have the node's own: nothing has to be waited for. */
export const givenAddresses: AddressSource = { pool: [], ready: [] };

/** MetalLB, where it is asked for; or else the node itself, whose address stands in the Service already. */
export function addressSource(
  name: string,
  args: Pick<MetalLbArgs, "cluster" | "objects"> &
    ({ kind: "nodeIp" } | ({ kind: "metallb" } & Pick<MetalLbArgs, "addresses">)),
): AddressSource {
  if (args.kind === "nodeIp") {
    return givenAddresses;
  }
  const { cluster, objects, addresses } = args;
  return new MetalLb(name, { cluster, objects, addresses });
}
