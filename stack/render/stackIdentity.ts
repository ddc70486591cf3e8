import { StackIdentity } from "../../components/host/changeGuards";
import { EdgeConfig } from "../config";

/** What a stack is built on, by its configuration. */
export function stackIdentity({ host, hostGeneration, k0s }: EdgeConfig): StackIdentity {
  return {
    host: host.address,
    hostGeneration,
    k0sVersion: k0s.version,
    storage: "kine",
    podCidr: k0s.podCidr,
    serviceCidr: k0s.serviceCidr,
    dataDir: "/var/lib/k0s",
  };
}
