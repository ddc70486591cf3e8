import * as pulumi from "@pulumi/pulumi";
import { isRecord } from "../lib/json";

/**
 * The stack's state as the last `up` left it. It is read when something of it is asked for, and only once.
 *
 * The program runs before the engine compares it with the state, so it asks the engine: by a function of its own provider
 * (readStackResourceOutputs in pkg/resource/deploy/builtins.go), which leaves nothing in the state or in a preview. A
 * StackReference of the stack to itself would be another resource in both, and a stack's outputs are not those of the last
 * `up` if that failed. A dynamic resource would be told its old inputs, but its provider with all its code stands in the
 * state once for each resource, and it could report what is wrong only after the program has registered all else.
 */
export class LastState {
  private answer: Promise<unknown> | undefined;

  /** The outputs of the resources of a type. None where there is no state to read. */
  public async outputs(type: string): Promise<Record<string, unknown>[]> {
    this.answer ??= readState();
    return outputsIn(await this.answer, type);
  }

  /** The Knative Services by name. Empty where there is no state to read. */
  public async services(): Promise<Record<string, object>> {
    const services = await this.outputs("kubernetes:serving.knative.dev/v1:Service");
    return Object.fromEntries(
      services.map((outputs) => [String(metadataOf(outputs).name), outputs]),
    );
  }
}

async function readState(): Promise<unknown> {
  const stackName = [pulumi.getOrganization(), pulumi.getProject(), pulumi.getStack()].join("/");
  try {
    return await pulumi.runtime.invoke("pulumi:pulumi:readStackResourceOutputs", { stackName });
  } catch (error) {
    await pulumi.log.debug(`The state of ${stackName} cannot be read: ${String(error)}`);
    return undefined;
  }
}

/** Those of a type in what readStackResourceOutputs answers: by URN, the type and the outputs of each resource. */
function outputsIn(answer: unknown, type: string): Record<string, unknown>[] {
  const resources =
    isRecord(answer) && isRecord(answer.outputs) ? Object.values(answer.outputs) : [];
  return resources.flatMap((resource) =>
    isRecord(resource) && resource.type === type && isRecord(resource.outputs)
      ? [resource.outputs]
      : [],
  );
}

/** The metadata among the outputs of a Kubernetes object. */
export function metadataOf({ metadata }: Record<string, unknown>): Record<string, unknown> {
  return isRecord(metadata) ? metadata : {};
}
