import { NamespaceTraits } from "../../components/knative/namespaceTraits";
import { isTakenNamespace } from "../../components/knative/service/serviceChecks";
import { Check } from "../../lib/check";
import { isRecord } from "../../lib/json";
import { asResourceList, resourceErrors } from "../../lib/resources";
import { suggestion } from "../../lib/nearest";
import { Reader } from "./reader";

/** Most that a user's priority may be (HighestUserDefinablePriority in Kubernetes' pkg/apis/scheduling/types.go), and least. */
const mostPriority = 1_000_000_000;

/** Reads `namespaces`: what the operator says of the namespaces of services. */
export function readNamespaces(read: Reader): Record<string, NamespaceTraits> {
  const namespaces: Record<string, NamespaceTraits> = {};
  for (const [name, value] of Object.entries(read.mapping("namespaces"))) {
    const check = read.below(`namespaces.${name}`);
    if (isTakenNamespace(name)) {
      check.add("", "is the system's; take a namespace of your own.");
    } else if (!isRecord(value)) {
      check.add("", "a mapping was expected, with quota or priority.");
    } else {
      check.knownFields("", value, ["quota", "priority"]);
      check.wholeNumber("priority", value.priority, -mostPriority, mostPriority);
      namespaces[name] = {
        ...(value.priority !== undefined && { priority: Number(value.priority) }),
        ...readQuota(check, value.quota),
      };
    }
  }
  return namespaces;
}

function readQuota(check: Check, value: unknown): Pick<NamespaceTraits, "quota"> {
  if (value === undefined) {
    return {};
  }
  if (!isRecord(value) || Object.keys(value).length === 0) {
    check.add("quota", "a mapping was expected, with some of cpu, memory, pods.");
    return {};
  }
  const { pods, ...amounts } = value;
  check.knownFields("quota", value, ["cpu", "memory", "pods"]);
  check.wholeNumber("quota.pods", pods, 0, 1_000_000);
  const texts = asResourceList(amounts);
  if (texts === undefined) {
    check.add("quota", "quantities were expected, such as 500m for cpu and 256Mi for memory.");
    return {};
  }
  for (const error of resourceErrors({ requests: texts })) {
    check.add("quota", error);
  }
  return { quota: { ...texts, ...(pods !== undefined && { pods: Number(pods) }) } };
}

/** That each of the namespaces has a service, so that no name is misspelt. */
export function checkNamespaces(
  read: Reader,
  namespaces: Record<string, NamespaceTraits>,
  used: string[],
): void {
  for (const name of Object.keys(namespaces).filter((each) => !used.includes(each))) {
    read.add(
      `namespaces.${name}`,
      `no service is in it; ${used.length === 0 ? "remove it." : suggestion(name, used)}`,
    );
  }
}
