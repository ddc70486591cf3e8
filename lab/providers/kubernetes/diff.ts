/**
 * Compares the old state with the new inputs, property by property. The official provider makes a JSON merge patch and
 * turns it into a detailed diff; this does both in one walk, with the same result. Facts:
 * provider/pkg/provider/{provider,diff}.go of pulumi/pulumi-kubernetes.
 */
import { PropertyChange } from "../server";
import {
  equal,
  formatPath,
  isObj,
  Obj,
  parsePath,
  PathElement,
  pathContains,
  Unknown,
  Value,
} from "../values";
import { gvkOf } from "./gvk";
import { isBuiltIn, isConfigMap, isSecretKind } from "./objects";

const selector = ["spec.selector"];
const roleBinding = ["roleRef"];
const containerFields =
  "args command env image imagePullPolicy lifecycle livenessProbe ports readinessProbe resources securityContext stdin stdinOnce terminationMessagePath terminationMessagePolicy tty volumeDevices volumeMounts workingDir".split(
    " ",
  );
const podFields =
  "affinity automountServiceAccountToken dnsConfig dnsPolicy enableServiceLinks hostAliases hostIPC hostNetwork hostPID hostname imagePullSecrets nodeName nodeSelector overhead preemptionPolicy priority priorityClassName readinessGates restartPolicy runtimeClassName schedulerName securityContext serviceAccount serviceAccountName shareProcessNamespace subdomain terminationGracePeriodSeconds volumes".split(
    " ",
  );
const volumeSources =
  "awsElasticBlockStore azureDisk azureFile cephfs cinder csi fc flexVolume flocker gcePersistentDisk glusterfs hostPath iscsi local nfs photonPersistentDisk portworxVolume quobyte rbd scaleIO storageos vsphereVolume".split(
    " ",
  );

/** By kind, the properties whose change replaces the object; `*` is any index. */
const forceNew: Record<string, string[]> = {
  "apps/v1/DaemonSet": selector,
  "apps/v1/Deployment": selector,
  "apps/v1/StatefulSet": [
    "spec.podManagementPolicy",
    "spec.revisionHistoryLimit",
    "spec.selector",
    "spec.serviceName",
    "spec.volumeClaimTemplates",
  ],
  "batch/v1/Job": ["spec.completions", "spec.parallelism", "spec.selector", "spec.template"],
  "rbac.authorization.k8s.io/v1/ClusterRoleBinding": roleBinding,
  "rbac.authorization.k8s.io/v1/RoleBinding": roleBinding,
  "storage.k8s.io/v1/StorageClass": ["parameters", "provisioner"],
  "/v1/PersistentVolume": volumeSources.map((source) => `spec.${source}`),
  "/v1/PersistentVolumeClaim": [
    "spec.accessModes",
    "spec.selector",
    "spec.storageClassName",
    "spec.volumeName",
  ],
  "/v1/Pod": [
    ...podFields.map((field) => `spec.${field}`),
    ...containerFields.flatMap((field) => [
      `spec.containers[*].${field}`,
      `spec.initContainers[*].${field}`,
    ]),
  ],
  "/v1/ResourceQuota": ["spec.scopes"],
  "/v1/Secret": ["type"],
  "/v1/Service": ["spec.clusterIP"],
};

export interface Mutability {
  configMaps: boolean;
  secrets: boolean;
}

const identity = ["metadata.name", "metadata.namespace"];

/** Paths that tell which object a Patch resource is of. It can change all else in place. */
export const identityPaths = identity.map(parsePath);

/** Paths whose change needs a new object rather than an update. */
export function forceNewPaths(object: Obj, mutable: Mutability): PathElement[][] {
  const { group, version, kind } = gvkOf(object);
  const immutable = object.immutable === true;
  const paths = [...identity];
  if (isSecretKind(object) && (!mutable.secrets || immutable))
    paths.push("type", "stringData", "data");
  else if (isConfigMap(object) && (!mutable.configMaps || immutable))
    paths.push("binaryData", "data");
  else paths.push(...(forceNew[`${group}/${version}/${kind}`] ?? []));
  return paths.map(parsePath);
}

/** Keys whose values are a map of the user's, in which an empty value counts. */
const userMaps = new Set([
  "annotations",
  "binaryData",
  "data",
  "labels",
  "matchLabels",
  "nodeSelector",
  "selector",
  "stringData",
]);

/** Whether Go's types leave a value out because it is empty, so that no live object of a built-in kind has it. */
function isDropped(value: Value): boolean {
  if (value === "" || value === false || value === 0) return true;
  if (Array.isArray(value)) return value.length === 0;
  return isObj(value) && Object.values(value).every(isDropped);
}

/**
 * The paths at which `news` differs from `old`, the live state cut to the shape of the inputs that made it.
 * Keys that neither inputs ever had do not count.
 */
export function diffObjects(
  old: Obj,
  news: Obj,
  forceNewAt: PathElement[][],
): Map<string, PropertyChange> {
  const changes = new Map<string, PropertyChange>();
  const dropsEmpty = isBuiltIn(gvkOf(news));

  const record = (path: PathElement[], kind: PropertyChange["kind"], value: Value | undefined) => {
    const replace = forceNewAt.some(
      (forced) =>
        pathContains(forced, path) ||
        // A subtree with such a property was added or removed as a whole.
        (path.length < forced.length &&
          pathContains(forced.slice(0, path.length), path) &&
          hasPath(value, forced.slice(path.length))),
    );
    changes.set(formatPath(path), { kind, replace, inputDiff: kind === "delete" });
  };

  const walk = (path: PathElement[], a: Value | undefined, b: Value | undefined) => {
    if (b instanceof Unknown) return record(path, a === undefined ? "add" : "update", undefined);
    if (b === undefined) return a === undefined ? undefined : record(path, "delete", a);
    if (a === undefined) {
      const inUserMap = path.some(
        (element) => typeof element === "string" && userMaps.has(element),
      );
      if (dropsEmpty && !inUserMap && isDropped(b)) return undefined;
      return record(path, "add", b);
    }
    if (equal(a, b)) return undefined;
    if (isObj(a) && isObj(b)) {
      for (const key of new Set([...Object.keys(a), ...Object.keys(b)]))
        walk([...path, key], a[key], b[key]);
      return undefined;
    }
    if (Array.isArray(a) && Array.isArray(b)) {
      for (let i = 0; i < Math.max(a.length, b.length); i++) walk([...path, i], a[i], b[i]);
      return undefined;
    }
    return record(path, "update", b);
  };
  walk([], old, news);
  return changes;
}

function hasPath(value: Value | undefined, path: PathElement[]): boolean {
  const [head, ...tail] = path;
  if (head === undefined) return true;
  if (head === "*") return Array.isArray(value) && value.some((v) => hasPath(v, tail));
  return isObj(value) && typeof head === "string" && head in value && hasPath(value[head], tail);
}

/** Takes out the changes that `ignoreChanges` covers. */
export function withoutIgnored(
  changes: Map<string, PropertyChange>,
  ignoreChanges: string[],
): Map<string, PropertyChange> {
  const ignored = ignoreChanges.map(parsePath);
  return new Map(
    [...changes].filter(([path]) => !ignored.some((outer) => pathContains(outer, parsePath(path)))),
  );
}
