import type { EdgeConfig } from "../../stack/config";
import type { MetalLbConfig } from "../../stack/config/loadBalancer";
import { probePath, ServiceSpec } from "../../components/knative/serviceSpec";
import { tiers } from "../../components/cluster/tiers";
import { describe, KubernetesObject } from "../../components/cluster/kubernetesObject";
import { ipAddressPool, l2Advertisement } from "../../components/metallb/pool";
import { StackObjects } from "../../stack/render/renderStack";

/** A part of the program's graph, with the objects or parts below it in the order in which they come. */
export interface PlanNode {
  title: string;
  /** What it waits for besides the part before it. */
  after?: string;
  objects?: KubernetesObject[];
  children?: PlanNode[];
}

/** A component that makes Kubernetes objects; its name is that of the folder they are written to. */
export interface PlanComponent extends PlanNode {
  name: string;
}

/**
 * The graph that index.ts registers, from the same objects: the host, then every component in order.
 * @param fits Whether the budget does: where not, Kourier waits until Knative has found its room.
 */
export function planGraph(
  config: EdgeConfig,
  objects: StackObjects,
  fits: boolean,
): { host: PlanNode; components: PlanComponent[] } {
  const { k0s, knative, loadBalancer } = config;
  const { serving, kourier, defaultDomain, services } = objects;
  const steps = ["preflight", "binary", "config", "install", "ready", "state", "kubeconfig"];
  const components: PlanComponent[] = [
    ...(loadBalancer.kind === "metallb" ? [metalLbComponent(loadBalancer, objects.metalLb)] : []),
    {
      name: "knative",
      title: `Knative Serving ${knative.version}`,
      after: "host",
      children: [
        ...tierNodes(serving.definitions),
        ...tierNodes(serving.core),
        ...(serving.admitted.length > 0
          ? [{ title: "admission gate: until the webhook takes what follows" }]
          : []),
        ...tierNodes(serving.admitted),
      ],
    },
    {
      name: "kourier",
      title: `Kourier ${knative.kourierVersion}`,
      after:
        (fits ? "knative's definitions" : "knative") +
        (loadBalancer.kind === "metallb" ? "; its load balancer after metallb" : ""),
      children: tierNodes(kourier),
    },
    {
      name: "domain",
      title: `domain ${knative.domain ?? "<load balancer address>.sslip.io, by the default-domain Job"}`,
      after: "knative, kourier",
      children: tierNodes(defaultDomain),
    },
    ...services.map(({ name, spec, object }) => ({
      name: "services",
      title: `service ${name}`,
      after: "domain",
      children: [...tierNodes([object]), ...probeNodes(spec)],
    })),
  ];
  return {
    host: {
      title: `host ${config.host.address}: k0s ${k0s.version}`,
      children: steps.map((title) => ({ title })),
    },
    components,
  };
}

function probeNodes(spec: ServiceSpec): PlanNode[] {
  const path = probePath(spec);
  const title = `probe: an HTTP request for ${path} from the machine that runs Pulumi`;
  return path === undefined ? [] : [{ title }];
}

function metalLbComponent(
  { version, addresses }: MetalLbConfig,
  objects: KubernetesObject[],
): PlanComponent {
  const pool = ipAddressPool(addresses);
  return {
    name: "metallb",
    title: `MetalLB ${version}`,
    after: "host",
    children: [
      ...tierNodes(objects.filter(({ kind }) => kind !== "DaemonSet")),
      ...tierNodes(objects.filter(({ kind }) => kind === "DaemonSet")),
      { title: "admission gate: until the webhook takes the pool" },
      ...tierNodes([pool]),
      ...tierNodes([l2Advertisement(pool)]),
    ],
  };
}

/** The objects below a node in the steps in which they come: what can be applied at the same time is in one. */
export function planSteps({ objects = [], children = [] }: PlanNode): KubernetesObject[][] {
  return [...(objects.length > 0 ? [objects] : []), ...children.flatMap(planSteps)];
}

/** Every object below a node, in order. */
export function planObjects(node: PlanNode): KubernetesObject[] {
  return planSteps(node).flat();
}

/** A graph as an indented tree; objects that are applied at the same time stand together. */
export function planText(nodes: PlanNode[]): string {
  return nodes.map((node) => nodeLines(node, "").join("\n")).join("\n");
}

function nodeLines(
  { title, after, objects = [], children = [] }: PlanNode,
  indent: string,
): string[] {
  const below = [
    ...objects.map((object) => [describe(object)]),
    ...children.map((child) => nodeLines(child, "")),
  ];
  return [
    indent + title + (after === undefined ? "" : ` (after ${after})`),
    ...below.flatMap((lines, index) => {
      const last = index === below.length - 1;
      return lines.map((line, row) => `${indent}${branch(last, row === 0)}${line}`);
    }),
  ];
}

function branch(last: boolean, first: boolean): string {
  if (first) {
    return last ? "└─ " : "├─ ";
  }
  return last ? "   " : "│  ";
}

/** A node for each tier, which waits for the one before. */
function tierNodes(objects: KubernetesObject[]): PlanNode[] {
  return tiers(objects).map((tier) => ({
    title: tier.length === 1 ? "1 object" : `${tier.length} objects at the same time`,
    objects: tier,
  }));
}
