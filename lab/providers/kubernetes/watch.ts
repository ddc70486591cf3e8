/** Watches of collections. All who want the events of one share its watch. */
import http from "node:http";
import { Obj, str } from "../values";
import { ApiServer } from "./apiServer";
import { apiVersionOf, Gvk } from "./gvk";
import { listOf } from "./objects";

/** Seconds after which the server is asked to close a watch. */
const watchSeconds = 300;

export type WatchEvent = { type: "ADDED" | "MODIFIED" | "DELETED"; object: Obj };

/** The watch of one collection. After a closed connection it lists again and goes on. */
export class Watch {
  private readonly listeners = new Set<(event: WatchEvent) => void>();
  private readonly objects = new Map<string, Obj>();
  private stream?: http.IncomingMessage;
  private stopped = false;

  constructor(
    private readonly server: ApiServer,
    private readonly gvk: Gvk,
    private readonly collection: string,
  ) {
    void this.run();
  }

  subscribe(listener: (event: WatchEvent) => void): void {
    this.listeners.add(listener);
    for (const object of this.objects.values()) listener({ type: "ADDED", object });
  }

  /** Returns whether that was the last listener, with which the watch ends. */
  unsubscribe(listener: (event: WatchEvent) => void): boolean {
    this.listeners.delete(listener);
    if (this.listeners.size > 0) return false;
    this.stopped = true;
    this.stream?.destroy();
    return true;
  }

  private emit(type: WatchEvent["type"], bare: Obj): void {
    // Items of a list have no kind.
    const object = { ...bare, apiVersion: apiVersionOf(this.gvk), kind: this.gvk.kind };
    const name = str(object, "metadata", "name");
    if (type === "DELETED") this.objects.delete(name);
    else {
      const known = this.objects.get(name);
      if (
        known &&
        str(known, "metadata", "resourceVersion") === str(object, "metadata", "resourceVersion")
      )
        return;
      this.objects.set(name, object);
    }
    for (const listener of [...this.listeners]) listener({ type, object });
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      try {
        const list = await this.server.request("GET", this.collection);
        const items = listOf(list.items);
        const names = new Set(items.map((item) => str(item, "metadata", "name")));
        for (const [name, object] of this.objects)
          if (!names.has(name)) this.emit("DELETED", object);
        for (const item of items)
          this.emit(this.objects.has(str(item, "metadata", "name")) ? "MODIFIED" : "ADDED", item);
        await this.follow(str(list, "metadata", "resourceVersion"));
      } catch {
        // The server may be away for a while. The waits have their own time limits.
      }
      if (!this.stopped) await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }

  /** Follows changes until the connection closes. */
  private async follow(from: string): Promise<void> {
    if (this.stopped) return;
    const response = await this.server.open(
      "GET",
      `${this.collection}?watch=true&resourceVersion=${from}&timeoutSeconds=${watchSeconds}`,
    );
    this.stream = response;
    if (this.stopped) response.destroy();
    let rest = "";
    response.setEncoding("utf8");
    for await (const piece of response) {
      const lines = (rest + (piece as string)).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const event = JSON.parse(line) as { type: string; object: Obj };
        // After an ERROR event the server no longer knows where this watch was, so it must list again.
        if (event.type === "ERROR") return response.destroy() && undefined;
        if (event.type !== "BOOKMARK") this.emit(event.type as WatchEvent["type"], event.object);
      }
    }
  }
}
