import { KubernetesObject } from "../../cluster/kubernetesObject";
import { ConfigMaps } from "./settings";

/** Flags of config-features that are off where nobody sets them (defaultFeaturesConfig in serving's pkg/apis/config/features.go). */
const offByDefault = [
  "multi-container-probing",
  "kubernetes.containerspec-addcapabilities",
  "kubernetes.podspec-affinity",
  "kubernetes.podspec-dnsconfig",
  "kubernetes.podspec-dnspolicy",
  "kubernetes.podspec-fieldref",
  "kubernetes.podspec-hostaliases",
  "kubernetes.podspec-hostipc",
  "kubernetes.podspec-hostnetwork",
  "kubernetes.podspec-hostpid",
  "kubernetes.podspec-init-containers",
  "kubernetes.podspec-nodeselector",
  "kubernetes.podspec-persistent-volume-claim",
  "kubernetes.podspec-persistent-volume-write",
  "kubernetes.podspec-priorityclassname",
  "kubernetes.podspec-runtimeclassname",
  "kubernetes.podspec-schedulername",
  "kubernetes.podspec-securitycontext",
  "kubernetes.podspec-shareprocessnamespace",
  "kubernetes.podspec-tolerations",
  "kubernetes.podspec-topologyspreadconstraints",
  "kubernetes.podspec-volumes-csi",
  "kubernetes.podspec-volumes-ephemeral",
  "kubernetes.podspec-volumes-hostpath",
  "kubernetes.podspec-volumes-image",
  "kubernetes.podspec-volumes-mount-propagation",
] as const;

/** Those that are on. */
const onByDefault = ["multi-container", "kubernetes.podspec-volumes-emptydir"] as const;

/** A flag of config-features that a field of a Service needs. */
export type Feature = (typeof offByDefault)[number] | (typeof onByDefault)[number];

/**
 * Flags that stay on once they are, for `ignoreChanges`. A revision that Knative keeps may have a field that needs one, and
 * without the flag Knative's webhook refuses every update of it, even the one that lets it be deleted.
 */
export function keptFeatures({ kind, metadata, data = {} }: KubernetesObject): string[] {
  return kind === "ConfigMap" && metadata.name === "config-features"
    ? offByDefault.filter((flag) => !(flag in data)).map((flag) => `data["${flag}"]`)
    : [];
}

/** How a flag stands: `unset` where Knative's own default is off and the user did not decide. */
export type FlagState = "enabled" | "allowed" | "disabled" | "unset";

/** How a flag stands with the settings of a user. Knative compares without regard to case, and ignores other words. */
export function flagState(feature: Feature, configMaps: ConfigMaps): FlagState {
  const text = configMaps["config-features"]?.[feature]?.toLowerCase();
  if (text === "enabled" || text === "allowed" || text === "disabled") {
    return text;
  }
  return (onByDefault as readonly string[]).includes(feature) ? "enabled" : "unset";
}
