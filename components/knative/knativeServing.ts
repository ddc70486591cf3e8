import * as pulumi from "@pulumi/pulumi";
import { keptFeatures } from "./admission/features";
import { ServingObjects } from "./servingObjects";
import { Cluster, clusterOptions } from "../cluster/cluster";
import { admissionGate } from "../host/admissionGate";
import { KubernetesObject } from "../cluster/kubernetesObject";
import { ManifestSet } from "../cluster/manifestSet";
import { ServingSteps } from "../ingress/ingress";
import { kourierKind } from "../ingress/kourierKind";

/** Knative Serving's objects, and the cluster they go to. */
export interface KnativeServingArgs {
  /** The cluster that it is put into. */
  cluster: Cluster;
  /** The objects of serving-crds.yaml and serving-core.yaml, after transforms, each once. */
  objects: ServingObjects;
  /** Class of the ingress, where config-network of `objects` has none. Defaults to Kourier's. */
  ingressClass?: string;
  /** Domain of the services, where config-domain of `objects` has none. By default it is left to a DefaultDomain. */
  domain?: string;
}

/**
 * Knative Serving: the namespace and the definitions, then the core, then what its own webhook must admit first
 * (the release holds a Certificate that deadlocks an installation in one go: knative/operator#2179).
 */
export class KnativeServing extends pulumi.ComponentResource implements ServingSteps {
  /** The namespace and the established definitions: enough for an ingress controller to start. */
  public readonly definitions: pulumi.Resource[];
  /** The core with an answering webhook: enough for a Knative Service. */
  public readonly ready: pulumi.Resource[];

  constructor(name: string, args: KnativeServingArgs, opts?: pulumi.ComponentResourceOptions) {
    super("knative-edge:index:KnativeServing", name, {}, clusterOptions(args.cluster, opts));
    const { cluster } = args;
    const { definitions, core, admitted } = args.objects;
    const manifests = new ManifestSet(name, { parent: this, cluster, ignored: keptFeatures });

    manifests.add(definitions);
    this.definitions = [...manifests.resources];
    manifests.add(core.map(withDefaults(args)), this.definitions);
    const [object] = admitted;
    if (object !== undefined) {
      const { dependsOn, hooks } = admissionGate(
        `${name}-admission`,
        { cluster, object },
        { parent: this, dependsOn: manifests.resources },
      );
      manifests.add(admitted, dependsOn, undefined, hooks);
    }
    this.ready = manifests.resources;

    this.registerOutputs({});
  }
}

/** Sets in Knative's ConfigMaps what it cannot do without, where they do not have it. */
function withDefaults({
  ingressClass = kourierKind.ingressClass,
  domain,
}: KnativeServingArgs): (object: KubernetesObject) => KubernetesObject {
  const defaults: Record<string, Record<string, string>> = {
    "config-network": { "ingress-class": ingressClass },
    ...(domain !== undefined && { "config-domain": { [domain]: "" } }),
  };
  return (object) => {
    const data = object.kind === "ConfigMap" ? defaults[object.metadata.name] : undefined;
    return data === undefined ? object : { ...object, data: { ...data, ...object.data } };
  };
}
