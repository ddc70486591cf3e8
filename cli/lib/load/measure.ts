import { type ColdStart, coldStarts } from "./coldStarts";
import { type LoadRun, loadRun } from "./loadRun";
import type { LoadOptions } from "./options";
import { type LoadReport, loadReport } from "./report";
import { assertScalesToZero, serviceFacts } from "./serviceFacts";
import { watchService } from "./serviceWatch";
import type { Target } from "./target";

/** Measures the cold starts, then the load. A run that ends before its time has what was measured until then. */
export async function measure(
  stack: string,
  target: Target,
  wanted: LoadOptions,
  signal: AbortSignal,
  progress: (sentence: string) => void,
): Promise<LoadReport> {
  const { cold, seconds, connections } = wanted;
  const { service, namespace, kubeconfig, host } = target;
  const { KubeConfig } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  config.loadFromString(kubeconfig);
  const facts = await serviceFacts(config, namespace, service);
  if (cold > 0) {
    assertScalesToZero(service, facts);
  }
  const head = {
    stack,
    service,
    url: `${target.protocol}//${host}${target.path}`,
    began: new Date().toISOString(),
  };
  const starts: ColdStart[] = [];
  const run: LoadRun = { timeline: [] };
  let failure: string | undefined;
  const watch = await watchService(config, namespace, service, (reason) =>
    progress(`the cluster's watch was cut (${reason}) and begins again`),
  );
  try {
    await coldStarts(watch, target, { count: cold, ...facts }, starts, signal, progress);
    if (seconds > 0) {
      const plan = { connections, seconds, ...facts };
      await loadRun(watch, target, plan, run, signal, progress);
    }
  } catch (error) {
    if (!signal.aborted && starts.length === 0) {
      throw error;
    }
    failure = signal.aborted ? undefined : (error as Error).message;
  } finally {
    await watch.stop();
  }
  return loadReport(
    { ...head, interrupted: signal.aborted, failure },
    cold > 0 ? starts : undefined,
    run,
  );
}
