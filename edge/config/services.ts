import { isRecord } from "../json";
import { ServiceSpec, serviceProblems } from "../knativeService";
import { asResourceList } from "../resources";
import { Reader } from "./reader";

/** Reads `services`, and adds the sample unless `sample` is off. */
export function readServices(read: Reader): Record<string, ServiceSpec> {
  const given = read.mapping("services");
  for (const [name, value] of Object.entries(given)) {
    serviceProblems(name, value, `services.${name}`).forEach(({ key, message }) =>
      read.add(key, message),
    );
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

/** A service whose quantities are texts, of which a stack's file may have some as numbers. */
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
