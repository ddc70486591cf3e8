import { setTimeout as sleep } from "node:timers/promises";
import type { V1EndpointSlice, Watch } from "@kubernetes/client-node" with {
  "resolution-mode": "import",
};
import { kubeconfigOf } from "./lab";

/** Watches Services of a lab host's cluster, also over restarts of its API server, for moments without a ready endpoint. */
export class EndpointWatch {
  /** The Services that were seen without one, each as often as it lost its last. */
  private readonly lost: string[] = [];
  private readonly slices = new Map<string, { service: string; ready: number }>();
  private ended = false;
  private request?: AbortController;
  private readonly running: Promise<void>;

  /** @param services namespace/name of each */
  constructor(
    host: string,
    private readonly services: string[],
  ) {
    this.running = this.run(host);
  }

  /** Ends it. The Services that had no ready endpoint for a moment. */
  public async stop(): Promise<string[]> {
    this.ended = true;
    this.request?.abort();
    await this.running;
    return this.lost;
  }

  private async run(host: string): Promise<void> {
    const client = await import("@kubernetes/client-node");
    const config = new client.KubeConfig();
    config.loadFromFile(await kubeconfigOf(host));
    const watch = new client.Watch(config);
    while (!this.ended) {
      await this.untilClosed(watch).catch(() => undefined);
      await sleep(100);
    }
  }

  private untilClosed(watch: Watch): Promise<void> {
    const path = "/apis/discovery.k8s.io/v1/endpointslices";
    return new Promise((closed, failed) => {
      const take = (type: string, slice: V1EndpointSlice): void => this.take(type, slice);
      watch
        .watch(path, {}, take, () => closed())
        .then((request) => {
          this.request = request;
          if (this.ended) request.abort();
        }, failed);
    });
  }

  private take(type: string, { metadata = {}, endpoints = [] }: V1EndpointSlice): void {
    const service = `${metadata.namespace}/${metadata.labels?.["kubernetes.io/service-name"]}`;
    if (!this.services.includes(service)) return;
    const before = this.readyOf(service);
    const ready = endpoints.filter(({ conditions }) => conditions?.ready !== false).length;
    this.slices.set(metadata.uid ?? "", { service, ready: type === "DELETED" ? 0 : ready });
    if (before > 0 && this.readyOf(service) === 0) this.lost.push(service);
  }

  private readyOf(service: string): number {
    return [...this.slices.values()]
      .filter((slice) => slice.service === service)
      .reduce((sum, { ready }) => sum + ready, 0);
  }
}
