import autocannon from "autocannon";
import { type Target } from "./target";

/** What a service answered under load. */
export interface WarmLoad {
  connections: number;
  /** How long the load lasted. */
  seconds: number;
  /** Answers with a status of 2xx. */
  answered: number;
  /** The same for each second. */
  requestsPerSecond: number;
  /** From request to answer, whole milliseconds. */
  latencyMs: { p50: number; p90: number; p97_5: number; p99: number; max: number };
  /** How many requests had another end: by status, `connection` or `timeout`. Empty if all were answered. */
  errors: Record<string, number>;
}

/** How long a request under load may take, in seconds. */
const patience = 10;

/**
 * Loads a service: each connection sends a request after each answer, and nothing waits between.
 * @param onAnswer Called for each answer.
 * @param signal Ends the load within a second when it is aborted; the result then is what was measured so far.
 */
export async function warmLoad(
  { address, port, host, path, protocol }: Target,
  { connections, seconds }: { connections: number; seconds: number },
  signal: AbortSignal,
  onAnswer: () => void,
): Promise<WarmLoad> {
  const at = address.includes(":") ? `[${address}]` : address;
  const options = {
    url: `${protocol}//${at}:${port}${path}`,
    servername: host.split(":")[0],
    headers: { host },
    connections,
    duration: seconds,
    timeout: patience,
  };
  const result = await new Promise<autocannon.Result>((resolve, reject) => {
    const stop = (): void => instance.stop();
    const instance = autocannon(options, (error: unknown, measured) => {
      signal.removeEventListener("abort", stop);
      if (error instanceof Error) {
        return reject(error);
      }
      resolve(measured);
    });
    instance.on("response", onAnswer);
    signal.addEventListener("abort", stop, { once: true });
  });
  const statuses = Object.entries(result.statusCodeStats ?? {}).flatMap(
    ([status, { count = 0 }]) => (/^2/.test(status) ? [] : [[`status ${status}`, count] as const]),
  );
  const failures = [
    ...statuses,
    ["connection", result.errors - result.timeouts] as const,
    ["timeout", result.timeouts] as const,
  ];
  const { p50, p90, p97_5, p99, max } = result.latency;
  return {
    connections,
    seconds: result.duration,
    answered: result["2xx"],
    requestsPerSecond: result.duration > 0 ? result["2xx"] / result.duration : 0,
    latencyMs: { p50, p90, p97_5, p99, max },
    errors: Object.fromEntries(failures.filter(([, count]) => count > 0)),
  };
}
