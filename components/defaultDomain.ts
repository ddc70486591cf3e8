import * as pulumi from "@pulumi/pulumi";
import { KubernetesObject } from "../edge/manifests";
import { ManifestSet } from "./manifestSet";

export interface DefaultDomainArgs {
  /**
   * The objects of serving-default-domain.yaml, after transforms; none where a fixed domain stands in config-domain.
   * The Job gives up when the gateway has no address, so it starts only then.
   */
  objects: KubernetesObject[];
}

/** Knative's default domain: the Job that writes `<load balancer address>.sslip.io` into config-domain. */
export class DefaultDomain extends pulumi.ComponentResource {
  /** Services get their URL once these are there. */
  public readonly ready: pulumi.Resource[];

  constructor(
    name: string,
    args: DefaultDomainArgs,
    opts: pulumi.ComponentResourceOptions & { dependsOn: pulumi.Resource[] },
  ) {
    super("knative-edge:index:DefaultDomain", name, {}, opts);
    const manifests = new ManifestSet(name, { parent: this, deletedWith: opts.deletedWith });
    manifests.add(args.objects, opts.dependsOn);
    // A component without children drops its own dependencies (pulumi/pulumi#8721), so they are handed on.
    this.ready = manifests.resources.length > 0 ? manifests.resources : opts.dependsOn;
    this.registerOutputs({});
  }
}
