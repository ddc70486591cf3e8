import { KubernetesObject } from "../cluster/kubernetesObject";
import { knativeSettings, settingClashes, settingRule } from "./knativeSettings";
import { suggestion } from "../../lib/nearest";
import { Problem } from "../../lib/problem";

/** The key that explains a Knative ConfigMap; its text is guarded by the knative.dev/example-checksum annotation. */
export const exampleKey = "_example";

/** ConfigMaps with keys that the user makes up, or that no example names, by what they look like. */
const freeKeys: Record<string, RegExp> = {
  // Domains.
  "config-domain": /./,
  // The names of whatever logs.
  "config-logging": /^loglevel\../,
  // Of older releases.
  "config-tracing": /./,
};

/**
 * What is wrong with what is set in Knative's ConfigMaps: ConfigMaps and keys that Knative does not have, and values
 * that its programs do not take.
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
    const problems = Object.entries(data).flatMap(([field, value]) => {
      const message = unknownKey(field, configMap) ?? valueProblem(name, field, value);
      return message === undefined ? [] : [{ key: `${key}.${field}`, message }];
    });
    // A value that is wrong in itself clashes with nothing.
    const clashes = problems.length > 0 ? [] : settingClashes(name, data);
    return [
      ...problems,
      ...clashes.map(({ key: field, message }) => ({ key: `${key}.${field}`, message })),
    ];
  });
}

function unknownKey(key: string, configMap: KubernetesObject): string | undefined {
  const { name } = configMap.metadata;
  const known = [...new Set([...keysOf(configMap), ...Object.keys(knativeSettings[name] ?? {})])];
  return known.includes(key) || freeKeys[name]?.test(key)
    ? undefined
    : `there is no such key; ${known.length === 0 ? "this ConfigMap has none." : suggestion(key, known)}`;
}

/** The keys that a ConfigMap has, and that its example explains. */
function keysOf({ data = {} }: KubernetesObject): string[] {
  const explained = (data[exampleKey] ?? "").matchAll(/^([\w.-]+):/gm);
  return [...Object.keys(data), ...[...explained].map(([, key = ""]) => key)].filter(
    (key) => key !== exampleKey,
  );
}

function valueProblem(configMap: string, key: string, value: string): string | undefined {
  const problem = settingRule(configMap, key)?.(value);
  return problem === undefined ? undefined : `"${value}" ${problem}`;
}
