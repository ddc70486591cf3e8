import { distance } from "fastest-levenshtein";
import { KubernetesObject } from "./manifests";
import { suggestion } from "./nearest";
import { Problem } from "./problem";
import { parseQuantity } from "./quantity";

/** The key that explains a Knative ConfigMap; its text is guarded by the knative.dev/example-checksum annotation. */
export const exampleKey = "_example";

/** ConfigMaps whose keys the user makes up: domains, and the names of whatever logs. */
const freeKeys = ["config-domain", "config-logging"];

/**
 * What is wrong with the keys that are set in Knative's ConfigMaps: ConfigMaps that Knative does not have, misspelt
 * keys, and values that the budget cannot read or that need what is not installed.
 * @param configMaps What is set, by ConfigMap and key.
 * @param own Knative's ConfigMaps, each with its {@link exampleKey}.
 */
export function configMapProblems(
  configMaps: Record<string, Record<string, string>>,
  own: KubernetesObject[],
): Problem[] {
  const names = own.map(({ metadata }) => metadata.name).sort();
  return Object.entries(configMaps).flatMap(([name, data]) => {
    const key = `knativeConfig.${name}`;
    const configMap = own.find(({ metadata }) => metadata.name === name);
    if (configMap === undefined) {
      const message = `Knative has no such ConfigMap; ${suggestion(name, names, `it has ${names.join(", ")}.`)}`;
      return [{ key, message }];
    }
    const known = freeKeys.includes(name) ? [] : keysOf(configMap);
    return Object.entries(data).flatMap(([field, value]) => {
      const message = misspelling(field, known) ?? valueProblem(field, value);
      return message === undefined ? [] : [{ key: `${key}.${field}`, message }];
    });
  });
}

/** The keys that a ConfigMap has, and that its example explains. */
function keysOf({ data = {} }: KubernetesObject): string[] {
  const explained = (data[exampleKey] ?? "").matchAll(/^([\w.-]+):/gm);
  return [...Object.keys(data), ...[...explained].map(([, key = ""]) => key)];
}

/** Only what is nearly a known key is taken for a mistake, since the examples do not name every key there is. */
function misspelling(key: string, known: string[]): string | undefined {
  const isNear = !known.includes(key) && known.some((name) => distance(name, key) <= 2);
  return isNear ? `there is no such key; ${suggestion(key, known)}` : undefined;
}

function valueProblem(key: string, value: string): string | undefined {
  if (/^(queue-sidecar|revision)-(cpu|memory)-(request|limit)$/.test(key)) {
    try {
      return parseQuantity(value) < 0n
        ? `${value} is below 0; write it like 25m or 64Mi.`
        : undefined;
    } catch (error) {
      return (error as Error).message;
    }
  }
  if (/^(min|max|initial)-scale$/.test(key) && !/^\d+$/.test(value)) {
    return `"${value}" is not a whole number of pods, such as "1".`;
  }
  if (key === "pod-autoscaler-class" && value.startsWith("hpa.")) {
    return `"${value}" needs serving-hpa.yaml, which this program does not install; leave it out.`;
  }
  return undefined;
}
