import type { EdgeConfig } from "../../stack/config";
import { isRecord } from "../../lib/json";
import { isClusterLocal, serviceUrl } from "../../components/knative/service/configuredService";
import { hasPlainUrls } from "../../components/knative/service/serviceSpec";
import { firstAddress, isInPool } from "../../components/metallb/pool";

/**
 * How a stack's address and URLs change, a Markdown list item each: clients, DNS and firewalls must follow.
 * @param old The stack's outputs of the last up; anything else where there is none, and so nothing that changes.
 * @param config The configuration to come.
 * @param isGivenAnew Whether the gateway's Service is made anew, and MetalLB gives it an address again.
 */
export function addressMove(old: unknown, config: EdgeConfig, isGivenAnew = false): string[] {
  const { loadBalancerIp, services } = isRecord(old) ? old : {};
  if (typeof loadBalancerIp !== "string") {
    return [];
  }
  const address = addressToCome(loadBalancerIp, config, isGivenAnew);
  const domain = config.knative.domain ?? (address && `${address}.sslip.io`);
  const scheme = config.tls ? "https" : "http";
  const urls = isRecord(services) && hasPlainUrls(config.knative) ? services : {};
  return [
    ...move("the gateway's address", loadBalancerIp, address),
    ...Object.entries(urls).flatMap(([name, url]) => {
      const { labels, namespace } = config.services[name]?.object.metadata ?? {};
      const own = { serviceName: name, namespace: namespace ?? "" };
      const isKnown = domain !== undefined || isClusterLocal(labels);
      const next = isKnown ? serviceUrl(own, labels, domain ?? "", scheme) : undefined;
      return namespace ? move(name, url, next) : [];
    }),
  ];
}

/** The address; undefined where MetalLB has yet to give one. */
function addressToCome(
  old: string,
  { loadBalancer, host }: Pick<EdgeConfig, "loadBalancer" | "host">,
  isGivenAnew: boolean,
): string | undefined {
  if (loadBalancer.kind === "nodeIp") {
    return host.nodeAddress;
  }
  // A Service that is made anew is given the first address that is free.
  const isKept = !isGivenAnew || firstAddress(loadBalancer.addresses) === old;
  return isKept && isInPool(loadBalancer.addresses, old) ? old : undefined;
}

function move(what: string, old: unknown, now: string | undefined): string[] {
  const next = now === undefined ? "known after the update" : `\`${now}\``;
  return typeof old !== "string" || old === now ? [] : [`- ${what}: \`${old}\` → ${next}`];
}
