/** What a wait sees of the cluster, and its verdict. */
import { Obj, pluck, str } from "../../values";
import { Gvk } from "../gvk";
import { WatchEvent } from "../watch";
import { listOf, nameOfObject } from "../objects";

export interface Target {
  /** The answer to the request. */
  outputs: Obj;
  /** The live object before an update; undefined for a create. */
  lastOutputs?: Obj;
}

export interface Verdict {
  done: boolean;
  /** The object will never be live: the wait ends. */
  failed?: boolean;
  /** Why it is not live, for the error. */
  causes: string[];
  /** A line to show while it waits. */
  status?: string;
}

export interface Waiter {
  /** Kinds to watch in the object's namespace, including its own. */
  watches: Gvk[];
  judge(view: View): Verdict;
  onEvent?(event: WatchEvent, target: Target, judgeAgain: () => void): void;
  /** Whether the object is good enough at the time limit. */
  goodEnough?(view: View): boolean;
  /** Whether the error at the time limit names the condition instead of the object. */
  plainTimeout?: boolean;
  timeoutSeconds?: number;
  /** Whether a refresh checks it, too. */
  onRead: boolean;
}

/** The cluster's objects, which watches keep up to date. */
export class View {
  private readonly objects = new Map<string, Map<string, Obj>>();
  constructor(readonly target: Target) {}

  take({ type, object }: WatchEvent): void {
    const kind = str(object, "kind");
    const byName = this.objects.get(kind) ?? new Map<string, Obj>();
    this.objects.set(kind, byName);
    if (type === "DELETED") byName.delete(nameOfObject(object));
    else byName.set(nameOfObject(object), object);
  }

  all(kind: string): Obj[] {
    return [...(this.objects.get(kind)?.values() ?? [])];
  }

  named(kind: string, name: string): Obj | undefined {
    return this.objects.get(kind)?.get(name);
  }

  /** The object itself, or undefined if only an older generation of it was seen. */
  own(): Obj | undefined {
    const { outputs } = this.target;
    const live = this.named(str(outputs, "kind"), nameOfObject(outputs));
    return live && num(live, "metadata", "generation") >= num(outputs, "metadata", "generation")
      ? live
      : undefined;
  }

  ownedBy(kind: string, owner: Obj): Obj[] {
    const uid = str(owner, "metadata", "uid");
    return this.all(kind).filter((o) =>
      listOf(pluck(o, "metadata", "ownerReferences")).some((reference) => reference.uid === uid),
    );
  }
}

export function num(object: Obj | undefined, ...path: string[]): number {
  const value = pluck(object, ...path);
  return typeof value === "number" ? value : 0;
}

export const core = (kind: string): Gvk => ({ group: "", version: "v1", kind });
export const apps = (kind: string): Gvk => ({ group: "apps", version: "v1", kind });

export const condition = (object: Obj, type: string): Obj | undefined =>
  listOf(pluck(object, "status", "conditions")).find((c) => c.type === type);
