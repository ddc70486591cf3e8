/** When Services and Ingresses are live. */
import { isObj, pluck, str } from "../../values";
import { listOf, nameOfObject } from "../objects";
import { core, View, Waiter } from "./view";

/** Seconds without a change after which a Service's endpoints count as settled. */
const endpointsSettle = 10;

/** Remembers when the endpoints last changed, like the official one. */
export function service(): Waiter {
  let settled = false;
  const look = (view: View) => {
    const { outputs } = view.target;
    const live = view.named("Service", nameOfObject(outputs));
    const type = str(outputs, "spec", "type") || "ClusterIP";
    const addresses = pluck(live, "status", "loadBalancer", "ingress");
    const ready =
      live !== undefined &&
      (type !== "LoadBalancer" || (Array.isArray(addresses) && addresses.length > 0));
    const endpoints = view.named("Endpoints", nameOfObject(outputs));
    const subsets = listOf(endpoints && endpoints.subsets);
    const headless =
      type === "ExternalName" || str(live ?? outputs, "spec", "clusterIP") === "None";
    const selector = pluck(live ?? outputs, "spec", "selector");
    return {
      type,
      ready,
      headless,
      waitsForPods: !headless && isObj(selector) && Object.keys(selector).length > 0,
      anyReady: subsets.some((subset) => listOf(subset.addresses).length > 0),
      pending: subsets.some((subset) => listOf(subset.notReadyAddresses).length > 0),
    };
  };
  return {
    watches: [core("Service"), core("Endpoints")],
    onRead: true,
    onEvent: ({ object }, { outputs }, judgeAgain) => {
      if (object.kind !== "Endpoints" || nameOfObject(object) !== nameOfObject(outputs)) return;
      settled = false;
      setTimeout(() => {
        settled = true;
        judgeAgain();
      }, endpointsSettle * 1000).unref();
    },
    goodEnough: (view) => {
      const seen = look(view);
      return seen.ready && !seen.pending;
    },
    judge: (view) => {
      const seen = look(view);
      const causes: string[] = [];
      if (!seen.headless && !seen.anyReady) {
        causes.push(
          "Service does not target any Pods. Selected Pods may not be ready, or field '.spec.selector' may not match labels on any Pods",
        );
      }
      if (!seen.headless && seen.type === "LoadBalancer" && !seen.ready) {
        causes.push(
          "Service was not allocated an IP address; does your cloud provider support this?",
        );
      }
      return {
        done: seen.waitsForPods ? seen.ready && settled && !seen.pending : seen.ready,
        causes,
        status:
          settled && seen.anyReady
            ? "[2/3] Attempting to allocate IP address to Service"
            : "[1/3] Finding Pods to direct traffic to",
      };
    },
  };
}

export const ingress: Waiter = {
  watches: [
    { group: "networking.k8s.io", version: "v1", kind: "Ingress" },
    core("Service"),
    core("Endpoints"),
  ],
  onRead: true,
  judge: (view) => {
    const live = view.named("Ingress", nameOfObject(view.target.outputs));
    const backends = listOf(pluck(live ?? {}, "spec", "rules")).flatMap((rule) =>
      listOf(pluck(rule, "http", "paths")).map((path) => str(path, "backend", "service", "name")),
    );
    const reachable = backends.every(
      (name) =>
        !name ||
        view.named("Endpoints", name) !== undefined ||
        str(view.named("Service", name), "spec", "type") === "ExternalName",
    );
    const addressed = listOf(pluck(live ?? {}, "status", "loadBalancer", "ingress")).length > 0;
    const causes: string[] = [];
    if (!reachable)
      causes.push("Ingress has at least one rule with an unavailable target endpoint.");
    if (!addressed) {
      causes.push(
        "Ingress .status.loadBalancer field was not updated with a hostname/IP address. " +
          "\n    for more information about this error, see https://pulumi.io/xdv72s",
      );
    }
    return { done: live !== undefined && reachable && addressed, causes, status: causes[0] };
  },
};
