import type { Registration } from "./recorder";

/** Resources of one component that wait for the same: drawn as one node. */
interface Tier {
  id: string;
  members: Registration[];
  /** Tiers that it waits for. */
  after: Set<Tier>;
}

/** What commands do, by the end of their name. */
const commands: Record<string, string> = {
  admission: "admission gate: dry runs\nuntil the webhook answers",
  request: "a request from the machine\nthat runs Pulumi",
};

/**
 * A stack's graph in Graphviz's language: a box for each component; in it, what waits for the same stands together.
 * Of the dependencies only those are drawn that no others imply.
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
    // What runs on the host is a chain, and lies, so that the picture is not too high.
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

/** Groups resources by what they belong to and what they wait for. */
function tiersOf(registrations: readonly Registration[]): Tier[] {
  const custom = registrations.filter(({ custom }) => custom);
  const found = new Map<string, Tier>();
  const tierOf = new Map<string, Tier>();
  for (const registration of custom) {
    const key = JSON.stringify([registration.parent, waitsFor(registration).sort()]);
    const tier = found.get(key) ?? { id: `n${found.size}`, members: [], after: new Set() };
    tier.members.push(registration);
    found.set(key, tier);
    tierOf.set(registration.urn, tier);
  }
  for (const tier of found.values()) {
    for (const urn of waitsFor(first(tier))) {
      const before = tierOf.get(urn);
      if (before) tier.after.add(before);
    }
  }
  return [...found.values()];
}

function waitsFor({ dependencies, provider }: Registration): string[] {
  return [...dependencies, provider.replace(/::[^:]*$/, "")];
}

/** Whether a tier waits for another one through a third. */
function implied(tier: Tier, before: Tier): boolean {
  return [...tier.after].some((between) => between !== before && reaches(between, before));
}

function reaches(from: Tier, to: Tier, seen = new Set<Tier>()): boolean {
  if (from === to) return true;
  if (seen.has(from)) return false;
  seen.add(from);
  return [...from.after].some((next) => reaches(next, to, seen));
}

function node(tier: Tier): string {
  const { type, name } = first(tier);
  // HostState is a dynamic resource, and looks at the host as the commands do.
  const command = type.startsWith("command:") || type.startsWith("pulumi-nodejs:");
  const label = command ? commandLabel(name) : objectsLabel(tier.members);
  const colour = command ? ' fillcolor="#ddf4ff"' : "";
  return `${tier.id} [label=${quote(label)}${colour}]`;
}

function commandLabel(name: string): string {
  const word = name.slice(name.lastIndexOf("-") + 1);
  return commands[word] ?? word;
}

/** Kinds that a picture need not tell apart, and short names. */
const kinds: Record<string, string> = {
  CustomResourceDefinition: "CRD",
  ClusterRole: "role or binding",
  ClusterRoleBinding: "role or binding",
  Role: "role or binding",
  RoleBinding: "role or binding",
  ValidatingWebhookConfiguration: "webhook configuration",
  MutatingWebhookConfiguration: "webhook configuration",
};

/** What runs is named; of everything else, how many there are of each kind. A single object has its name. */
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

/** What shares its kind with others and means more. */
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

function first(tier: Tier): Registration {
  const [registration] = tier.members;
  if (registration === undefined) throw new Error("a tier without resources");
  return registration;
}

function quote(text: string): string {
  return `"${text.replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}
