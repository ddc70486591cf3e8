import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { types } from "@pulumi/command";

/**
 * A cluster, as components take it to put objects into it. A K0sHost has one; for a cluster that is already there, write
 * `{ provider, identifier }`.
 */
export interface Cluster {
  /** The provider of the objects, best made by {@link clusterProvider}. */
  provider: k8s.Provider;
  /** Stays the same as long as the cluster does, and is known at preview. Another one replaces every object. */
  identifier: string;
  /**
   * The resource whose deletion takes the whole cluster with it, so that nothing in it is deleted one by one. By default
   * there is none, and a destroy deletes each object.
   */
  resource?: pulumi.Resource;
  /**
   * SSH connection to a host of the cluster that has k0s, where admission gates run. Without one there are no gates: an
   * object that a webhook refuses is tried again instead, see components/host/admissionGate.ts.
   */
  connection?: pulumi.Input<types.input.remote.ConnectionArgs>;
}

/** Options of a component whose objects are in a cluster, merged with those that its user gives. */
export function clusterOptions(
  { provider, resource }: Cluster,
  opts?: pulumi.ComponentResourceOptions,
): pulumi.ComponentResourceOptions {
  return pulumi.mergeOptions({ providers: [provider], deletedWith: resource }, opts);
}

/**
 * Name of a resource whose old object must be gone before the new one comes (`deleteBeforeReplace`): in another cluster it is
 * another resource, because of the old cluster nothing can be deleted any more.
 */
export function nameInCluster(name: string, { identifier }: Pick<Cluster, "identifier">): string {
  return `${name}@${identifier}`;
}

/** Options that tie a resource to the life of its cluster. */
export interface ClusterLife {
  /** The cluster takes the resource with it. */
  deletedWith?: pulumi.Resource;
  /**
   * In another cluster the resource is replaced. Its own state says which cluster it is of, so a rebuild that was
   * interrupted goes on where it stopped. By their provider alone, objects are replaced only in the run that replaces the
   * provider: to the next run they are unchanged.
   */
  replacementTrigger: string;
}

/** Ties a custom resource to the life of its cluster: an object, or a command that waits for something in the cluster. */
export function withCluster({ resource, identifier }: Omit<Cluster, "provider">): ClusterLife {
  return { deletedWith: resource, replacementTrigger: identifier };
}
