/** How the provider waits for each kind. */
import { isObj, Obj, pluck, str } from "../../values";
import { Api } from "../api";
import { Gvk, gvkOf } from "../gvk";
import { nameOfObject } from "../objects";
import { pod } from "./pods";
import { ingress, service } from "./services";
import { core, Waiter } from "./view";
import { Check } from "./waitfor";
import { daemonSet, deployment, job, statefulSet } from "./workloads";

/** How many seconds an object has to become live, if neither the resource nor its annotation says so. */
export const defaultTimeout = 10 * 60;

/** A kind whose readiness shows in the object alone. */
const simple = (kind: string, timeoutSeconds: number, done: (live: Obj) => boolean): Waiter => ({
  watches: [core(kind)],
  onRead: false,
  timeoutSeconds,
  plainTimeout: true,
  judge: (view) => {
    const live = view.named(kind, nameOfObject(view.target.outputs));
    return { done: live !== undefined && done(live), causes: [] };
  },
});

const phaseIs =
  (...phases: string[]) =>
  (live: Obj) =>
    phases.includes(str(live, "status", "phase"));

export async function waiterFor(api: Api, outputs: Obj): Promise<Waiter | undefined> {
  const { group, version, kind } = gvkOf(outputs);
  switch (`${group}/${version}/${kind}`) {
    case "apps/v1/Deployment":
      return deployment;
    case "apps/v1/DaemonSet":
      return daemonSet;
    case "apps/v1/StatefulSet":
      return statefulSet;
    case "batch/v1/Job":
      return job;
    case "/v1/Pod":
      return pod;
    case "/v1/Service":
      return service();
    case "networking.k8s.io/v1/Ingress":
      return ingress;
    case "/v1/PersistentVolume":
      return simple(kind, 300, phaseIs("Available", "Bound"));
    case "/v1/PersistentVolumeClaim": {
      const name = str(outputs, "spec", "storageClassName");
      const storageClass = {
        apiVersion: "storage.k8s.io/v1",
        kind: "StorageClass",
        metadata: { name },
      };
      const mode = name
        ? str(await api.get(storageClass).catch(() => ({})), "volumeBindingMode")
        : "";
      return simple(
        kind,
        300,
        mode === "WaitForFirstConsumer" ? phaseIs("Pending", "Bound") : phaseIs("Bound"),
      );
    }
    case "/v1/ReplicationController":
      return simple(
        kind,
        defaultTimeout,
        (live) => pluck(live, "status", "availableReplicas") === pluck(live, "spec", "replicas"),
      );
    case "/v1/ResourceQuota":
      return simple(
        kind,
        60,
        (live) =>
          JSON.stringify(pluck(live, "spec", "hard")) ===
          JSON.stringify(pluck(live, "status", "hard")),
      );
    case "/v1/Secret":
      return outputs.type === "kubernetes.io/service-account-token"
        ? simple(kind, 5, (live) => isObj(live.data) && Object.keys(live.data).length > 0)
        : undefined;
    default:
      return undefined;
  }
}

/** The object's annotation counts before the rule for its kind. */
export function waiterOfCheck(gvk: Gvk, check: Check): Waiter {
  return {
    watches: [gvk],
    onRead: false,
    plainTimeout: true,
    judge: (view) => {
      const live = view.named(gvk.kind, nameOfObject(view.target.outputs)) ?? view.target.outputs;
      const { done, message } = check(live);
      return { done, causes: [], status: message };
    },
  };
}
