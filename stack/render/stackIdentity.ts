import { StackIdentity } from "../../components/host/changeGuards";
import { EdgeConfig } from "../config";
import { kubernetesOf, releasedComponents } from "../releases/releaseTable";

/** What a stack is built on, by its configuration. Storage and data directory are k0s' own for a single node. */
export function stackIdentity({ host, hostGeneration, k0s, knative }: EdgeConfig): StackIdentity {
  return {
    host: host.address,
    hostGeneration,
    k0sVersion: k0s.version,
    storage: "kine",
    podCidr: k0s.podCidr,
    serviceCidr: k0s.serviceCidr,
    dataDir: "/var/lib/k0s",
    knativeVersion: knative.version,
    // A release that is not known is refused before this, or its user knows better.
    knativeKubernetes: kubernetesOf(releasedComponents.knativeVersion, knative.version) ?? {
      minor: 0,
    },
  };
}
