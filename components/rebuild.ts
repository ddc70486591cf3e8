import * as pulumi from "@pulumi/pulumi";

/**
 * For what waits for something in the cluster: in a rebuilt cluster it waits again. The objects are replaced by their
 * provider's clusterIdentifier; a command knows nothing of a cluster.
 */
export function replacedWith({ deletedWith }: pulumi.ResourceOptions): pulumi.Resource[] {
  return deletedWith === undefined ? [] : [deletedWith];
}
