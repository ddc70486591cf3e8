import { createHash } from "node:crypto";
import { Graph, Registration, runProgram } from "../../cli/recording/recorder";
import { recordedConfigs, secretTexts } from "./recordedConfigs";

/** Fields of a request that are the SDK's own, or told in another form. */
const leftOut = [
  ...["type", "name", "parent", "custom", "object", "dependenciesList", "provider", "deletedwith"],
  ...["propertydependenciesMap", "replacementTrigger", "deletebeforereplacedefined"],
  // What the SDK can do, and where in the program it was called.
  ...["acceptsecrets", "acceptresources", "supportspartialvalues", "supportsresultreporting"],
  ...["aliasspecs", "sourceposition", "stacktrace", "parentstacktracehandle", "packageref"],
  // Those of package.json: an upgrade of a provider is not to change every line.
  ...["version", "plugindownloadurl", "pluginchecksumsMap"],
];

/** The configuration that is recorded whole. Of the others their difference from it is, so that each shows what it is for. */
const base = "default";

/** What a file of test/record says, by name: what the program registers with each recorded configuration. */
export async function* records(): AsyncGenerator<[file: string, text: string]> {
  const whole = recordBlocks(await recordedGraph(base));
  yield [`${base}.txt`, recordText(whole)];
  for (const name of Object.keys(recordedConfigs).filter((each) => each !== base)) {
    const blocks = recordBlocks(await recordedGraph(name));
    const gone = [...whole.keys()].filter((title) => !blocks.has(title));
    const changed = [...blocks].filter(([title, lines]) => whole.get(title) !== lines);
    yield [
      `${name}.txt`,
      recordText(
        new Map([...gone.map((title): [string, string] => [`not ${title}`, ""]), ...changed]),
      ),
    ];
  }
}

function recordText(blocks: Map<string, string>): string {
  const texts = [...blocks].map(([title, lines]) => `${title}\n${lines}`);
  return texts.length === 0 ? `the same as ${base}.txt\n` : texts.sort().join("\n");
}

/** The graph of a recorded configuration. */
export function recordedGraph(name: string): Promise<Graph> {
  const config = recordedConfigs[name];
  if (config === undefined) {
    throw new Error(`${name} is not recorded; ${Object.keys(recordedConfigs).join(", ")} are.`);
  }
  return runProgram(config, {
    stdout: (command) =>
      command === "host-kubeconfig"
        ? JSON.stringify(kubeconfig)
        : '{"seconds":1,"machineId":"0123456789abcdef"}',
  });
}

const kubeconfig = {
  clusters: [{ name: "local", cluster: { server: "https://localhost:6443" } }],
  users: [{ name: "user", user: { token: "a-token" } }],
  contexts: [{ name: "Default", context: { cluster: "local", user: "user" } }],
  "current-context": "Default",
};

/** By URN or name of a set, the lines below it. */
function recordBlocks({ registrations, registeredOutputs }: Graph): Map<string, string> {
  const names = shortNames(registrations);
  const sets = new Map<string, string[]>();
  // Many resources wait for the same hundred others.
  const setOf = (urns: string[]): string => {
    const members = [...new Set(urns)].map((urn) => names.get(urn) ?? urn).sort();
    if (members.length <= 3) {
      return members.join(", ");
    }
    const key = `set ${digest(members)}`;
    sets.set(key, members);
    return `${members.length} of ${key}`;
  };
  const indented = (lines: string[]): string => lines.map((line) => `  ${line}\n`).join("");
  const blocks = registrations.map((registration): [string, string] => {
    const outputs = registeredOutputs[registration.urn] ?? {};
    const told = Object.keys(outputs).length > 0 ? [`outputs ${fieldsText(outputs)}`] : [];
    return [shortUrn(registration.urn), indented([...linesOf(registration, setOf), ...told])];
  });
  return new Map([
    ...blocks,
    ...[...sets].map(([key, members]): [string, string] => [key, indented(members)]),
  ]);
}

