/**
 * The engine's events (`pulumi up --json`): when the engine worked on which resource, and for what the run had to wait.
 */
import type { Phase } from "./byHand";
import type { TimedLine } from "./command";

/** The work on one resource, in seconds from the start of the Pulumi command. */
export interface Operation {
  urn: string;
  type: string;
  name: string;
  /** Name of the component that it belongs to. */
  component: string;
  began: number;
  ended: number;
}

interface ResourceEvent {
  metadata: {
    op: string;
    urn: string;
    type: string;
    new?: { parent: string; provider: string } | null;
  };
}

interface EngineEvent {
  resourcePreEvent?: ResourceEvent;
  resOutputsEvent?: ResourceEvent;
}

/**
 * The resources that an update worked on, in the order in which they began. Times are those at which events arrived,
 * because the engine's own timestamps are whole seconds. Leaves out components and unchanged resources.
 */
export function operations(lines: readonly TimedLine[]): Operation[] {
  const begun = new Map<string, Operation>();
  const done: Operation[] = [];
  for (const { seconds, line } of lines) {
    const { resourcePreEvent, resOutputsEvent } = JSON.parse(line) as EngineEvent;
    if (resourcePreEvent) {
      const { op, urn, type, new: state } = resourcePreEvent.metadata;
      const isWork = state?.provider !== "" || type.startsWith("pulumi:providers:");
      if (op !== "same" && isWork) {
        const component = nameOf(state?.parent ?? "");
        begun.set(urn, { urn, type, name: nameOf(urn), component, began: seconds, ended: seconds });
      }
    }
    const operation = begun.get(resOutputsEvent?.metadata.urn ?? "");
    if (operation) done.push({ ...operation, ended: seconds });
  }
  return done.sort((a, b) => a.began - b.began);
}

/** A resource's name, the last part of its URN. */
export function nameOf(urn: string): string {
  return urn.slice(urn.lastIndexOf("::") + 2);
}

/**
 * The operations as phases, in the order in which they began. A command is a phase, and so are all objects of a
 * component.
 */
export function phases(all: readonly Operation[]): Phase[] {
  const found = new Map<string, Phase>();
  for (const { type, name, component, began, ended } of all) {
    const key = type.startsWith("kubernetes:") ? component : name;
    const phase = found.get(key) ?? { name: key, began, ended };
    found.set(key, { ...phase, ended: Math.max(phase.ended, ended) });
  }
  return [...found.values()];
}

/** What a resource waits for, from `pulumi stack export`. */
export interface StateResource {
  urn: string;
  /** `<urn>::<id>` of its provider. */
  provider?: string;
  dependencies?: string[];
}

/**
 * The chain of resources that decided how long the run took: the resource that ended last, before it the dependency
 * that ended last, and so on to the first.
 */
export function criticalPath(
  all: readonly Operation[],
  state: readonly StateResource[],
): Operation[] {
  const byUrn = new Map(all.map((operation) => [operation.urn, operation]));
  const waitsFor = new Map(
    state.map(({ urn, provider = "", dependencies = [] }) => [
      urn,
      [...dependencies, provider.replace(/::[^:]*$/, "")],
    ]),
  );
  const path: Operation[] = [];
  let next = lastToEnd(all);
  while (next !== undefined && !path.includes(next)) {
    path.unshift(next);
    next = lastToEnd((waitsFor.get(next.urn) ?? []).flatMap((urn) => byUrn.get(urn) ?? []));
  }
  return path;
}

function lastToEnd(all: readonly Operation[]): Operation | undefined {
  return all.reduce<Operation | undefined>(
    (last, each) => (last === undefined || each.ended > last.ended ? each : last),
    undefined,
  );
}
