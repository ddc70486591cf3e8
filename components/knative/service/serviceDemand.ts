import { KubernetesObject } from "../../cluster/kubernetesObject";
import { Resources } from "../../../lib/resources";
import { answeringContainer, serviceContainers } from "./serviceObject";
import { TrafficTarget } from "./serviceSpec";

/** What a container of a Service asks for. */
export interface ContainerDemand {
  name: string;
  resources: Resources;
  /** What `init` says runs before the others, and Knative gives it no defaults. */
  role?: "init";
}

/** What a budget reads of a Service. */
export interface ServiceDemand {
  revisionName?: string;
  /** Pods kept at all times; absent where Knative's own default holds. */
  minScale?: number;
  /** Pods with which a revision becomes Ready; absent where Knative's own default holds. */
  initialScale?: number;
  /** In the order in which they run. The first that is no init container answers requests. */
  containers: ContainerDemand[];
  /** Name of the PriorityClass; absent without one. */
  priorityClassName?: string;
  /** Empty where all requests go to the latest revision. */
  traffic: TrafficTarget[];
}

/** Reads a Service's object, which Knative admits. */
export function serviceDemand(service: KubernetesObject): ServiceDemand {
  const { template, traffic = [] } = service.spec as unknown as {
    template: {
      metadata?: { name?: string; annotations?: Record<string, string> };
      spec: { priorityClassName?: string };
    };
    traffic?: TrafficTarget[];
  };
  const annotations = template.metadata?.annotations ?? {};
  const { containers, initContainers } = serviceContainers(service);
  const answering = answeringContainer(containers);
  const others = containers.filter((_, index) => index !== answering);
  return {
    revisionName: template.metadata?.name,
    minScale: scale(annotations, "min-scale", "minScale"),
    initialScale: scale(annotations, "initial-scale", "initialScale"),
    containers: [
      ...initContainers.map((container, index) => ({
        ...demand(container, named("init-container", initContainers.length, index)),
        role: "init" as const,
      })),
      ...containers
        .slice(Math.max(answering, 0), answering + 1)
        .map((container) => demand(container, "user-container")),
      ...others.map((container, index) =>
        demand(container, named("sidecar", others.length, index)),
      ),
    ],
    priorityClassName: template.spec.priorityClassName,
    traffic,
  };
}

function named(name: string, count: number, index: number): string {
  return count === 1 ? name : `${name}-${index}`;
}

function demand(container: { name?: string; resources?: unknown }, name: string): ContainerDemand {
  return { name: container.name ?? name, resources: (container.resources ?? {}) as Resources };
}

/** A number of pods in one of the names of an annotation; Knative takes the older ones too. */
function scale(annotations: Record<string, string>, ...names: string[]): number | undefined {
  const text = names.map((name) => annotations[`autoscaling.knative.dev/${name}`]).find(Boolean);
  return text === undefined ? undefined : Number(text);
}
