import * as pulumi from "@pulumi/pulumi";
import { Cluster, clusterOptions } from "../cluster/cluster";
import { isGatewayService } from "../cluster/fieldRules";
import { isLoadBalancer, KubernetesObject } from "../cluster/kubernetesObject";
import { AddressSource, givenAddresses } from "../metallb/addressSource";
import { Ingress, ServingSteps } from "./ingress";
import { kourierKind } from "./kourierKind";
import { externalAddress } from "./nodeIp";
import { Manifest } from "../cluster/manifest";
import { ManifestSet } from "../cluster/manifestSet";

/** Where Kourier goes to, and what it waits for. */
export interface KourierArgs {
  /** The cluster that it is put into. */
  cluster: Cluster;
  /** The objects of kourier.yaml, after transforms. */
  objects: KubernetesObject[];
  /** Knative Serving. By default it is in the cluster already, with an answering DNS. */
  knative?: ServingSteps;
  /** What gives the gateway's Service its address. By default the cluster does so by itself. */
  addresses?: AddressSource;
  /**
   * Has it start after all of Knative, not beside it: on a node without room for all, whose pods come first stay. Defaults
   * to false.
   */
  oneByOne?: boolean;
}

/** Kourier, Knative's ingress: its controller, its Envoy gateway, and the Service that has the stack's address. */
export class Kourier extends pulumi.ComponentResource implements Ingress {
  public readonly kind = kourierKind;
  /** The gateway's address: the one in the Service's spec.externalIPs, or else as the load balancer gave it. */
  public readonly address: pulumi.Output<string>;
  /** The gateway has its address once these are there. */
  public readonly addressed: Manifest[];
  /** The gateway answers once these are there. */
  public readonly ready: Manifest[];

  constructor(name: string, args: KourierArgs, opts?: pulumi.ComponentResourceOptions) {
    super("knative-edge:index:Kourier", name, {}, clusterOptions(args.cluster, opts));
    const manifests = new ManifestSet(name, { parent: this, cluster: args.cluster });

    const { knative = { definitions: [], ready: [] }, addresses = givenAddresses } = args;
    const before = args.oneByOne ? knative.ready : knative.definitions;
    manifests.add(args.objects, before, (object) => [
      ...(isLoadBalancer(object) ? addresses.pool : []),
      // Envoy finds Kourier's controller by name, and is restarted where it does not.
      ...(isGateway(object) ? knative.ready : []),
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

/** True for the gateway's Deployment: Envoy. */
function isGateway({ kind, metadata }: KubernetesObject): boolean {
  return kind === "Deployment" && metadata.namespace === kourierKind.namespace;
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
