import { Cluster, withCluster } from "../cluster/cluster";
import { Manifest } from "../cluster/manifest";

/**
 * A namespace for services, made if it is not there. It stays when the stack has no service in it any more: what else is in
 * it is not the stack's to delete.
 */
export function serviceNamespace(name: string, cluster: Cluster): Manifest {
  return new Manifest(
    `namespace-${name}`,
    { apiVersion: "v1", kind: "Namespace", metadata: { name } },
    { ...withCluster(cluster), provider: cluster.provider, retainOnDelete: true },
  );
}
