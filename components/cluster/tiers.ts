import { KubernetesObject } from "./kubernetesObject";

const identityAndConfiguration = [
  "ServiceAccount",
  "Role",
  "ClusterRole",
  "RoleBinding",
  "ClusterRoleBinding",
  "PriorityClass",
  "ConfigMap",
  "Secret",
];

// One tier: the provider waits for a Service until its pods are ready, so it cannot come before them.
const running = [
  "Service",
  "Deployment",
  "DaemonSet",
  "StatefulSet",
  "Job",
  "HorizontalPodAutoscaler",
  "PodDisruptionBudget",
  "ValidatingWebhookConfiguration",
  "MutatingWebhookConfiguration",
];

const tierKinds = [["Namespace"], ["CustomResourceDefinition"], identityAndConfiguration, running];

/**
 * The objects in the order in which they can be applied, those of one tier at the same time: namespaces, definitions,
 * identity and configuration, what runs with its services and webhooks, and custom resources. No tier is empty.
 */
export function tiers(objects: KubernetesObject[]): KubernetesObject[][] {
  const all: KubernetesObject[][] = [...tierKinds, []].map(() => []);
  for (const object of objects) {
    // Knative's own Service has the kind of the core one.
    const kind = object.apiVersion.startsWith("serving.knative.dev/") ? "" : object.kind;
    const tier = tierKinds.findIndex((kinds) => kinds.includes(kind));
    all.at(tier)?.push(object);
  }
  return all.filter((tier) => tier.length > 0);
}
