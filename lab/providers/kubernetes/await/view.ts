/** What a wait sees of the cluster, and what it makes of it. */
import { Obj, pluck, str } from "../../values";
import { Gvk } from "../gvk";
import { WatchEvent } from "../watch";
import { listOf, nameOfObject } from "../objects";

export interface Target {
  /** What the request answered. */
  outputs: Obj;
  /** The live object before an update; none for a creation. */
  lastOutputs?: Obj;
}

export interface Verdict {
  done: boolean;
  /** It never will be: stop waiting. */
  failed?: boolean;
  /** Why not, for the error. */
  causes: string[];
  /** A line to show meanwhile. */
  status?: string;
}

export interface Waiter {
  /** Kinds to watch in the object's namespace, its own among them. */
  watches: Gvk[];
  judge(view: View): Verdict;
  onEvent?(event: WatchEvent, target: Target, judgeAgain: () => void): void;
  /** At the time limit: is it good enough? */
  goodEnough?(view: View): boolean;
  /** The limit is worded as the condition's, not as the object's. */
  plainTimeout?: boolean;
  timeoutSeconds?: number;
  /** Refresh looks at it too. */
  onRead: boolean;
}

/** What is known of the cluster, kept up by watches. */
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

  /** The object itself, unless only an older generation of it was seen. */
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
