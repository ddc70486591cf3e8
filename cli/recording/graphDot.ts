import type { Registration } from "./recorder";
import { first, implied, type Tier, tiersOf } from "./registeredTiers";

/** What commands do, by the end of their name. */
const commands: Record<string, string> = {
  admission: "admission gate: dry runs\nuntil the webhook answers",
  request: "a request from the machine\nthat runs Pulumi",
};

/**
 * A stack's graph in Graphviz's language, with a box for each component. Resources in it that wait for the same are one
 * node. Dependencies that others imply are not drawn.
 */
export function graphDot(registrations: readonly Registration[]): string {
  const tiers = tiersOf(registrations);
  const byUrn = new Map(registrations.map((registration) => [registration.urn, registration]));
  const components = new Map<string, Tier[]>();
  for (const tier of tiers) {
    const { parent } = first(tier);
    components.set(parent, [...(components.get(parent) ?? []), tier]);
  }
  const boxes = [...components].map(([parent, inside], index) => {
    const type = byUrn.get(parent)?.type.split(":").at(-1) ?? "";
    // The host's phases are a chain. It is drawn from left to right, so that the picture is not too high.
    const lies =
      type === "K0sHost"
        ? `node [width=1]\n{ rank=same; ${inside.map(({ id }) => id).join("; ")} }\n`
        : "";
    const nodes = lies + inside.map(node).join("\n");
    return type === "" || type === "Stack"
      ? nodes
      : `subgraph cluster_${index} { margin=14 label=${quote(type)}\n${nodes}\n}`;
  });
  const edges = tiers.flatMap((tier) =>
    [...tier.after]
      .filter((before) => !implied(tier, before))
      .map((before) => `${before.id} -> ${tier.id}`),
  );
  return `digraph {
rankdir=TB; newrank=true; nodesep=0.25; ranksep=0.3; bgcolor="white"
fontname="Helvetica,Arial,sans-serif"; fontsize=14
graph [style="rounded,filled" color="#d0d7de" fillcolor="#f6f8fa" fontname="Helvetica,Arial,sans-serif" labeljust="l"]
node [shape=box style="rounded,filled" fillcolor="white" color="#8c959f" fontname="Helvetica,Arial,sans-serif" fontsize=12.5 margin="0.12,0.05" width=2.4 height=0.3]
edge [color="#57606a" arrowsize=0.6]
${[...boxes, ...edges].join("\n")}
}
`;
}

function node(tier: Tier): string {
  const { type, name } = first(tier);
  // HostState is a dynamic resource, and looks at the host as the commands do.
  const command = type.startsWith("command:") || type.startsWith("pulumi-nodejs:");
  const label = command ? commandLabel(name) : objectsLabel(tier.members);
  const colour = command ? ' fillcolor="#ddf4ff"' : "";
  return `${tier.id} [label=${quote(label)}${colour}]`;
}

/** What a command of that name does, for a reader. */
export function commandLabel(name: string): string {
  const word = name.slice(name.lastIndexOf("-") + 1);
  return commands[word] ?? word;
}

/** Short names of kinds; kinds with the same name are not told apart in the picture. */
const kinds: Record<string, string> = {
  CustomResourceDefinition: "CRD",
  ClusterRole: "role or binding",
  ClusterRoleBinding: "role or binding",
  Role: "role or binding",
  RoleBinding: "role or binding",
  ValidatingWebhookConfiguration: "webhook configuration",
  MutatingWebhookConfiguration: "webhook configuration",
};

/** Names what runs, and counts everything else by kind. A single object has its name. */
function objectsLabel(members: readonly Registration[]): string {
  const byKind = new Map<string, string[]>();
  for (const { type, inputs } of members) {
    if (type.startsWith("pulumi:providers:")) return "Kubernetes provider";
    const kind = type.slice(type.lastIndexOf(":") + 1);
    const { name } = inputs.metadata as { name: string };
    const word = special(type, inputs) ?? kinds[kind] ?? kind;
    byKind.set(word, [...(byKind.get(word) ?? []), name]);
  }
  return [...byKind]
    .map(([kind, names]) => {
      const word = names.length === 1 ? kind : plural(kind);
      const isNamed =
        members.length === 1 || kind === "Deployment" || kind === "DaemonSet" || kind === "Job";
      return isNamed ? inRows(word, names) : `${names.length} ${word}`;
    })
    .join("\n");
}

/** A name for objects that mean more than their kind says. */
function special(type: string, { spec }: Registration["inputs"]): string | undefined {
  if (type.includes(":serving.knative.dev/")) return "Knative Service";
  const { type: kind } = (spec ?? {}) as { type?: string };
  return kind === "LoadBalancer" ? "LoadBalancer Service" : undefined;
}

/** Names with commas between them, as many in a row as fit. */
function inRows(word: string, names: readonly string[]): string {
  const rows: string[] = [word];
  names.forEach((name, index) => {
    const text = index < names.length - 1 ? `${name},` : name;
    const row = rows.at(-1) ?? "";
    if (row.length + text.length < 28) rows[rows.length - 1] = `${row} ${text}`;
    else rows.push(text);
  });
  return rows.join("\n");
}

function plural(kind: string): string {
  if (kind === "role or binding") return "roles and bindings";
  return kind.endsWith("y") ? `${kind.slice(0, -1)}ies` : `${kind}s`;
}

function quote(text: string): string {
  return `"${text.replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}
