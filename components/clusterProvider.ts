import * as k8s from "@pulumi/kubernetes";
import { K0sHost } from "./k0sHost";

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
    },
    { deletedWith: host.cluster },
  );
}
