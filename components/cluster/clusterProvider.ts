import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { Cluster, withCluster } from "./cluster";

/** What a provider needs of a cluster. */
export interface ClusterProviderArgs extends Pick<Cluster, "identifier" | "resource"> {
  /** Admin kubeconfig. Secret. */
  kubeconfig: pulumi.Input<string>;
}

/** A Kubernetes provider with the settings that these components count on. */
export function clusterProvider(
  name: string,
  { kubeconfig, ...cluster }: ClusterProviderArgs,
  opts?: pulumi.ResourceOptions,
): k8s.Provider {
  return new k8s.Provider(
    name,
    {
      kubeconfig,
      // Known at preview, so that a preview needs no host, and a new kubeconfig replaces nothing.
      clusterIdentifier: cluster.identifier,
      // Otherwise a changed ConfigMap is deleted and made anew, under Knative's feet.
      enableConfigMapMutable: true,
      enableSecretMutable: true,
      // An object that is there but not in the state is taken over, as after a run that was killed or a state that was
      // restored from an older checkpoint; otherwise its creation is an error, and no plain `up` gets past it. Whoever
      // applied it then owned its fields, hence the force.
      upsertExistingObjects: true,
      enablePatchForce: true,
    },
    { ...opts, ...withCluster(cluster) },
  );
}
