/** Whether a Knative Service can be measured, and how long it takes to have no pod. */
import type { KubeConfig } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { isRecord } from "../../../lib/json";
import { UserError } from "../../../lib/userError";
import { durationMs } from "./duration";

/** What Knative does with the pods of a service. */
export interface ServiceFacts {
  /** Pods that it keeps without any request. */
  minScale: number;
  /** Why, for people; undefined if it keeps none. */
  keptBy?: string;
  /** How long the last pod may take to go after the last request, in milliseconds. */
  zeroWithin: number;
}

/** A Knative object, as far as it is read. */
interface KnativeObject {
  metadata: { name: string; annotations?: Record<string, string> };
  status?: {
    conditions?: { type: string; status: string; message?: string }[];
    traffic?: { revisionName?: string }[];
  };
}

const group = "serving.knative.dev";
const version = "v1";
const scaling = "autoscaling.knative.dev";

/**
 * Asks the cluster about a service.
 * @throws UserError if the cluster does not answer, or the service is not there or not Ready.
 */
export async function serviceFacts(
  config: KubeConfig,
  namespace: string,
  name: string,
): Promise<ServiceFacts> {
  const client = await import("@kubernetes/client-node");
  const custom = config.makeApiClient(client.CustomObjectsApi);
  const core = config.makeApiClient(client.CoreV1Api);
  const ask = <Answer>(question: Promise<unknown>, missing: Answer | undefined): Promise<Answer> =>
    (question as Promise<Answer>).catch((error: unknown) => orMissing(error, missing));
  const service = await ask<KnativeObject | null>(
    custom.getNamespacedCustomObject({ group, version, namespace, plural: "services", name }),
    null,
  );
  if (service === null) {
    throw new UserError(
      `The cluster has no service ${name} in namespace ${namespace}: run pulumi up, which makes it again.`,
    );
  }
  const ready = service.status?.conditions?.find(({ type }) => type === "Ready");
  if (ready?.status !== "True") {
    throw new UserError(
      `Service ${name} is not Ready: ${ready?.message ?? "Knative says nothing of it yet"}.`.replace(
        /\.\.$/,
        ".",
      ),
    );
  }
  const labelSelector = `${group}/service=${name}`;
  const { items } = await ask<{ items: KnativeObject[] }>(
    custom.listNamespacedCustomObject({
      group,
      version,
      namespace,
      plural: "revisions",
      labelSelector,
    }),
    undefined,
  );
  const { data = {} } = await ask<{ data?: Record<string, string> }>(
    core.readNamespacedConfigMap({ namespace: "knative-serving", name: "config-autoscaler" }),
    {},
  );
  const inUse = (service.status?.traffic ?? []).map(({ revisionName }) => revisionName);
  return scalingFacts(
    items.filter(({ metadata }) => inUse.includes(metadata.name)),
    data,
  );
}

/**
 * Refuses to measure cold starts of a service that keeps pods.
 * @throws UserError for such a service.
 */
export function assertScalesToZero(name: string, { minScale, keptBy }: ServiceFacts): void {
  if (minScale > 0) {
    const pods = minScale === 1 ? "a pod" : `${minScale} pods`;
    throw new UserError(
      `Service ${name} keeps ${pods} (${keptBy}), so it has no cold start: ` +
        "name a service with autoscaling.minScale 0 with --service, or measure the load alone with --cold 0.",
    );
  }
}

/**
 * What Knative does with the pods of these revisions. Keys and defaults are those of knative.dev/serving's
 * config/core/configmaps/autoscaler.yaml, annotations those of pkg/apis/autoscaling/register.go.
 * @param defaults Data of the ConfigMap config-autoscaler.
 */
export function scalingFacts(
  revisions: readonly Pick<KnativeObject, "metadata">[],
  defaults: Record<string, string>,
): ServiceFacts {
  const each = revisions.map(({ metadata: { name, annotations = {} } }) => {
    const value = (key: string, older: string, fallback: string): string =>
      annotations[`${scaling}/${key}`] ?? annotations[`${scaling}/${older}`] ?? fallback;
    const period = (key: string, older: string, fallback: string): number =>
      durationMs(value(key, older, fallback)) ?? 0;
    const metricOfKnative = value("class", "class", "kpa").startsWith("kpa");
    const least = Number(value("min-scale", "minScale", defaults["min-scale"] ?? "0"));
    const retention = defaults["scale-to-zero-pod-retention-period"] ?? "0s";
    return {
      // The HorizontalPodAutoscaler never goes below one pod.
      minScale: metricOfKnative ? least : Math.max(1, least),
      keptBy: metricOfKnative
        ? `min-scale of revision ${name}`
        : `the autoscaler class of revision ${name}`,
      idle:
        period("window", "window", defaults["stable-window"] ?? "60s") +
        period("scale-down-delay", "scaleDownDelay", defaults["scale-down-delay"] ?? "0s") +
        Math.max(
          durationMs(defaults["scale-to-zero-grace-period"] ?? "30s") ?? 0,
          period("scale-to-zero-pod-retention-period", "scaleToZeroPodRetentionPeriod", retention),
        ),
    };
  });
  const never = defaults["enable-scale-to-zero"]?.toLowerCase() === "false";
  const [most] = [...each].sort((a, b) => b.minScale - a.minScale);
  const minScale = Math.max(never ? 1 : 0, most?.minScale ?? 0);
  const idle = Math.max(0, ...each.map(({ idle }) => idle));
  return {
    minScale,
    keptBy:
      (most?.minScale ?? 0) > 0
        ? most?.keptBy
        : never
          ? "enable-scale-to-zero in config-autoscaler"
          : undefined,
    // A busy host is slow, and a pod drains its connections before it ends.
    zeroWithin: 2 * idle + 120_000,
  };
}

/**
 * Rethrows what the Kubernetes client threw, as a sentence.
 * @param missing Returned for "not found"; undefined throws then, too.
 */
function orMissing<Answer>(error: unknown, missing: Answer | undefined): Answer {
  const { code, body, message } = error as { code?: unknown; body?: unknown; message: string };
  if (code === 404 && missing !== undefined) {
    return missing;
  }
  const said = typeof body === "string" ? statusMessage(body) : undefined;
  throw new UserError(
    `The stack's cluster does not answer: ${said ?? message.split("\n")[0]}. Is its host up?`,
    { cause: error },
  );
}

/** The message of a Kubernetes Status. */
function statusMessage(body: string): string | undefined {
  try {
    const status: unknown = JSON.parse(body);
    return isRecord(status) && typeof status.message === "string" ? status.message : undefined;
  } catch {
    return undefined;
  }
}
