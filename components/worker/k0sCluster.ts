import * as pulumi from "@pulumi/pulumi";
import { Cluster } from "../cluster/cluster";
import { clusterProvider } from "../cluster/clusterProvider";
import { K0sHost } from "../host/k0sHost";
import { K0sWorker } from "./k0sWorker";

/** The nodes of a cluster. */
export interface K0sClusterArgs {
  host: K0sHost;
  /** Nodes beside the host. Objects come after all of them, so that pods are spread from the beginning. Defaults to none. */
  workers?: K0sWorker[];
}

/**
 * The cluster of a host and its workers, for the components that put objects into it.
 * @param name Of its Kubernetes provider.
 */
export function k0sCluster(
  name: string,
  { host, workers = [] }: K0sClusterArgs,
  opts?: pulumi.ResourceOptions,
): Cluster {
  const { identifier, ready: resource, connection } = host.controller;
  const provider = clusterProvider(
    name,
    { identifier, resource, kubeconfig: host.kubeconfig },
    // Their URN is in the state of every object, so it has no parent.
    { dependsOn: workers.map(({ node }) => node), ...opts },
  );
  return { identifier, resource, provider, connection };
}
