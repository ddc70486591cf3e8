import * as pulumi from "@pulumi/pulumi";
import { clusterTroubles, troubleSentences, WatchedPods } from "../stack/errors/clusterTroubles";
import { askClusterWithDate } from "./clusterQuestion";

/** The time between two looks at the cluster, in milliseconds. */
const interval = 10_000;

/**
 * Reports in the output of `pulumi up` what keeps the cluster from becoming ready, such as a node under pressure or a
 * CoreDNS that does not run, while resources still wait. A resource that times out reports so much later, and often about
 * something else. The watch reports each trouble once, and again when it comes back.
 *
 * The watch looks as soon as the kubeconfig is known, then every ten seconds until the program ends. It does not delay
 * that end. A look is two requests that the API server answers from its cache. The watch says nothing about an API that
 * does not answer, and does not run in a preview.
 */
export function watchTroubles(kubeconfig: pulumi.Output<string>, watched: WatchedPods): void {
  if (!pulumi.runtime.isDryRun()) {
    kubeconfig.apply((text) => watchCluster(text, watched, (line) => pulumi.log.warn(line)));
  }
}

/**
 * Looks at a cluster until the process ends, or stop is called.
 * @param say Called with each sentence.
 * @param every The time between two looks, in milliseconds.
 * @returns stop.
 */
export function watchCluster(
  kubeconfig: string,
  watched: WatchedPods,
  say: (sentence: string) => Promise<void>,
  every = interval,
): () => void {
  let known = new Set<string>();
  const look = async (): Promise<void> => {
    const [nodes, pods] = await Promise.all(
      // Any version will do, so the API server need not ask its store.
      ["nodes", "pods"].map((kind) =>
        askClusterWithDate(kubeconfig, `/api/v1/${kind}?resourceVersion=0`),
      ),
    );
    if (nodes !== undefined && pods !== undefined) {
      const troubles = clusterTroubles(nodes.body, pods.body, pods.date, watched);
      const news = troubles.filter(({ key }) => !known.has(key));
      known = new Set(troubles.map(({ key }) => key));
      for (const sentence of troubleSentences(news)) {
        await say(sentence);
      }
    }
  };
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  const lookAgain = (): void => {
    look()
      // The engine may have ended.
      .catch(() => undefined)
      .finally(() => {
        timer = isStopped ? undefined : setTimeout(lookAgain, every).unref();
      });
  };
  lookAgain();
  return () => {
    isStopped = true;
    clearTimeout(timer);
  };
}