function linesOf(registration: Registration, setOf: (urns: string[]) => string): string[] {
  const { inputs, dependencies, deletedWith, provider, request, replacementTrigger } = registration;
  const uses = request.propertydependenciesMap as [string, { urnsList: string[] }][];
  const used = new Map<string, string[]>();
  for (const [property, { urnsList }] of uses.filter(([, { urnsList }]) => urnsList.length > 0)) {
    const of = setOf(urnsList);
    used.set(of, [...(used.get(of) ?? []), property]);
  }
  const options: [string, string][] = [
    ["inputs", fieldsText(inputs)],
    ["provider", provider === "" ? "" : setOf([urnOf(provider)])],
    [
      "providers",
      (request.providersMap as [string, string][])
        .map(([of, urn]) => `${of}=${setOf([urnOf(urn)])}`)
        .join(" "),
    ],
    ["dependsOn", setOf(dependencies)],
    ...[...used].map(([of, properties]): [string, string] => [
      `uses in ${properties.sort().join(" ")}`,
      of,
    ]),
    ["deletedWith", deletedWith === "" ? "" : setOf([deletedWith])],
    ["replacementTrigger", replacementTrigger === undefined ? "" : String(replacementTrigger)],
    ...Object.entries(request)
      .filter(([field, value]) => !leftOut.includes(field) && !isUnset(value))
      .map(([field, value]): [string, string] => [field, canonical(withoutUnset(value))]),
  ];
  return options.filter(([, text]) => text !== "").map((each) => each.join(" "));
}

/** The fields of inputs or outputs: short ones as they are, of long ones the digest. */
function fieldsText(fields: Record<string, unknown>): string {
  return Object.entries(fields)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => {
      // The serialised code of the provider differs between releases of Node.js, and no diff counts it.
      if (name === "__provider") return name;
      const isSecret = typeof value === "object" && value !== null && "secret" in value;
      const shown = isSecret ? (value as { secret: unknown }).secret : value;
      const text = canonical(shown);
      const short = text.length <= 60 && !isSecret ? text : digest(text);
      return `${name}=${isSecret ? `secret:${short}` : short}`;
    })
    .join(" ");
}

/** JSON with sorted keys, and without the keys and passphrases that are made for each run. */
export function canonical(value: unknown): string {
  const text = JSON.stringify(value, (_, field: unknown) =>
    typeof field === "object" && field !== null && !Array.isArray(field)
      ? Object.fromEntries(Object.entries(field).sort(([a], [b]) => (a < b ? -1 : 1)))
      : field,
  );
  return Object.entries(secretTexts).reduce(
    (result, [name, secret]) => result.replaceAll(JSON.stringify(secret).slice(1, -1), `<${name}>`),
    text ?? "",
  );
}

function digest(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return createHash("sha256").update(text).digest("hex").slice(0, 10);
}

/** By URN, the kind and name, which must tell a resource from all others. */
function shortNames(registrations: Registration[]): Map<string, string> {
  const names = new Map(
    registrations.map(({ urn, type, name }) => [urn, `${type.replace(/.*:/, "")} ${name}`]),
  );
  if (new Set(names.values()).size !== names.size) {
    throw new Error("Two resources have the same kind and name; the record needs longer names.");
  }
  return names;
}

function shortUrn(urn: string): string {
  return urn.split("::").slice(2).join("::");
}

/** The URN in a provider's reference, `<urn>::<id>`. */
function urnOf(reference: string): string {
  return reference.replace(/::[^:]*$/, "");
}

/** True for what the protocol takes for a field that is not set. */
function isUnset(value: unknown): boolean {
  return (
    value === undefined ||
    value === null ||
    value === "" ||
    value === false ||
    (typeof value === "object" && Object.values(value).every(isUnset))
  );
}

function withoutUnset(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUnset);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => !isUnset(field))
      .map(([name, field]) => [name, withoutUnset(field)]),
  );
}
