import { KubernetesObject } from "../../components/cluster/kubernetesObject";
import { isRecord } from "../../lib/json";
import { serviceMove } from "./serviceMove";

/** A resource's state, as `pulumi preview --json` prints it: secrets are "[secret]". */
export interface PreviewState {
  type: string;
  inputs?: Record<string, unknown>;
  outputs?: Record<string, unknown>;
  /** It stays when the stack has it no more. */
  retainOnDelete?: boolean;
}

/** What the engine would do with one resource. */
export interface PreviewStep {
  op: string;
  urn: string;
  oldState?: PreviewState;
  newState?: PreviewState;
  /** Property paths for which a resource cannot be updated in place. */
  replaceReasons?: string[];
}

/** The parts of `pulumi preview --json` that a summary needs. */
export interface Preview {
  steps?: PreviewStep[];
  diagnostics?: { message: string; severity: string; urn?: string }[];
  /** Number of resources by operation. */
  changeSummary?: Record<string, number>;
}

/** One field of a resource that changes. */
export interface FieldChange {
  /** Such as `spec.template.spec.containers[0].image`. */
  path: string;
  /** Undefined where the field is new. */
  old?: unknown;
  /** Undefined where the field goes. */
  now?: unknown;
}

/** Changes that a stack's file tells of and no step of the engine shows. */
export interface PreviewMoves {
  /** Markdown on how the budget moves. */
  budget?: string;
  /** List items on how the address and the URLs change. */
  addresses?: string[];
  /** What the pods of a Knative Service request, such as `35m CPU, 56Mi`. */
  requests?: (service: KubernetesObject) => string;
  /** List items on the gateway's certificate. */
  certificate?: string[];
}

const signs: Record<string, string> = { create: "+", update: "~", replace: "±", delete: "−" };
const verbs: Record<string, string> = {
  create: "to create",
  update: "to update",
  replace: "to replace",
  delete: "to delete",
};

/** The engine's token for a value that only the update knows. */
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/**
 * A short Markdown summary of a preview: what is refused, what loses data, what restarts, where services answer from now
 * on, and the fields that change.
 */
export function previewSummary(
  preview: Preview,
  stack: string,
  { budget, addresses = [], certificate = [], requests }: PreviewMoves = {},
): string {
  const steps = (preview.steps ?? []).filter(({ op }) => op in verbs);
  const refused = errors(preview);
  const sections: [string, string[]][] =
    refused.length > 0
      ? [["Refused", refused]]
      : [
          ["Warnings", warnings(preview)],
          ["Data is lost", steps.flatMap(losses)],
          // In a cluster that is built anew, everything starts.
          ["Restarts", steps.some(isNewCluster) ? [] : steps.flatMap(restarts)],
          ["Services", steps.flatMap((step) => services(step, requests))],
          ["Addresses change", addresses],
          ["Certificate", certificate],
          ["Changed by hand, will be mended", steps.flatMap(drifts)],
          ["Changes", changes(steps)],
          ["Budget", budget === undefined ? [] : [budget]],
        ];
  const parts = sections
    .filter(([, lines]) => lines.length > 0)
    .map(([title, lines]) => `**${title}**\n\n${lines.join("\n")}`);
  return `${[`### ${stack}: ${counts(steps, refused)}`, ...parts].join("\n\n")}\n`;
}

/** The fields in which two values differ, deepest path first found. Private keys of providers (`__...`) are left out. */
export function fieldChanges(old: unknown, now: unknown, path = ""): FieldChange[] {
  if (isRecord(old) && isRecord(now)) {
    const keys = [...new Set([...Object.keys(old), ...Object.keys(now)])];
    return keys
      .filter((key) => !key.startsWith("__"))
      .flatMap((key) => fieldChanges(old[key], now[key], join(path, key)));
  }
  if (Array.isArray(old) && Array.isArray(now)) {
    const length = Math.max(old.length, now.length);
    return Array.from({ length }, (_, index) =>
      fieldChanges(old[index], now[index], `${path}[${index}]`),
    ).flat();
  }
  if (typeof old === "string" && typeof now === "string" && `${old}${now}`.includes("\n")) {
    return textChanges(old, now, path);
  }
  return JSON.stringify(old) === JSON.stringify(now) ? [] : [{ path, old, now }];
}

