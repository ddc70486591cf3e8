import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

/** What a provider needs of a cluster; a K0sHost has it. */
export interface ClusterAccess {
  /** Admin kubeconfig. Secret. */
  kubeconfig: pulumi.Input<string>;
  /** Stays the same as long as the cluster does, and is known at preview. */
  clusterIdentifier: string;
  /** The resource that stands for the cluster: when it is deleted, everything in the cluster is gone already. */
  cluster: pulumi.Resource;
}

/** The Kubernetes provider of a cluster. */
export function clusterProvider(name: string, access: ClusterAccess): k8s.Provider {
  return new k8s.Provider(
    name,
    {
      kubeconfig: access.kubeconfig,
      // Known at preview, so that a preview needs no host, and a new kubeconfig replaces nothing.
      clusterIdentifier: access.clusterIdentifier,
      // Otherwise a changed ConfigMap is deleted and made anew, under Knative's feet.
      enableConfigMapMutable: true,
      enableSecretMutable: true,
      // An object that is there but not in the state is taken over, as after a run that was killed or a state that was
      // restored from an older checkpoint; otherwise its creation is an error, and no plain `up` gets past it. Whoever
      // applied it then owned its fields, hence the force.
      upsertExistingObjects: true,
      enablePatchForce: true,
    },
    { deletedWith: access.cluster },
  );
}
