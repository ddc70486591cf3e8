import * as pulumi from "@pulumi/pulumi";
import { ServingObjects } from "./servingObjects";
import { Cluster, clusterOptions } from "../cluster/cluster";
import { admissionGate } from "../host/admissionGate";
import { ManifestSet } from "../cluster/manifestSet";

/** Knative Serving's objects, and the cluster they go to. */
export interface KnativeServingArgs {
  /** The cluster that it is put into. */
  cluster: Cluster;
  /** The objects of serving-crds.yaml and serving-core.yaml, after transforms, each once. */
  objects: ServingObjects;
}

/**
 * Knative Serving: the namespace and the definitions, then the core, then what its own webhook must admit first
 * (the release holds a Certificate that deadlocks an installation in one go: knative/operator#2179).
 */
export class KnativeServing extends pulumi.ComponentResource {
  /** The namespace and the established definitions: enough for an ingress controller to start. */
  public readonly definitions: pulumi.Resource[];
  /** The core with an answering webhook: enough for a Knative Service. */
  public readonly ready: pulumi.Resource[];

  constructor(name: string, args: KnativeServingArgs, opts?: pulumi.ComponentResourceOptions) {
    super("knative-edge:index:KnativeServing", name, {}, clusterOptions(args.cluster, opts));
    const { cluster } = args;
    const { definitions, core, admitted } = args.objects;
    const manifests = new ManifestSet(name, { parent: this, cluster });

    manifests.add(definitions);
    this.definitions = [...manifests.resources];
    manifests.add(core, this.definitions);
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