/**
 * The differences of two texts. Of two scripts for the host these are the variables at their start that differ, and one
 * line if the rest differs. Of other texts, such as k0s.yaml, they are the lines that differ.
 */
function textChanges(old: string, now: string, path: string): FieldChange[] {
  const [before, after] = [splitScript(old), splitScript(now)];
  const variables = fieldChanges(before.variables, after.variables, path);
  if (before.body === after.body) {
    return variables;
  }
  if (path === "stdin") {
    return [...variables, { path: join(path, "script"), old: "a text", now: "another" }];
  }
  const [oldLines, newLines] = [old.split("\n"), now.split("\n")];
  return [
    {
      path,
      old: oldLines.filter((line) => !newLines.includes(line)).join("\n"),
      now: newLines.filter((line) => !oldLines.includes(line)).join("\n"),
    },
  ];
}

function splitScript(text: string): { variables: Record<string, string>; body: string } {
  const variables: Record<string, string> = {};
  // As renderScript writes them: a value may hold lines and, as '\'', quotes.
  const assignment = /^([A-Za-z_][A-Za-z0-9_]*)='((?:[^']|'\\'')*)'\n/;
  let body = text;
  for (let match = assignment.exec(body); match !== null; match = assignment.exec(body)) {
    const [line, name = "", value = ""] = match;
    variables[name] = value.replaceAll("'\\''", "'");
    body = body.slice(line.length);
  }
  return { variables, body };
}

function join(path: string, key: string): string {
  const field = /^[A-Za-z_][\w-]*$/.test(key) ? key : JSON.stringify(key);
  return path === "" ? field : `${path}.${field}`;
}

function counts(steps: PreviewStep[], refused: string[]): string {
  if (refused.length > 0) {
    return "refused, nothing will be done";
  }
  const words = Object.entries(verbs).flatMap(([op, verb]) => {
    const count = steps.filter((step) => step.op === op).length;
    return count === 0 ? [] : [`${count} ${verb}`];
  });
  return words.length === 0 ? "no changes" : words.join(", ");
}

function errors({ diagnostics = [] }: Preview): string[] {
  const messages = diagnostics
    .filter(({ severity }) => severity === "error")
    .map(({ message }) => plainError(message));
  return [...new Set(messages)].map((message) => `- ${message}`);
}

/** The program's own warnings. Providers also warn of what a preview does not need, such as a way to the cluster. */
function warnings({ diagnostics = [] }: Preview): string[] {
  return diagnostics
    .filter(({ severity, urn }) => severity === "warning" && urn?.includes("pulumi:pulumi:Stack"))
    .map(({ message }) => `- ${plainError(message.replace(/^warning: /, ""))}`);
}

/** An error without what the engine puts around it, and without where in the program it arose. */
export function plainError(message: string): string {
  return message
    .replace(/^error: /, "")
    .replace(/^\S+ resource '[^']*':? (property \S+ value .*? )?has a problem: /, "")
    .replace(/^Running program '[^']*' failed with an unhandled exception:\s*/, "")
    .replace(/\n\s+at [^\n]*/g, "")
    .trim()
    .replace(/\s*\n\s*/g, "\n  ");
}

function losses(step: PreviewStep): string[] {
  const { op, urn, newState, oldState } = step;
  // The replaced cluster stands for everything in it.
  if ((op !== "replace" && op !== "delete") || followsCluster(step)) {
    return [];
  }
  const state = newState ?? oldState;
  const type = state?.type ?? "";
  if (state?.retainOnDelete) {
    return [];
  }
  if (type === "command:remote:Command" && nameOf(urn).endsWith("-install")) {
    const machine = workerOf(urn) ?? "the host";
    return [
      `- k0s is removed from ${op === "replace" ? machine.replace("the ", "the old ") : machine}`,
    ];
  }
  if (isNewCluster(step)) {
    return ["- the cluster is built anew: everything in it is lost"];
  }
  if (type.endsWith(":HostState")) {
    return ["- the cluster, with everything in it"];
  }
  const holdsObjects = /:(Namespace|CustomResourceDefinition|PersistentVolume(Claim)?)$/;
  return holdsObjects.test(type) ? [`- ${label(urn, state)}, with everything in it`] : [];
}

