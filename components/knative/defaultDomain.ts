import * as pulumi from "@pulumi/pulumi";
import { Cluster, clusterOptions } from "../cluster/cluster";
import { KubernetesObject } from "../cluster/kubernetesObject";
import { ManifestSet } from "../cluster/manifestSet";

/** What the domain is made of. */
export interface DefaultDomainArgs {
  /** The cluster that its objects are put into. */
  cluster: Cluster;
  /**
   * The objects of serving-default-domain.yaml, after transforms; none where the domain stands in config-domain already.
   * The Job gives up when the gateway has no address, so it starts only then.
   */
  objects: KubernetesObject[];
  /** The domain in config-domain. By default `<address>.sslip.io`, which the Job writes there. */
  domain?: string;
  /** The gateway's address. */
  address: pulumi.Input<string>;
}

/** Knative's default domain: one that is configured, or the Job that makes one of the load balancer's address. */
export class DefaultDomain extends pulumi.ComponentResource {
  /** The domain of the services' URLs. */
  public readonly domain: pulumi.Output<string>;
  /** Services get their URL once these are there. */
  public readonly ready: pulumi.Resource[];

  constructor(
    name: string,
    args: DefaultDomainArgs,
    opts: pulumi.ComponentResourceOptions & { dependsOn: pulumi.Resource[] },
  ) {
    super("knative-edge:index:DefaultDomain", name, {}, clusterOptions(args.cluster, opts));
    const manifests = new ManifestSet(name, { parent: this, cluster: args.cluster });
    manifests.add(args.objects, opts.dependsOn);
    this.domain = pulumi.output(args.domain ?? pulumi.interpolate`${args.address}.sslip.io`);
    // A component without children drops its own dependencies (pulumi/pulumi#8721), so they are handed on.
    this.ready = manifests.resources.length > 0 ? manifests.resources : opts.dependsOn;
    this.registerOutputs({});
  }
}
