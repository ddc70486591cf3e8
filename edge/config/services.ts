import { ServiceSpec, serviceProblems } from "../knativeService";
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
  return { ...(sample && { hello: sampleService }), ...given } as Record<string, ServiceSpec>;
}

/** The sample of the reference set-up. One pod stays, so that the first request is answered at once. */
const sampleService: ServiceSpec = {
  // It answers `Hello <TARGET>!`, with an exclamation mark of its own.
  image: "ghcr.io/knative/helloworld-go:latest",
  env: { TARGET: "Edge!" },
  autoscaling: { minScale: 1 },
};
