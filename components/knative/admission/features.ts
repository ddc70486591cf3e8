import { ConfigMaps } from "./settings";

/** A flag of config-features that a field of a Service needs. */
export type Feature =
  | "multi-container"
  | "multi-container-probing"
  | "kubernetes.containerspec-addcapabilities"
  | "kubernetes.podspec-persistent-volume-claim"
  | "kubernetes.podspec-persistent-volume-write"
  | `kubernetes.podspec-${
      | "affinity"
      | "dnsconfig"
      | "dnspolicy"
      | "fieldref"
      | "hostaliases"
      | "hostipc"
      | "hostnetwork"
      | "hostpid"
      | "init-containers"
      | "nodeselector"
      | "priorityclassname"
      | "runtimeclassname"
      | "schedulername"
      | "securitycontext"
      | "shareprocessnamespace"
      | "tolerations"
      | "topologyspreadconstraints"
      | "volumes-csi"
      | "volumes-emptydir"
      | "volumes-ephemeral"
      | "volumes-hostpath"
      | "volumes-image"
      | "volumes-mount-propagation"}`;

/** The flags that are on where nobody sets them (defaultFeaturesConfig in serving's pkg/apis/config/features.go). */
const onByDefault: Feature[] = ["multi-container", "kubernetes.podspec-volumes-emptydir"];

/** How a flag stands: `unset` where Knative's own default is off and the user did not decide. */
export type FlagState = "enabled" | "allowed" | "disabled" | "unset";

/** How a flag stands with the settings of a user. Knative compares without regard to case, and ignores other words. */
export function flagState(feature: Feature, configMaps: ConfigMaps): FlagState {
  const text = configMaps["config-features"]?.[feature]?.toLowerCase();
  if (text === "enabled" || text === "allowed" || text === "disabled") {
    return text;
  }
  return onByDefault.includes(feature) ? "enabled" : "unset";
}
