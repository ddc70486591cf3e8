import { Cluster, nameInCluster, withCluster } from "../cluster/cluster";
import { Manifest } from "../cluster/manifest";
import { NamespaceTraits, priorityClassName } from "./namespaceTraits";

/**
 * A namespace for services, made if it is not there, with its quota and its priority. The namespace stays when the stack has
 * no service in it any more: what else is in it is not the stack's to delete.
 * @param traits Defaults to none.
 */
export function serviceNamespace(
  name: string,
  cluster: Cluster,
  { quota, priority }: NamespaceTraits = {},
): Manifest[] {
  const life = { ...withCluster(cluster), provider: cluster.provider };
  // Every cluster has it.
  const own =
    name === "default"
      ? []
      : [
          new Manifest(
            `namespace-${name}`,
            { apiVersion: "v1", kind: "Namespace", metadata: { name } },
            { ...life, retainOnDelete: true },
          ),
        ];
  const made = [...own];
  if (quota !== undefined) {
    const { cpu, memory, pods } = quota;
    const hard = {
      ...(cpu !== undefined && { "requests.cpu": cpu }),
      ...(memory !== undefined && { "requests.memory": memory }),
      ...(pods !== undefined && { pods: String(pods) }),
    };
    const metadata = { name: "services", namespace: name };
    made.push(
      new Manifest(
        `quota-${name}`,
        { apiVersion: "v1", kind: "ResourceQuota", metadata, spec: { hard } },
        { ...life, dependsOn: own },
      ),
    );
  }
  if (priority !== undefined) {
    made.push(
      new Manifest(
        nameInCluster(`priority-${name}`, cluster),
        {
          apiVersion: "scheduling.k8s.io/v1",
          kind: "PriorityClass",
          metadata: { name: priorityClassName(name) },
          value: priority,
          description: `Services of the namespace ${name}`,
        },
        // No PriorityClass may change its value.
        { ...life, replaceOnChanges: ["value"], deleteBeforeReplace: true },
      ),
    );
  }
  return made;
}
