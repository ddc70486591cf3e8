import * as pulumi from "@pulumi/pulumi";
import { Cluster, clusterOptions } from "../cluster/cluster";
import { KubernetesObject } from "../cluster/kubernetesObject";
import { ManifestSet } from "../cluster/manifestSet";
import { Ingress, ServingSteps } from "../ingress/ingress";

/** What the domain is made of. */
export interface DefaultDomainArgs {
  /** The cluster that its objects are put into. */
  cluster: Cluster;
  /**
   * The objects of serving-default-domain.yaml, after transforms. By default none: the domain stands in config-domain already.
   * The Job gives up when the gateway has no address, so it starts only then.
   */
  objects?: KubernetesObject[];
  /** The domain in config-domain. By default `<address>.sslip.io`, which the Job writes there. */
  domain?: string;
  /** The ingress, at whose address the services answer. */
  ingress: Ingress;
  /** Knative Serving. By default it is in the cluster already. */
  knative?: ServingSteps;
  /** Has it start after all of the ingress, not beside it: see KourierArgs. Defaults to false. */
  oneByOne?: boolean;
}

/** Knative's default domain: one that is configured, or the Job that makes one of the load balancer's address. */
export class DefaultDomain extends pulumi.ComponentResource {
  /** The domain of the services' URLs. */
  public readonly domain: pulumi.Output<string>;
  /** Services get their URL once these are there. */
  public readonly ready: pulumi.Resource[];

  constructor(name: string, args: DefaultDomainArgs, opts?: pulumi.ComponentResourceOptions) {
    const { knative, ingress, objects = [] } = args;
    const dependsOn = [
      ...(knative?.ready ?? []),
      ...(args.oneByOne ? ingress.ready : ingress.addressed),
    ];
    super(
      "knative-edge:index:DefaultDomain",
      name,
      {},
      clusterOptions(args.cluster, pulumi.mergeOptions({ dependsOn }, opts)),
    );
    const manifests = new ManifestSet(name, { parent: this, cluster: args.cluster });
    manifests.add(objects, dependsOn);
    this.domain = pulumi.output(args.domain ?? pulumi.interpolate`${ingress.address}.sslip.io`);
    // A component without children drops its own dependencies (pulumi/pulumi#8721), so they are handed on.
    this.ready = manifests.resources.length > 0 ? manifests.resources : dependsOn;
    this.registerOutputs({});
  }
}
