/**
 * The fields that Knative takes of a Service, by serving's CustomResourceDefinition (config/core/300-resources/service.yaml)
 * and pkg/apis/serving/fieldmask.go in release 1.23. Below fields that need a flag, the CustomResourceDefinition leaves
 * everything open; there the fields are those of Kubernetes' API.
 */
import {
  anyMapping,
  fields,
  flagged,
  int32,
  int64,
  intOrText,
  list,
  listBy,
  mapOf,
  onlyFalse,
  quantity,
  text,
  truth,
  ValueOf,
} from "./schema";
import { scheduling } from "./schedulingSchema";
import { volume } from "./volumeSchema";

const probe = fields({
  exec: fields({ command: list(text) }),
  failureThreshold: int32,
  grpc: fields({ port: int32, service: text }),
  httpGet: fields({
    host: text,
    httpHeaders: list(fields({ name: text, value: text }, ["name", "value"])),
    path: text,
    port: intOrText,
    scheme: text,
  }),
  initialDelaySeconds: int32,
  periodSeconds: int32,
  successThreshold: int32,
  tcpSocket: fields({ host: text, port: intOrText }),
  timeoutSeconds: int32,
});

const keyOfObject = fields({ key: text, name: text, optional: truth }, ["key"]);

const variable = fields(
  {
    name: text,
    value: text,
    valueFrom: fields({
      configMapKeyRef: keyOfObject,
      fieldRef: flagged(
        "kubernetes.podspec-fieldref",
        fields({ apiVersion: text, fieldPath: text }),
      ),
      resourceFieldRef: flagged(
        "kubernetes.podspec-fieldref",
        fields({ containerName: text, divisor: quantity, resource: text }),
      ),
      secretKeyRef: keyOfObject,
    }),
  },
  ["name"],
);

const variableSource = fields({
  configMapRef: fields({ name: text, optional: truth }),
  prefix: text,
  secretRef: fields({ name: text, optional: truth }),
});

const seccompProfile = fields({ localhostProfile: text, type: text }, ["type"]);

const securityContext = fields({
  allowPrivilegeEscalation: truth,
  capabilities: fields({ add: list(text), drop: list(text) }),
  privileged: onlyFalse,
  readOnlyRootFilesystem: truth,
  runAsGroup: int64,
  runAsNonRoot: truth,
  runAsUser: int64,
  seccompProfile,
});

const volumeMount = fields(
  {
    mountPath: text,
    mountPropagation: flagged("kubernetes.podspec-volumes-mount-propagation", text, {
      enabled: true,
    }),
    name: text,
    readOnly: truth,
    subPath: text,
  },
  ["mountPath", "name"],
);

const container = fields({
  args: list(text),
  command: list(text),
  env: listBy("name", variable),
  envFrom: list(variableSource),
  image: text,
  imagePullPolicy: text,
  livenessProbe: probe,
  name: text,
  ports: list(fields({ containerPort: int32, name: text, protocol: text })),
  readinessProbe: probe,
  resources: fields({ limits: mapOf(quantity), requests: mapOf(quantity) }),
  securityContext,
  startupProbe: probe,
  terminationMessagePath: text,
  terminationMessagePolicy: text,
  volumeMounts: listBy("mountPath", volumeMount),
  workingDir: text,
});

const podSecurityContext = fields({
  fsGroup: int64,
  runAsGroup: int64,
  runAsNonRoot: truth,
  runAsUser: int64,
  seccompProfile,
  supplementalGroups: list(int64),
});

const revision = fields(
  {
    ...scheduling,
    automountServiceAccountToken: onlyFalse,
    containerConcurrency: int64,
    containers: list(container),
    enableServiceLinks: truth,
    hostIPC: flagged("kubernetes.podspec-hostipc", truth, { zeroIsNone: true }),
    hostNetwork: flagged("kubernetes.podspec-hostnetwork", truth, { zeroIsNone: true }),
    hostPID: flagged("kubernetes.podspec-hostpid", truth, { zeroIsNone: true }),
    idleTimeoutSeconds: int64,
    imagePullSecrets: listBy("name", fields({ name: text })),
    initContainers: flagged("kubernetes.podspec-init-containers", list(container), {
      enabled: true,
    }),
    responseStartTimeoutSeconds: int64,
    securityContext: podSecurityContext,
    serviceAccountName: text,
    shareProcessNamespace: flagged("kubernetes.podspec-shareprocessnamespace", truth),
    timeoutSeconds: int64,
    volumes: listBy("name", volume),
  },
  ["containers"],
);

/** A serving.knative.dev/v1 Service. */
export const service = fields({
  apiVersion: text,
  kind: text,
  metadata: fields({
    annotations: mapOf(text),
    creationTimestamp: text,
    deletionGracePeriodSeconds: int64,
    deletionTimestamp: text,
    finalizers: list(text),
    generateName: text,
    generation: int64,
    labels: mapOf(text),
    managedFields: list(anyMapping),
    name: text,
    namespace: text,
    ownerReferences: list(anyMapping),
    resourceVersion: text,
    selfLink: text,
    uid: text,
  }),
  spec: fields({
    template: fields({
      metadata: fields({
        annotations: mapOf(text),
        creationTimestamp: text,
        finalizers: list(text),
        generateName: text,
        labels: mapOf(text),
        name: text,
        namespace: text,
      }),
      spec: revision,
    }),
    traffic: list(
      fields({
        configurationName: text,
        latestRevision: truth,
        percent: int64,
        revisionName: text,
        tag: text,
        url: text,
      }),
    ),
  }),
  status: anyMapping,
});

export type Service = ValueOf<typeof service>;
export type Revision = ValueOf<typeof revision>;
export type Container = ValueOf<typeof container>;
export type Probe = ValueOf<typeof probe>;
export type VolumeMount = ValueOf<typeof volumeMount>;
export type ContainerSecurity = ValueOf<typeof securityContext>;
export type PodSecurity = ValueOf<typeof podSecurityContext>;
