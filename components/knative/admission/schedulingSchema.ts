/** Where a pod runs, and what it knows of the network: fields of a pod that need a flag each; see serviceSchema.ts. */
import { fields, flagged, int32, int64, list, mapOf, text } from "./schema";

const requirement = fields({ key: text, operator: text, values: list(text) });

const nodeTerm = fields({ matchExpressions: list(requirement), matchFields: list(requirement) });

const labelSelector = fields({ matchExpressions: list(requirement), matchLabels: mapOf(text) });

const podTerm = fields({
  labelSelector,
  matchLabelKeys: list(text),
  mismatchLabelKeys: list(text),
  namespaceSelector: labelSelector,
  namespaces: list(text),
  topologyKey: text,
});

const podAffinity = fields({
  preferredDuringSchedulingIgnoredDuringExecution: list(
    fields({ podAffinityTerm: podTerm, weight: int32 }),
  ),
  requiredDuringSchedulingIgnoredDuringExecution: list(podTerm),
});

/** Fields of a pod, by name. */
export const scheduling = {
  affinity: flagged(
    "kubernetes.podspec-affinity",
    fields({
      nodeAffinity: fields({
        preferredDuringSchedulingIgnoredDuringExecution: list(
          fields({ preference: nodeTerm, weight: int32 }),
        ),
        requiredDuringSchedulingIgnoredDuringExecution: fields({
          nodeSelectorTerms: list(nodeTerm),
        }),
      }),
      podAffinity,
      podAntiAffinity: podAffinity,
    }),
  ),
  dnsConfig: flagged(
    "kubernetes.podspec-dnsconfig",
    fields({
      nameservers: list(text),
      options: list(fields({ name: text, value: text })),
      searches: list(text),
    }),
  ),
  dnsPolicy: flagged("kubernetes.podspec-dnspolicy", text, { zeroIsNone: true }),
  hostAliases: flagged(
    "kubernetes.podspec-hostaliases",
    list(fields({ hostnames: list(text), ip: text })),
  ),
  nodeSelector: flagged("kubernetes.podspec-nodeselector", mapOf(text)),
  priorityClassName: flagged("kubernetes.podspec-priorityclassname", text, { zeroIsNone: true }),
  runtimeClassName: flagged("kubernetes.podspec-runtimeclassname", text),
  schedulerName: flagged("kubernetes.podspec-schedulername", text, { zeroIsNone: true }),
  tolerations: flagged(
    "kubernetes.podspec-tolerations",
    list(
      fields({ effect: text, key: text, operator: text, tolerationSeconds: int64, value: text }),
    ),
  ),
  topologySpreadConstraints: flagged(
    "kubernetes.podspec-topologyspreadconstraints",
    list(
      fields({
        labelSelector,
        matchLabelKeys: list(text),
        maxSkew: int32,
        minDomains: int32,
        nodeAffinityPolicy: text,
        nodeTaintsPolicy: text,
        topologyKey: text,
        whenUnsatisfiable: text,
      }),
    ),
  ),
};
