import * as http from "node:http";
import { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { KubernetesObject } from "../../components/cluster/kubernetesObject";

const pods = "/api/v1/namespaces/default/pods";
const events = "/api/v1/namespaces/default/events";
const deployments = "/apis/apps/v1/namespaces/default/deployments";
const autoscalers =
  "/apis/autoscaling.internal.knative.dev/v1alpha1/namespaces/default/podautoscalers";
const serving = "/apis/serving.knative.dev/v1/namespaces/default";
const configMap = "/api/v1/namespaces/knative-serving/configmaps/config-autoscaler";

/** Milliseconds that the service takes for an answer when its pod is there. */
const warmAnswer = 20;

/** How a {@link FakeKnative} behaves; a test may change it at any time. */
export interface FakeBehaviour {
  /** Milliseconds without a request after which the pod goes. */
  idle: number;
  /** Milliseconds between two steps of a start. */
  step: number;
  /** How far the host's clock is ahead, in milliseconds. */
  clock: number;
  /** HTTP status of the answers; 0 cuts the connection. */
  status: number;
  /** Whether the pod is Ready before the answer, as kubelet sees it, or some time after it. */
  readyFirst: boolean;
}

/**
 * An API server and a gateway with one service, hello, which scales from zero and back. It lists and watches what
 * `npm run load` reads, writes events as client-go does, and knows no authorization.
 */
export class FakeKnative {
  public readonly behaviour: FakeBehaviour = {
    idle: 100,
    step: 10,
    clock: 5000,
    status: 200,
    readyFirst: true,
  };
  /** Single objects by the path that asks for them; remove one and the answer is 404. */
  public readonly objects: Record<string, unknown> = {};
  /** Paths that were asked for, each once. */
  public readonly asked = new Set<string>();
  private readonly collections = new Map<string, Map<string, KubernetesObject>>();
  /** All changes, which a watch that goes on where it was cut gets again. */
  private readonly history: { path: string; version: number; line: string }[] = [];
  private readonly watchers = new Map<string, Set<http.ServerResponse>>();
  private version = 1;
  private count = 0;
  private open = 0;
  private starting: Promise<void> | undefined;
  private idleTimer: NodeJS.Timeout | undefined;
  private readonly api = http.createServer((request, response) =>
    this.answerApi(request, response),
  );
  private readonly gateway = http.createServer((_, response) => void this.answerService(response));

  /** Starts both servers. */
  public static async start(): Promise<FakeKnative> {
    const fake = new FakeKnative();
    for (const server of [fake.api, fake.gateway]) {
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    }
    fake.objects[`${serving}/services/hello`] = {
      metadata: { name: "hello" },
      status: {
        conditions: [{ type: "Ready", status: "True" }],
        traffic: [{ revisionName: "hello-00001", percent: 100 }],
      },
    };
    fake.objects[`${serving}/revisions`] = { items: [{ metadata: { name: "hello-00001" } }] };
    fake.objects[configMap] = { data: {} };
    fake.scale(0);
    fake.active("False");
    return fake;
  }

  public close(): void {
    clearTimeout(this.idleTimer);
    for (const server of [this.api, this.gateway]) {
      server.close();
      server.closeAllConnections();
    }
  }

  /** The outputs of a stack whose cluster this is. */
  public outputs(): Record<string, unknown> {
    const port = (server: http.Server): number => (server.address() as AddressInfo).port;
    const server = `http://127.0.0.1:${port(this.api)}`;
    return {
      kubeconfig: JSON.stringify({
        clusters: [{ name: "a", cluster: { server, "insecure-skip-tls-verify": true } }],
        users: [{ name: "a", user: { token: "a-token" } }],
        contexts: [{ name: "a", context: { cluster: "a", user: "a" } }],
        "current-context": "a",
      }),
      loadBalancerIp: "127.0.0.1",
      services: { hello: `http://hello.default.example.com:${port(this.gateway)}` },
    };
  }

  /** Changes the revision that has the traffic, and the autoscaler's defaults. */
  public configure(
    annotations: Record<string, string>,
    defaults: Record<string, string> = {},
  ): void {
    const items = [{ metadata: { name: "hello-00001", annotations } }];
    this.objects[`${serving}/revisions`] = { items };
    this.objects[configMap] = { data: defaults };
  }

  /** Ends every watch, as an API server does that starts again. */
  public cutWatches(): void {
    for (const response of [...this.watchers.values()].flatMap((all) => [...all])) {
      response.destroy();
    }
  }

  /** Adds a pod that no request asked for. */
  public addPod(name: string, phase = "Running"): void {
    this.put(pods, name, { spec: { containers: [{}] }, status: { phase } });
  }

  private answerApi(request: http.IncomingMessage, response: http.ServerResponse): void {
    const url = new URL(request.url ?? "", "http://a");
    this.asked.add(url.pathname);
    const headers = { "content-type": "application/json" };
    const collection = this.collections.get(url.pathname);
    const selector = url.searchParams.get("labelSelector");
    if (url.searchParams.has("watch")) {
      response.writeHead(200, headers).flushHeaders();
      const all = this.watchers.get(url.pathname) ?? new Set();
      // Events have no labels: a watch that selects by one gets none.
      if (url.pathname === events && selector !== null) return;
      this.watchers.set(url.pathname, all.add(response));
      response.once("close", () => all.delete(response));
      const since = Number(url.searchParams.get("resourceVersion"));
      for (const { path, version, line } of this.history) {
        if (path === url.pathname && version > since) response.write(line);
      }
    } else if (collection !== undefined || [pods, events].includes(url.pathname)) {
      const items = [...(collection?.values() ?? [])];
      const metadata = { resourceVersion: String(this.version) };
      response.writeHead(200, headers).end(JSON.stringify({ metadata, items }));
    } else {
      const found = this.objects[url.pathname];
      const answer = found ?? { kind: "Status", code: 404, message: "not found" };
      response.writeHead(found === undefined ? 404 : 200, headers).end(JSON.stringify(answer));
    }
  }

  private async answerService(response: http.ServerResponse): Promise<void> {
    const { status, idle } = this.behaviour;
    clearTimeout(this.idleTimer);
    this.open++;
    const warm = this.starting !== undefined;
    await (this.starting ??= this.startPod());
    // So that a load does not take the machine from the other tests.
    if (warm) await sleep(warmAnswer);
    if (status === 0) {
      response.destroy();
    } else {
      response.writeHead(status).end("Hello Edge!!\n");
    }
    this.open--;
    clearTimeout(this.idleTimer);
    this.idleTimer = setTimeout(() => this.open === 0 && this.stopPod(), idle);
  }

  /** A start in the order of a real one; the events come late, and say when they happened by the host's clock. */
  private async startPod(): Promise<void> {
    const { step, readyFirst } = this.behaviour;
    const name = `hello-00001-deployment-${++this.count}`;
    const pod = (nodeName?: string, conditions: Record<string, string> = {}): void =>
      this.put(pods, name, {
        spec: { nodeName, containers: [{ name: "user-container" }, { name: "queue-proxy" }] },
        status: {
          phase: "Pending",
          conditions: Object.entries(conditions).map(([type, status]) => ({ type, status })),
        },
      });
    await sleep(step);
    this.scale(1);
    this.active("Unknown");
    await sleep(step);
    pod();
    this.event("ReplicaSet", "hello-00001-deployment", "SuccessfulCreate", `Created pod: ${name}`);
    await sleep(step);
    pod("edge1");
    this.event("Pod", name, "Scheduled", `Successfully assigned default/${name} to edge1`);
    await sleep(step);
    for (const container of ["user-container", "queue-proxy"]) {
      const path = `spec.containers{${container}}`;
      this.event("Pod", name, "Pulled", "Container image already present on machine", path);
      this.event("Pod", name, "Created", `Created container: ${container}`, path);
      await sleep(step);
      this.event("Pod", name, "Started", `Started container ${container}`, path);
    }
    const ready = async (): Promise<void> => {
      await sleep(step);
      pod("edge1", { PodReadyToStartContainers: "True", Ready: "True" });
      await sleep(step);
      this.active("True");
    };
    if (readyFirst) {
      await ready();
    } else {
      void sleep(step).then(ready);
    }
    await sleep(step);
  }

  private stopPod(): void {
    this.starting = undefined;
    this.scale(0);
    this.active("False");
    this.remove(pods, `hello-00001-deployment-${this.count}`);
  }

  private scale(replicas: number): void {
    this.put(deployments, "hello-00001-deployment", { spec: { replicas } });
  }

  private active(status: string): void {
    this.put(autoscalers, "hello-00001", { status: { conditions: [{ type: "Active", status }] } });
  }

  /** An event as client-go names it: by its nanoseconds, in hexadecimal digits. */
  private event(
    kind: string,
    name: string,
    reason: string,
    message: string,
    fieldPath?: string,
  ): void {
    const nanoseconds = BigInt(Math.round((Date.now() + this.behaviour.clock) * 1e6));
    const involvedObject = { kind, name, fieldPath };
    const object = { reason, message, involvedObject };
    const eventName = `${name}.${(nanoseconds + BigInt(this.version)).toString(16)}`;
    this.put(events, eventName, object);
  }

  private put(path: string, name: string, rest: Record<string, unknown>): void {
    const all = this.collections.get(path) ?? new Map<string, KubernetesObject>();
    this.collections.set(path, all);
    this.tell(path, all.has(name) ? "MODIFIED" : "ADDED", name, rest);
  }

  private remove(path: string, name: string): void {
    const object = this.collections.get(path)?.get(name);
    if (object !== undefined) {
      this.tell(path, "DELETED", name, object as unknown as Record<string, unknown>);
      this.collections.get(path)?.delete(name);
    }
  }

  private tell(path: string, type: string, name: string, rest: Record<string, unknown>): void {
    const version = ++this.version;
    const metadata = { name, namespace: "default", resourceVersion: String(version) };
    const object = { ...rest, metadata } as unknown as KubernetesObject;
    this.collections.get(path)?.set(name, object);
    const line = `${JSON.stringify({ type, object })}\n`;
    this.history.push({ path, version, line });
    for (const response of this.watchers.get(path) ?? []) {
      response.write(line);
    }
  }
}
