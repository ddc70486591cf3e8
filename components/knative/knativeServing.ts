import * as pulumi from "@pulumi/pulumi";
import { ServingObjects } from "./servingObjects";
import { admissionGate } from "../host/admissionGate";
import { HostConnection } from "../host/hostScript";
import { ManifestSet } from "../cluster/manifestSet";

/** Knative Serving's objects, and the cluster they go to. */
export interface KnativeServingArgs {
  /** The objects of serving-crds.yaml and serving-core.yaml, after transforms, each once. */
  objects: ServingObjects;
  /** The host on which the admission gate runs. */
  connection: pulumi.Input<HostConnection>;
  /** Which cluster it is in: K0sHost's clusterIdentifier. */
  cluster: string;
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

  constructor(name: string, args: KnativeServingArgs, opts: pulumi.ComponentResourceOptions) {
    super("knative-edge:index:KnativeServing", name, {}, opts);
    const { deletedWith } = opts;
    const { definitions, core, admitted } = args.objects;
    const manifests = new ManifestSet(name, { parent: this, deletedWith, cluster: args.cluster });

    manifests.add(definitions);
    this.definitions = [...manifests.resources];
    manifests.add(core, this.definitions);
    const gates = admitted
      .slice(0, 1)
      .map((object) =>
        admissionGate(
          `${name}-admission`,
          { connection: args.connection, object },
          { parent: this, deletedWith, dependsOn: manifests.resources },
        ),
      );
    manifests.add(admitted, gates);
    this.ready = manifests.resources;

    this.registerOutputs({});
  }
}
