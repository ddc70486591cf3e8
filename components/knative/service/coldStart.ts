import { JsonObject } from "../../../lib/json";
import { allSwitched, switchedOn, Switches } from "../../../lib/switches";
import { KubernetesObject } from "../../cluster/kubernetesObject";
import { withTemplateSpec } from "../../cluster/workloads";
import { revisionName } from "./serviceImage";

/** What makes a service's pods start sooner. */
interface Measure {
  /** What it does, what it saves and what it costs; the documentation prints it. */
  reason: string;
  /** The pods' specification as it should be. */
  apply(pod: JsonObject): JsonObject;
}

/** Measures that shorten a cold start. Each can be switched off; docs/performance.md has the figures. */
export const coldStartMeasures = {
  unmountServiceAccountToken: {
    reason:
      "Each pod gets a volume with a token for the Kubernetes API, which few services ask, and the kubelet looks only " +
      "every 300 ms whether a pod's volumes are mounted. Without it starts on a real k0s with one CPU were 0.45 s " +
      "shorter (docs/performance.md; in the lab nothing was gained), and who breaks into a service finds no token. A " +
      "service that names its `serviceAccountName` keeps its token.",
    apply: (pod) =>
      pod.serviceAccountName === undefined && pod.automountServiceAccountToken === undefined
        ? { ...pod, automountServiceAccountToken: false }
        : pod,
  },
} satisfies Record<string, Measure>;

/** Which measures are on. */
export type ColdStart = Switches<typeof coldStartMeasures>;

/** All measures on or all off. */
export function allColdStartMeasures(on: boolean): ColdStart {
  return allSwitched(coldStartMeasures, on);
}

/**
 * A Knative Service with the measures that are on. One that names its revision stays as it is: Knative lets nobody change
 * a revision that is there.
 */
export function withColdStart(object: KubernetesObject, coldStart: ColdStart): KubernetesObject {
  return revisionName(object) === undefined
    ? withTemplateSpec(object, (pod) =>
        switchedOn<Measure>(coldStartMeasures, coldStart).reduce(
          (all, { apply }) => apply(all),
          pod,
        ),
      )
    : object;
}
