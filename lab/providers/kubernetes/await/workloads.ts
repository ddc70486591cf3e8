/** When Deployments, DaemonSets, StatefulSets and Jobs are live. */
import { Obj, pluck, str } from "../../values";
import { listOf, nameOfObject } from "../objects";
import { podCauses } from "./pods";
import { apps, condition, core, num, Verdict, Waiter } from "./view";

const revisionOf = (object: Obj | undefined) =>
  str(object, "metadata", "annotations", "deployment.kubernetes.io/revision");

export const deployment: Waiter = {
  watches: [apps("Deployment"), apps("ReplicaSet"), core("Pod"), core("PersistentVolumeClaim")],
  onRead: true,
  judge: (view) => {
    const live = view.own();
    const observed =
      live !== undefined &&
      num(live, "status", "observedGeneration") === num(live, "metadata", "generation");
    const causes: string[] = [];
    let available = false;
    let progressed = false;
    const revision = observed ? revisionOf(live) : "";
    if (live && revision) {
      const progressing = condition(live, "Progressing");
      progressed =
        progressing?.status === "True" && progressing.reason === "NewReplicaSetAvailable";
      const availability = condition(live, "Available");
      available = availability?.status === "True";
      for (const c of [progressing, availability]) {
        if (c && c.status !== "True") causes.push(`[${str(c, "reason")}] ${str(c, "message")}`);
      }
    }
    const replicaSet =
      live &&
      view.ownedBy("ReplicaSet", live).find((rs) => revision && revisionOf(rs) === revision);
    const spec = replicaSet && pluck(replicaSet, "spec", "replicas");
    const wanted = typeof spec === "number" ? spec : 1;
    const ready = num(replicaSet, "status", "readyReplicas");
    const replicaSetReady = replicaSet !== undefined && ready >= wanted;
    const claims = listOf(pluck(live ?? {}, "spec", "template", "spec", "volumes"))
      .map((volume) => str(volume, "persistentVolumeClaim", "claimName"))
      .map((name) => view.named("PersistentVolumeClaim", name))
      .filter((claim) => claim !== undefined);
    const unbound = claims.filter((claim) => pluck(claim, "status", "phase") !== "Bound");
    const first = revision === "1" || revision === "";
    const done =
      revision !== "" &&
      available &&
      (revision === "1" || progressed) &&
      replicaSetReady &&
      unbound.length === 0;
    if (!done) {
      if (unbound.length > 0) {
        causes.push(
          `Failed to bind PersistentVolumeClaim(s): "${unbound.map(nameOfObject).join(",")}"`,
        );
      }
      if (!available) causes.push("Minimum number of live Pods was not attained");
      else if (first ? !replicaSetReady : !progressed) {
        causes.push("Minimum number of Pods to consider the application live was not attained");
      } else if (!replicaSetReady) {
        causes.push(
          "Attempted to roll forward to new ReplicaSet, but minimum number of Pods did not become live",
        );
      }
      if (replicaSet) causes.push(...podCauses(view.ownedBy("Pod", replicaSet)));
    }
    return {
      done,
      causes,
      status: `Waiting for app ReplicaSet to be available (${ready}/${wanted} Pods available)`,
    };
  },
};

export const daemonSet: Waiter = {
  watches: [apps("DaemonSet"), core("Pod")],
  onRead: true,
  plainTimeout: true,
  judge: (view) => {
    const live = view.own();
    const causes = live ? podCauses(view.ownedBy("Pod", live)) : [];
    const no = (status: string): Verdict => ({ done: false, causes, status });
    if (
      !live ||
      pluck(live, "status", "observedGeneration") !== pluck(live, "metadata", "generation")
    ) {
      return no("DaemonSet generation is not observed yet");
    }
    const desired = pluck(live, "status", "desiredNumberScheduled");
    if (typeof desired !== "number") return no("Missing .status.desiredNumberScheduled");
    for (const [label, field] of [
      ["Current", "currentNumberScheduled"],
      ["Updated", "updatedNumberScheduled"],
      ["Available", "numberAvailable"],
      ["Ready", "numberReady"],
    ] as const) {
      const count = num(live, "status", field);
      if (desired > count) return no(`${label}: ${count}/${desired}`);
    }
    return { done: true, causes: [] };
  },
};

export const statefulSet: Waiter = {
  watches: [apps("StatefulSet"), core("Pod")],
  onRead: true,
  judge: (view) => {
    const live = view.own();
    const generation = num(live, "metadata", "generation");
    const status = (key: string) => num(live, "status", key);
    const seen = live !== undefined && status("observedGeneration") >= generation;
    const current = seen ? str(live, "status", "currentRevision") : "";
    const target = seen ? str(live, "status", "updateRevision") : "";
    const wanted = num(live, "spec", "replicas");
    const onDelete = generation > 1 && str(live, "spec", "updateStrategy", "type") === "OnDelete";
    const revisionReady = seen && (onDelete || (current !== "" && current === target));
    const replicasReady =
      seen &&
      wanted === status("replicas") &&
      wanted === status("readyReplicas") &&
      (onDelete || wanted === status("currentReplicas"));
    const ready = revisionReady
      ? status("readyReplicas")
      : Math.min(status("readyReplicas"), status("updatedReplicas"));
    const causes: string[] = [];
    if (!replicasReady)
      causes.push(`${ready} out of ${wanted} replicas succeeded readiness checks`);
    if (!revisionReady) {
      causes.push(
        `StatefulSet controller failed to advance from revision "${current}" to revision "${target}"`,
      );
    }
    if (live) causes.push(...podCauses(view.ownedBy("Pod", live)));
    return { done: replicasReady && revisionReady, causes, status: causes[0] };
  },
};

export const job: Waiter = {
  watches: [{ group: "batch", version: "v1", kind: "Job" }, core("Pod")],
  onRead: true,
  judge: (view) => {
    const live = view.named("Job", nameOfObject(view.target.outputs));
    const failed = live && condition(live, "Failed");
    const causes = live ? podCauses(view.ownedBy("Pod", live)) : [];
    if (
      failed?.status === "True" &&
      /^(BackoffLimitExceeded|DeadlineExceeded)$/.test(str(failed, "reason"))
    ) {
      return {
        done: false,
        failed: true,
        causes: [`[${str(failed, "reason")}] ${str(failed, "message")}`, ...causes],
      };
    }
    const counts = `(Active: ${num(live, "status", "active")} | Succeeded: ${num(live, "status", "succeeded")} | Failed: ${num(live, "status", "failed")})`;
    return {
      done: isJobDone(live),
      causes,
      status: `Waiting for Job "${nameOfObject(view.target.outputs)}" to succeed ${counts}`,
    };
  },
};

/** Whether a Job has started and is complete. */
export function isJobDone(live: Obj | undefined): boolean {
  return (
    live !== undefined &&
    pluck(live, "status", "startTime") !== undefined &&
    condition(live, "Complete")?.status === "True"
  );
}
