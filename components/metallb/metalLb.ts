import * as pulumi from "@pulumi/pulumi";
import { KubernetesObject } from "../cluster/kubernetesObject";
import { AddressRange, ipAddressPool, l2Advertisement } from "./pool";
import { admissionGate } from "../host/admissionGate";
import { HostConnection } from "../host/hostScript";
import { ManifestSet } from "../cluster/manifestSet";

/** MetalLB's objects, and the addresses that it assigns. */
export interface MetalLbArgs {
  /** The objects of metallb-native.yaml, after transforms. */
  objects: KubernetesObject[];
  /** The pool that the speaker answers ARP for; parsePool makes it of a text. */
  addresses: AddressRange[];
  /** The host on which the admission gate runs. */
  connection: pulumi.Input<HostConnection>;
}

/** MetalLB in layer-2 mode: its objects, then, once its webhook admits it, the address pool and its advertisement. */
export class MetalLb extends pulumi.ComponentResource {
  /** Once these are there, a Service of type LoadBalancer gets an address. */
  public readonly pool: pulumi.Resource[];
  /** Once these are there too, the address answers. */
  public readonly ready: pulumi.Resource[];

  constructor(name: string, args: MetalLbArgs, opts: pulumi.ComponentResourceOptions) {
    super("knative-edge:index:MetalLb", name, {}, opts);
    const { deletedWith } = opts;
    const manifests = new ManifestSet(name, { parent: this, deletedWith });

    const isSpeaker = ({ kind }: KubernetesObject): boolean => kind === "DaemonSet";
    manifests.add(args.objects.filter((object) => !isSpeaker(object)));
    const controller = manifests.resources;
    // The speaker mounts a Secret that the controller creates; without it kubelet retries, ever more slowly.
    const speaker = manifests.add(args.objects.filter(isSpeaker), controller);

    const pool = ipAddressPool(args.addresses);
    const admitted = admissionGate(
      `${name}-admission`,
      {
        connection: args.connection,
        object: pool,
        webhookPods: "metallb-system app=metallb,component=controller",
      },
      { parent: this, deletedWith, dependsOn: controller },
    );
    const poolAdded = manifests.add([pool], [admitted]);
    this.pool = manifests.add([l2Advertisement(pool)], poolAdded);
    this.ready = [...this.pool, ...speaker];

    this.registerOutputs({});
  }
}
