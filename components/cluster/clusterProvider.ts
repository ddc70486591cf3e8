import * as k8s from "@pulumi/kubernetes";
import { K0sHost } from "../host/k0sHost";

/** The Kubernetes provider for the cluster on a host. */
export function clusterProvider(name: string, host: K0sHost): k8s.Provider {
  return new k8s.Provider(
    name,
    {
      kubeconfig: host.kubeconfig,
      // Known at preview, so that a preview needs no host, and a new kubeconfig replaces nothing.
      clusterIdentifier: host.clusterIdentifier,
      // Otherwise a changed ConfigMap is deleted and made anew, under Knative's feet.
      enableConfigMapMutable: true,
      enableSecretMutable: true,
      // An object that is there but not in the state is taken over, as after a run that was killed or a state that was
      // restored from an older checkpoint; otherwise its creation is an error, and no plain `up` gets past it. Whoever
      // applied it then owned its fields, hence the force.
      upsertExistingObjects: true,
      enablePatchForce: true,
    },
    { deletedWith: host.cluster },
  );
}
