import * as pulumi from "@pulumi/pulumi";
import { warnOfStack } from "../components/cluster/warning";
import { DigestResolver } from "../components/registry/digestResolver";
import { isRecord } from "../lib/json";
import { EdgeConfig } from "../stack/config";
import { pinImages, Pins } from "../stack/render/pinImages";

/**
 * What the services run: see {@link pinImages}. Empty with `resolveDigests: false`.
 * @throws ConfigError for images that their registries do not give.
 */
export async function pinnedImages(config: EdgeConfig): Promise<Pins> {
  if (!config.resolveDigests) {
    return {};
  }
  const resolver = new DigestResolver(config.registries);
  const resolve = (image: string): Promise<string> => resolver.resolve(image);
  const { images, warnings } = await pinImages(config, { resolve, lastServices });
  for (const warning of warnings) {
    await warnOfStack(warning);
  }
  return images;
}

const serviceType = "kubernetes:serving.knative.dev/v1:Service";

/**
 * The stack's Knative Services as its state has them, by name. Empty where there is no state to read.
 *
 * The program runs before the engine compares it with the state, so it asks the engine: by a function of its own provider
 * (readStackResourceOutputs in pkg/resource/deploy/builtins.go), which leaves nothing in the state or in a preview. A
 * StackReference of the stack to itself would be another resource in both, and a stack's outputs are not those of the last
 * `up` if that failed. A dynamic resource for each image would be told its old inputs, but its provider with the whole client
 * of registries is code that the state holds once for each image, and it could report a wrong password only after the
 * program has registered all else.
 */
async function lastServices(): Promise<Record<string, object>> {
  const stackName = [pulumi.getOrganization(), pulumi.getProject(), pulumi.getStack()].join("/");
  try {
    const answer: unknown = await pulumi.runtime.invoke("pulumi:pulumi:readStackResourceOutputs", {
      stackName,
    });
    return servicesIn(answer);
  } catch (error) {
    await pulumi.log.debug(`The state of ${stackName} cannot be read: ${String(error)}`);
    return {};
  }
}

/** The Services in what readStackResourceOutputs answers: by URN, the type and the outputs of each resource. */
export function servicesIn(answer: unknown): Record<string, object> {
  const resources =
    isRecord(answer) && isRecord(answer.outputs) ? Object.values(answer.outputs) : [];
  return Object.fromEntries(
    resources.flatMap((resource) => {
      const { type, outputs } = resource as { type?: string; outputs?: Record<string, unknown> };
      const metadata = outputs?.metadata;
      return type === serviceType && outputs !== undefined && isRecord(metadata)
        ? [[String(metadata.name), outputs]]
        : [];
    }),
  );
}
