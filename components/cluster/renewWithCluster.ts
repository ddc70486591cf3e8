import * as pulumi from "@pulumi/pulumi";

/**
 * Whatever is registered after this call and goes with a cluster (`deletedWith`) is made anew in another cluster: objects,
 * and the commands that wait for something in it.
 *
 * Each resource's own state says which cluster it is of, so a rebuild that was cut off goes on where it stopped. Without
 * this, objects follow their provider only in the run that replaces it; to the next one they are unchanged.
 */
export function renewWithCluster(cluster: pulumi.Resource, clusterIdentifier: string): void {
  pulumi.runtime.registerStackTransformation(({ type, props, opts }) => {
    const isComponent = type.startsWith("knative-edge:");
    return isComponent || opts.deletedWith !== cluster
      ? undefined
      : { props, opts: { ...opts, replacementTrigger: clusterIdentifier } };
  });
}
