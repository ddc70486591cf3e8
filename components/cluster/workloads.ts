import { JsonObject } from "../../lib/json";
import { KubernetesObject } from "./kubernetesObject";

const workloadKinds = ["Deployment", "DaemonSet", "StatefulSet", "Job"];

/** The pod spec of a Deployment, DaemonSet, StatefulSet or Job; undefined for any other kind. */
export function podSpec(object: KubernetesObject): JsonObject | undefined {
  return workloadKinds.includes(object.kind)
    ? ((object.spec?.template as JsonObject | undefined)?.spec as JsonObject | undefined)
    : undefined;
}

/** The init containers and containers of a workload; none of any other kind. */
export function containers(object: KubernetesObject): JsonObject[] {
  const spec = podSpec(object);
  return [
    ...((spec?.initContainers ?? []) as JsonObject[]),
    ...((spec?.containers ?? []) as JsonObject[]),
  ];
}

/** The workload with a changed pod spec; any other kind as it is. */
export function withPodSpec(
  object: KubernetesObject,
  change: (spec: JsonObject) => JsonObject,
): KubernetesObject {
  return podSpec(object) === undefined ? object : withTemplateSpec(object, change);
}

/** An object that has a pod template, a workload or a Knative Service, with a changed pod spec in it. */
export function withTemplateSpec(
  object: KubernetesObject,
  change: (spec: JsonObject) => JsonObject,
): KubernetesObject {
  const template = object.spec?.template as JsonObject & { spec: JsonObject };
  const changed = { ...template, spec: change(template.spec) };
  return { ...object, spec: { ...object.spec, template: changed } };
}

/** The workload with an annotation on its pods. */
export function withPodAnnotation(
  object: KubernetesObject,
  name: string,
  value: string,
): KubernetesObject {
  const template = object.spec?.template as
    (JsonObject & { metadata?: { annotations?: JsonObject } }) | undefined;
  const annotations = { ...template?.metadata?.annotations, [name]: value };
  const metadata = { ...template?.metadata, annotations };
  return { ...object, spec: { ...object.spec, template: { ...template, metadata } } };
}

/** The workload with its init containers and containers changed; any other kind as it is. */
export function withContainers(
  object: KubernetesObject,
  change: (container: JsonObject) => JsonObject,
): KubernetesObject {
  return withPodSpec(object, (spec) => ({
    ...spec,
    ...(spec.initContainers && {
      initContainers: (spec.initContainers as JsonObject[]).map(change),
    }),
    containers: ((spec.containers ?? []) as JsonObject[]).map(change),
  }));
}
