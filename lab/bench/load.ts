/** Requests to a service through its load balancer: the first one from zero, and as many as the service can answer. */
import autocannon from "autocannon";
import { sshArgs } from "../host";
import { get } from "../http";
import { timed } from "./command";

/** Where a service answers. */
export interface Target {
  /** The load balancer's address. */
  address: string;
  /** Host name of the service, for the Host header. */
  hostname: string;
}

/** How many seconds one request takes, on a connection of its own. Throws what was answered when it is not 200. */
export async function requestSeconds({ address, hostname }: Target): Promise<number> {
  const start = performance.now();
  const { status, body } = await get(address, hostname);
  if (status !== 200) throw new Error(`${hostname} answered ${status}: ${body.trim()}`);
  return (performance.now() - start) / 1000;
}

/**
 * Measures several times how many seconds the first request takes after the last pod is gone.
 * @param service name of a Knative Service in `default` that scales to zero
 * @param progress called with each time
 */
export async function coldStarts(
  host: string,
  service: string,
  target: Target,
  times: number,
  signal: AbortSignal,
  progress: (seconds: number) => void,
): Promise<number[]> {
  const runs: number[] = [];
  // kubectl watches, because one call each second would keep the host's one CPU busy. Again, if other pods came
  // meanwhile.
  const pods = `k0s kubectl -n default POD -l serving.knative.dev/service=${service}`;
  const gone =
    `until [ -z "$(${pods.replace("POD", "get pods -o name")})" ]; do ` +
    `${pods.replace("POD", "wait --for=delete pod --timeout=300s")} >/dev/null || exit 1; done`;
  while (runs.length < times) {
    await timed("ssh", ["-o", "BatchMode=yes", ...sshArgs(host), gone], { signal });
    const seconds = await requestSeconds(target);
    runs.push(seconds);
    progress(seconds);
  }
  return runs;
}

/** What a service did under load. */
export interface Load {
  requestsPerSecond: number;
  /** Milliseconds by percentile. */
  latency: { p50: number; p97_5: number; p99: number };
}

/** Loads a service for ten seconds, after two to warm up. Each of ten connections sends a request after each answer. */
export async function load({ address, hostname }: Target): Promise<Load> {
  const options = { url: `http://${address}/`, headers: { host: hostname }, connections: 10 };
  await autocannon({ ...options, duration: 2 });
  const { requests, latency, errors, timeouts, non2xx } = await autocannon({
    ...options,
    duration: 10,
  });
  if (errors + timeouts + non2xx > 0) {
    throw new Error(
      `${hostname}: ${errors} errors, ${timeouts} time-outs and ${non2xx} answers other than 2xx under load`,
    );
  }
  return {
    requestsPerSecond: requests.average,
    latency: { p50: latency.p50, p97_5: latency.p97_5, p99: latency.p99 },
  };
}
