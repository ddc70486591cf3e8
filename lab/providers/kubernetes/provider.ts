/**
 * The kubernetes provider for plain objects under server-side apply, the only mode that the program uses.
 * Facts: provider/pkg/provider/provider.go and pkg/await/await.go of pulumi/pulumi-kubernetes (4.34).
 */
import { Host, Provider } from "../server";
import { Cluster } from "./cluster";
import { checkConfig, diffConfig } from "./config";
import { check } from "./operations/check";
import { create } from "./operations/create";
import { deleteObject } from "./operations/delete";
import { diff } from "./operations/diff";
import { read } from "./operations/read";
import { update } from "./operations/update";

const version = "4.34.2";

/** The provider, not configured yet. */
export function kubernetesProvider(host: Host): Provider {
  const cluster = new Cluster(host);
  return {
    version,
    checkConfig,
    diffConfig,
    configure: (variables) => cluster.configure(variables),
    check: check(cluster),
    diff: diff(cluster),
    create: create(cluster),
    update: update(cluster),
    read: read(cluster),
    delete: deleteObject(cluster),
    cancel: () => cluster.cancel(),
  };
}
