/** Between two cases of a suite: what the first one did to a small cluster is over before the next one begins. */
import { waitFor } from "../process";

/** The namespaces of the suites (lab/go/conformance/place). */
const namespaces = ["serving-tests", "serving-tests-alt"];

/**
 * Waits until the pods of a case are gone, and until every node takes pods. A case that takes what memory the host has left puts
 * the node under MemoryPressure, and Kubernetes keeps pods away from it for five minutes more.
 * @throws Error when that takes longer than ten minutes
 */
export async function settle(kubeconfig: string, signal: AbortSignal): Promise<void> {
  const { CoreV1Api, KubeConfig } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const core = config.makeApiClient(CoreV1Api);
  let inTheWay = "";
  const isSettled = async (): Promise<boolean> => {
    signal.throwIfAborted();
    const { items: nodes } = await core.listNode();
    const tainted = nodes.filter(({ spec }) =>
      (spec?.taints ?? []).some(({ key }) => key.endsWith("-pressure")),
    );
    const pods = await Promise.all(
      namespaces.map((namespace) => core.listNamespacedPod({ namespace })),
    );
    const left = [...tainted, ...pods.flatMap(({ items }) => items)];
    inTheWay = left.map(({ metadata }) => metadata?.name).join(", ");
    return left.length === 0;
  };
  await waitFor(isSettled, 600, () => `after ten minutes there still are ${inTheWay}`, 1000);
}
