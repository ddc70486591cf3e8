import { isLoadBalancer, KubernetesObject } from "../cluster/kubernetesObject";

/** The host's ports that Kourier's Service takes when it has the node's own address. */
export const gatewayPorts = [80, 443];

/**
 * The last Kubernetes minor in which kube-proxy serves `spec.externalIPs` by default. The field is deprecated from 1.36,
 * switched off in 1.40 and gone in 1.43 (KEP-5707).
 */
export const lastMinorWithExternalIps = 39;

/** The address of its own that a Service has by {@link atNodeAddress}; undefined for any other object. */
export function externalAddress({ kind, spec }: KubernetesObject): string | undefined {
  const addresses = kind === "Service" ? (spec?.externalIPs as string[] | undefined) : undefined;
  return addresses?.[0];
}

/**
 * Gives the Service that a load balancer would give an address those of the nodes: kube-proxy then answers at each of them,
 * and at the Service's ports, by rules that it restores when someone flushes them. Ports of the gateway's pod on the host
 * (hostPort) would outlive KEP-5707, but nothing restores their rules until the pod is made anew
 * (containernetworking/plugins#512), and two gateway pods could not run side by side.
 */
export function atNodeAddresses(
  addresses: string[],
): (object: KubernetesObject) => KubernetesObject {
  return (object) =>
    isLoadBalancer(object)
      ? { ...object, spec: { ...object.spec, type: "ClusterIP", externalIPs: addresses } }
      : object;
}