/** Which worker a resource brings up, in words; undefined for a resource of the host. */
function workerOf(urn: string): string | undefined {
  const name = /^worker-(.*)-[a-z]+$/.exec(nameOf(urn))?.[1];
  return name && `the worker ${name}`;
}

function restarts(step: PreviewStep): string[] {
  const { op, urn, oldState, newState } = step;
  if (followsCluster(step)) {
    return [];
  }
  const type = newState?.type ?? "";
  const fields = op === "update" ? changedFields(step) : [];
  const name = label(urn, newState ?? oldState);
  if (type === "command:remote:Command" && nameOf(urn).endsWith("-ready")) {
    // What ready.sh is given because k0s reads it at its start.
    const causes = ["K0S_VERSION", "K0S_YAML", "INSTALL_ARGS"].filter((variable) =>
      fields.some(({ path }) => path.startsWith(`stdin.${variable}`)),
    );
    return causes.length === 0 ? [] : [`- k0s on the host (${causes.join(", ")})`];
  }
  if (type.endsWith(":WorkerNode")) {
    const changed = ["k0sVersion", "arguments"].some((field) =>
      fields.some(({ path }) => path === `facts.${field}`),
    );
    return changed ? [`- k0s on ${workerOf(urn)}, whose pods go to other nodes meanwhile`] : [];
  }
  const isTemplate = fields.some(({ path }) => path.startsWith("spec.template"));
  if (isTemplate && /:(Deployment|DaemonSet|StatefulSet)$/.test(type)) {
    return [`- the pods of ${name}`];
  }
  if (isTemplate && type === "kubernetes:serving.knative.dev/v1:Service") {
    return [`- ${name}, as a new revision`];
  }
  return op === "replace" && type.endsWith(":Job") ? [`- ${name} runs again`] : [];
}

/** What changes for the users of a Knative Service, and what it adds to the budget. */
function services(
  { op, urn, oldState, newState }: PreviewStep,
  requests: PreviewMoves["requests"],
): string[] {
  const state = newState ?? oldState;
  if (state?.type !== "kubernetes:serving.knative.dev/v1:Service") {
    return [];
  }
  const [old = {}, now = {}] = [oldState?.inputs, newState?.inputs];
  const sentences = op === "update" ? serviceMove(old, now) : [];
  return [...sentences, ...(requests ? demandMove(op, old, now, requests) : [])].map(
    (sentence) => `- ${label(urn, state)} ${sentence}`,
  );
}

function demandMove(
  op: string,
  old: object,
  now: object,
  requests: (service: KubernetesObject) => string,
): string[] {
  // What only the update knows stands as a text in a preview.
  const text = (service: { spec?: unknown }): string =>
    isRecord(service.spec) ? requests(service as KubernetesObject) : "what the update knows";
  switch (op) {
    case "create":
      return [`is new, and its pods request ${text(now)}`];
    case "delete":
      return [`goes, and its pods requested ${text(old)}`];
    default:
      return text(old) === text(now)
        ? []
        : [`has pods that request ${text(now)}; before, ${text(old)}`];
  }
}

function drifts({ oldState }: PreviewStep): string[] {
  const drift = oldState?.inputs?.drift;
  return isRecord(drift)
    ? Object.entries(drift).map(([field, what]) => `- ${field}: ${code(what)}`)
    : [];
}

/**
 * A line for each resource, with its fields below it. One line counts many new resources by kind. One line also counts
 * objects whose fields change in the same way, such as the version's label in an upgrade, and objects that only follow a
 * replaced provider.
 */
