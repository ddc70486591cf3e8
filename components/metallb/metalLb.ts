import * as pulumi from "@pulumi/pulumi";
import { Cluster, clusterOptions } from "../cluster/cluster";
import { KubernetesObject } from "../cluster/kubernetesObject";
import { AddressSource } from "./addressSource";
import { AddressRange, ipAddressPool, l2Advertisement } from "./pool";
import { admissionGate } from "../host/admissionGate";
import { ManifestSet } from "../cluster/manifestSet";

/** MetalLB's objects, and the addresses that it assigns. */
export interface MetalLbArgs {
  /** The cluster that it is put into. */
  cluster: Cluster;
  /** The objects of metallb-native.yaml, after transforms. */
  objects: KubernetesObject[];
  /** The pool that the speaker answers ARP for; parsePool makes it of a text. */
  addresses: AddressRange[];
}

/** MetalLB in layer-2 mode: its objects, then, once its webhook admits it, the address pool and its advertisement. */
export class MetalLb extends pulumi.ComponentResource implements AddressSource {
  /** Once these are there, a Service of type LoadBalancer gets an address. */
  public readonly pool: pulumi.Resource[];
  /** Once these are there too, the address answers. */
  public readonly ready: pulumi.Resource[];

  constructor(name: string, args: MetalLbArgs, opts?: pulumi.ComponentResourceOptions) {
    super("knative-edge:index:MetalLb", name, {}, clusterOptions(args.cluster, opts));
    const { cluster } = args;
    const manifests = new ManifestSet(name, { parent: this, cluster });

    const isSpeaker = ({ kind }: KubernetesObject): boolean => kind === "DaemonSet";
    manifests.add(args.objects.filter((object) => !isSpeaker(object)));
    const controller = manifests.resources;
    // The speaker mounts a Secret that the controller creates; without it kubelet retries, ever more slowly.
    const speaker = manifests.add(args.objects.filter(isSpeaker), controller);

    const pool = ipAddressPool(args.addresses);
    const { dependsOn, hooks } = admissionGate(
      `${name}-admission`,
      {
        cluster,
        object: pool,
        webhookPods: "metallb-system app=metallb,component=controller",
      },
      { parent: this, dependsOn: controller },
    );
    const poolAdded = manifests.add([pool], dependsOn, undefined, hooks);
    this.pool = manifests.add([l2Advertisement(pool)], poolAdded, undefined, hooks);
    this.ready = [...this.pool, ...speaker];

    this.registerOutputs({});
  }
}
