// The components and what their arguments are made of; everything else is internal to a folder.
export type { Cluster } from "./cluster/cluster";
export { clusterProvider, type ClusterProviderArgs } from "./cluster/clusterProvider";
export { Manifest } from "./cluster/manifest";
export { ManifestSet } from "./cluster/manifestSet";
export type { ImageBundle } from "./host/k0sSettings";
export { renderK0sConfig } from "./host/k0sConfig";
export { hostConnection } from "./host/hostConnection";
export type { HostConnection } from "./host/hostScript";
export { K0sHost, type HostFacts, type K0sHostArgs } from "./host/k0sHost";
export type { Ingress } from "./ingress/ingress";
export { Kourier, type KourierArgs } from "./ingress/kourier";
export { DefaultDomain, type DefaultDomainArgs } from "./knative/defaultDomain";
export { HttpProbe, type HttpProbeArgs } from "./knative/httpProbe";
export { servingSteps, type ServingObjects } from "./knative/servingObjects";
export { KnativeService, type KnativeServiceArgs } from "./knative/knativeService";
export { KnativeServing, type KnativeServingArgs } from "./knative/knativeServing";
export { addressSource, type AddressSource } from "./metallb/addressSource";
export { MetalLb, type MetalLbArgs } from "./metallb/metalLb";
