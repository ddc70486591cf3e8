import { isRecord } from "../../lib/json";
import { ServiceSpec } from "../../components/knative/serviceSpec";
import { checkService } from "../../components/knative/serviceChecks";
import { asResourceList } from "../../lib/resources";
import { Reader } from "./reader";

/** Reads `services`, and adds the sample unless `sample` is off. */
export function readServices(read: Reader): Record<string, ServiceSpec> {
  const given = read.mapping("services");
  for (const [name, value] of Object.entries(given)) {
    checkService(read.below(`services.${name}`), name, value);
  }
  const sample = read.boolean("sample");
  if (sample && "hello" in given) {
    read.add("services.hello", "the sample has this name; take another, or set sample to false.");
  }
  const own = Object.entries(given)
    .filter(([, value]) => isRecord(value))
    .map(([name, value]) => [name, withTexts(value as ServiceSpec)]);
  return {
    ...(sample && { hello: sampleService }),
    ...(Object.fromEntries(own) as Record<string, ServiceSpec>),
  };
}

/**
 * Checks that the names in the services' URLs, `<service>.default.<domain>` and `<tag>-<service>.default.<domain>`, can be
 * names at all: DNS takes 63 characters for a label, and 253 in all.
 * @param domain The stack's; undefined where the cluster decides it.
 */
export function checkNames(
  read: Reader,
  services: Record<string, ServiceSpec>,
  domain = "255.255.255.255.sslip.io",
): void {
  for (const [name, { traffic }] of Object.entries(services)) {
    const tags = Array.isArray(traffic) ? traffic.flatMap(({ tag }) => tag ?? []) : [];
    for (const label of [name, ...tags.map((tag) => `${tag}-${name}`)]) {
      const full = `${label}.default.${domain}`;
      if (label.length > 63 && label !== name) {
        read.add(
          `services.${name}.traffic`,
          `${label} would be a name in its URL, and has ${label.length} characters of 63; shorten the tag or the service's name.`,
        );
      } else if (full.length > 253) {
        read.add(
          "domain",
          `${full} would be the name in a URL, and has ${full.length} characters of 253; shorten the domain.`,
        );
      }
    }
  }
}

/** A service with its quantities as texts: in a stack's file they may be numbers. */
function withTexts(spec: ServiceSpec): ServiceSpec {
  return {
    ...spec,
    ...(spec.requests && { requests: asResourceList(spec.requests) }),
    ...(spec.limits && { limits: asResourceList(spec.limits) }),
  };
}

/** The sample of the reference set-up. One pod stays, so that the first request is answered at once. */
const sampleService: ServiceSpec = {
  // It answers `Hello <TARGET>!`, with an exclamation mark of its own.
  image: "ghcr.io/knative/helloworld-go:latest",
  env: { TARGET: "Edge!" },
  autoscaling: { minScale: 1 },
};
