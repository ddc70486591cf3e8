import * as pulumi from "@pulumi/pulumi";
import { Cluster, clusterOptions } from "../cluster/cluster";
import { isGateway, isGatewayService } from "../cluster/fieldRules";
import { isLoadBalancer, KubernetesObject } from "../cluster/kubernetesObject";
import { externalAddress } from "./nodeIp";
import { Manifest } from "../cluster/manifest";
import { ManifestSet } from "../cluster/manifestSet";

/** Kourier's objects, and what they wait for. */
export interface KourierArgs {
  /** The cluster that it is put into. */
  cluster: Cluster;
  /** The objects of kourier.yaml, after transforms. */
  objects: KubernetesObject[];
  /** What it comes after: at least Knative's definitions and namespace, which the controller and its ConfigMap need. */
  after: pulumi.Resource[];
  /**
   * What is ready once names resolve: Envoy finds Kourier's controller by name, and is restarted where it does not.
   * CoreDNS itself is k0s' own and no resource of the stack.
   */
  names: pulumi.Resource[];
  /** What a LoadBalancer Service waits for: an address pool and its advertisement. */
  pool: pulumi.Resource[];
}

/** Kourier, Knative's ingress: its controller, its Envoy gateway, and the Service that has the stack's address. */
export class Kourier extends pulumi.ComponentResource {
  /** The gateway's address: the one in the Service's spec.externalIPs, or else as the load balancer gave it. */
  public readonly address: pulumi.Output<string>;
  /** The gateway has its address once these are there. */
  public readonly addressed: Manifest[];
  /** The gateway answers once these are there. */
  public readonly ready: Manifest[];

  constructor(name: string, args: KourierArgs, opts?: pulumi.ComponentResourceOptions) {
    super("knative-edge:index:Kourier", name, {}, clusterOptions(args.cluster, opts));
    const manifests = new ManifestSet(name, { parent: this, cluster: args.cluster });

    manifests.add(args.objects, args.after, (object) => [
      ...(isLoadBalancer(object) ? args.pool : []),
      ...(isGateway(object) ? args.names : []),
    ]);
    this.addressed = [manifests.find(isGatewayService)];
    this.ready = manifests.resources;
    const known = args.objects.map(externalAddress).find((address) => address !== undefined);
    this.address =
      known === undefined
        ? manifests.find(isLoadBalancer).status.apply(loadBalancerAddress)
        : pulumi.output(known);

    this.registerOutputs({ address: this.address });
  }
}

/** The first address of a Service's `status.loadBalancer`. */
function loadBalancerAddress(status: unknown): string {
  const ingress = (status as { loadBalancer?: { ingress?: { ip?: string }[] } }).loadBalancer
    ?.ingress;
  const address = ingress?.[0]?.ip;
  if (address === undefined) {
    throw new pulumi.RunError(
      "Kourier's Service has no load balancer address: see `kubectl -n kourier-system describe service kourier`.",
    );
  }
  return address;
}