function changes(steps: PreviewStep[]): string[] {
  const following = steps.filter(followsCluster);
  const created = steps.filter(({ op }) => op === "create");
  const counted = created.length > 30 ? created : [];
  const shown = steps.filter((step) => ![...following, ...counted].includes(step));
  const alike = new Map<string, PreviewStep[]>();
  for (const step of shown) {
    const isObject = step.newState?.type.startsWith("kubernetes:") ?? false;
    const fields = isObject ? fieldLines(step) : [];
    // Resources without fields to show are not alike.
    const key = fields.length === 0 ? step.urn : [step.op, ...fields].join("\n");
    alike.set(key, [...(alike.get(key) ?? []), step]);
  }
  return [
    ...kinds(counted).map((kind) => `- ${signs.create} ${kind}`),
    ...[...alike.values()].flatMap((group) =>
      group.length < 3 ? group.flatMap(change) : crowd(group),
    ),
    ...(following.length === 0
      ? []
      : [`- ${signs.replace} ${following.length} objects, which go to the new cluster`]),
  ];
}

/** True for the resource that stands for the cluster, when it is replaced. */
function isNewCluster({ op, newState }: PreviewStep): boolean {
  return op === "replace" && (newState?.type.endsWith(":HostState") ?? false);
}

/** True for a resource that is made anew only because its cluster is: its provider or components/cluster/cluster.ts say so. */
function followsCluster({ op, newState, replaceReasons = [] }: PreviewStep): boolean {
  const isForced = replaceReasons.every((reason) => reason === "provider");
  return op === "replace" && isForced && !newState?.type.startsWith("pulumi:providers:");
}

/** Objects that change in the same way, as one. */
function crowd(group: PreviewStep[]): string[] {
  const title = `${group.length} objects: ${kinds(group).join(", ")}`;
  return group.slice(0, 1).flatMap((step) => [`- ${signs[step.op]} ${title}`, ...fieldLines(step)]);
}

/** `ConfigMap × 9`, for each kind. */
function kinds(steps: PreviewStep[]): string[] {
  const counts = new Map<string, number>();
  for (const { newState } of steps) {
    const kind = newState?.type.split(":").pop() ?? "";
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return [...counts].map(([kind, count]) => `${kind} × ${count}`);
}

function change(step: PreviewStep): string[] {
  const { op, urn, oldState, newState } = step;
  const stays = op === "delete" && oldState?.retainOnDelete;
  const what = `${label(urn, newState ?? oldState)}${stays ? ", which stays in the cluster" : ""}`;
  return [`- ${signs[op]} ${what}`, ...fieldLines(step)];
}

function fieldLines(step: PreviewStep): string[] {
  return changedFields(step).map(({ path, old, now }) => {
    const mark = step.replaceReasons?.includes(path) ? " (cannot be changed in place)" : "";
    if (path.endsWith(".script")) {
      return `  - ${path} changes`;
    }
    return `  - ${path}: ${old === undefined ? "" : `${code(old)} → `}${now === undefined ? "removed" : code(now)}${mark}`;
  });
}

function changedFields({ op, oldState, newState }: PreviewStep): FieldChange[] {
  if (op !== "update" && op !== "replace") {
    return [];
  }
  // Drift has a section of its own.
  const old = { ...oldState?.inputs, drift: undefined, lost: undefined };
  return fieldChanges(old, newState?.inputs ?? {});
}

/** What people call a resource: kind and name of a Kubernetes object, else type and name in the program. */
function label(urn: string, state: PreviewState | undefined): string {
  const kind = state?.type.split(":").pop() ?? "";
  const metadata = state?.inputs?.metadata;
  if (isRecord(metadata) && typeof metadata.name === "string") {
    return `${kind} ${[metadata.namespace, metadata.name].filter(Boolean).join("/")}`;
  }
  return `${kind} ${nameOf(urn)}`;
}

function nameOf(urn: string): string {
  return urn.split("::").slice(3).join("::");
}

/** A value as a code span: one line, at most 120 characters. */
function code(value: unknown): string {
  if (value === unknown) {
    return "known after the update";
  }
  const text = typeof value === "string" && value !== "" ? value : JSON.stringify(value);
  const line = text
    .replace(/\s+/g, " ")
    .replace(/\b([0-9a-f]{12})[0-9a-f]{52}\b/g, "$1…")
    .replaceAll("`", "'");
  return `\`${line.length > 120 ? `${line.slice(0, 117)}...` : line}\``;
}
