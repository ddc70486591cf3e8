import { isRecord } from "../../lib/json";
import { suggestion } from "../../lib/nearest";
import { allColdStartMeasures, ColdStart } from "../../components/knative/service/coldStart";
import { policies, PolicyName } from "../resources/policies";
import { Ratio } from "../../lib/quantity";
import { asResourceList, parseFactor, resourceErrors, Resources } from "../../lib/resources";
import { kubernetesMinor } from "../../components/host/kubernetesMinor";
import {
  allSeveralNodesMeasures,
  firstMinorWithSameNode,
  SeveralNodes,
} from "../resources/severalNodes";
import { allTweaks, SingleNodeTweaks } from "../resources/singleNodeTweaks";
import { Reader } from "./reader";

/** Which resources the containers get. */
export interface ResourcesConfig {
  policy: PolicyName;
  /** Factor of the policies `scale` and `guaranteed`. */
  factor: Ratio;
  /** By `deployment/container`. */
  overrides: Record<string, Resources>;
}

/** Reads `resourcePolicy`, `resourceFactor` and `resourceOverrides`. */
export function readResources(read: Reader): ResourcesConfig {
  const policy = readPolicy(read);
  if (policy === "edge" || policy === "upstream") {
    const why = `does nothing with resourcePolicy ${policy}; unset it, or set that to scale or guaranteed.`;
    read.unused(["resourceFactor", "allowIncrease"], why);
  }
  return { policy, factor: readFactor(read), overrides: readOverrides(read) };
}

/** The factor; 1 after a problem. */
function readFactor(read: Reader): Ratio {
  const allowIncrease = read.boolean("allowIncrease");
  const parse = (text: string): Ratio => parseFactor(text, allowIncrease);
  return read.parsed("resourceFactor", parse) ?? { numerator: 1n, denominator: 1n };
}

function readPolicy(read: Reader): PolicyName {
  const name = read.text("resourcePolicy") ?? "";
  if (Object.hasOwn(policies, name)) {
    return name as PolicyName;
  }
  const known = Object.keys(policies);
  read.add(
    "resourcePolicy",
    `there is no policy "${name}"; ${suggestion(name, known, `there are ${known.join(", ")}.`)}`,
  );
  return "edge";
}

function readOverrides(read: Reader): Record<string, Resources> {
  const overrides: Record<string, Resources> = {};
  for (const [name, value] of Object.entries(read.mapping("resourceOverrides"))) {
    const key = `resourceOverrides.${name}`;
    if (!/^[^/]+\/[^/]+(\/[^/]+)?$/.test(name)) {
      read.add(key, "the name is not of the form deployment/container.");
    }
    const resources = asResources(value);
    if (resources === undefined) {
      read.add(
        key,
        'requests or limits with quantities were expected, such as {requests: {cpu: "50m"}}.',
      );
      continue;
    }
    resourceErrors(resources).forEach((error) => read.add(key, error));
    overrides[name] = resources;
  }
  return overrides;
}

/** Requests, limits or both, as written in a stack's file; undefined for anything else. */
function asResources(value: unknown): Resources | undefined {
  const lists = isRecord(value) ? Object.entries(value) : [];
  const resources = Object.fromEntries(lists.map(([list, texts]) => [list, asResourceList(texts)]));
  const isKnown = lists.every(
    ([list]) => ["requests", "limits"].includes(list) && resources[list] !== undefined,
  );
  return lists.length > 0 && isKnown ? resources : undefined;
}

/**
 * The measures for a single node: all on, but none with the policy that leaves the releases as they are. With workers, a
 * node can be drained, and disruption budgets are of use.
 */
export function readOneNode(read: Reader, policy: PolicyName, workers: number): SingleNodeTweaks {
  const all = allTweaks(policy !== "upstream");
  return read.measures("oneNode", {
    ...all,
    removeDisruptionBudgets: all.removeDisruptionBudgets && workers === 0,
  });
}

/**
 * The measures for several nodes: on where there are workers, but for the policy that leaves the releases as they are.
 * @param k0sVersion Decides what Kubernetes knows.
 */
export function readSeveralNodes(
  read: Reader,
  policy: PolicyName,
  workers: number,
  k0sVersion: string,
): SeveralNodes {
  if (workers === 0) {
    if (Object.keys(read.mapping("severalNodes")).length > 0) {
      read.add("severalNodes", "does nothing without workers; add some, or unset this.");
    }
    return allSeveralNodesMeasures(false);
  }
  const all = allSeveralNodesMeasures(policy !== "upstream");
  return read.measures("severalNodes", {
    ...all,
    answerLocally:
      all.answerLocally && (kubernetesMinor(k0sVersion) ?? Infinity) >= firstMinorWithSameNode,
  });
}

/** The measures for a shorter cold start: as for {@link readOneNode}. */
export function readColdStart(read: Reader, policy: PolicyName): ColdStart {
  return read.measures("coldStart", allColdStartMeasures(policy !== "upstream"));
}
