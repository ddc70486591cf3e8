/** The volumes that Knative takes; see serviceSchema.ts. */
import {
  fields,
  flagged,
  int32,
  int64,
  list,
  mapOf,
  anyMapping,
  quantity,
  text,
  truth,
  ValueOf,
} from "./schema";

const items = list(fields({ key: text, mode: int32, path: text }, ["key", "path"]));

const downwardItem = fields(
  {
    fieldRef: fields({ apiVersion: text, fieldPath: text }, ["fieldPath"]),
    mode: int32,
    path: text,
    resourceFieldRef: fields({ containerName: text, divisor: quantity, resource: text }, [
      "resource",
    ]),
  },
  ["path"],
);

const projection = fields({
  configMap: fields({ items, name: text, optional: truth }),
  downwardAPI: fields({ items: list(downwardItem) }),
  secret: fields({ items, name: text, optional: truth }),
  serviceAccountToken: fields({ audience: text, expirationSeconds: int64, path: text }, ["path"]),
});

const claimSpec = fields({
  accessModes: list(text),
  dataSource: anyMapping,
  dataSourceRef: anyMapping,
  resources: fields({ limits: mapOf(quantity), requests: mapOf(quantity) }),
  selector: anyMapping,
  storageClassName: text,
  volumeAttributesClassName: text,
  volumeMode: text,
  volumeName: text,
});

/** A volume of a pod. */
export const volume = fields(
  {
    configMap: fields({ defaultMode: int32, items, name: text, optional: truth }),
    csi: flagged(
      "kubernetes.podspec-volumes-csi",
      fields({
        driver: text,
        fsType: text,
        nodePublishSecretRef: fields({ name: text }),
        readOnly: truth,
        volumeAttributes: mapOf(text),
      }),
      { enabled: true },
    ),
    emptyDir: flagged(
      "kubernetes.podspec-volumes-emptydir",
      fields({ medium: text, sizeLimit: quantity }),
      { enabled: true },
    ),
    ephemeral: flagged(
      "kubernetes.podspec-volumes-ephemeral",
      fields({ volumeClaimTemplate: fields({ metadata: anyMapping, spec: claimSpec }) }),
      { enabled: true },
    ),
    hostPath: flagged("kubernetes.podspec-volumes-hostpath", fields({ path: text, type: text }), {
      enabled: true,
    }),
    image: flagged(
      "kubernetes.podspec-volumes-image",
      fields({ pullPolicy: text, reference: text }),
      { enabled: true },
    ),
    name: text,
    persistentVolumeClaim: flagged(
      "kubernetes.podspec-persistent-volume-claim",
      fields({ claimName: text, readOnly: truth }),
      { enabled: true },
    ),
    projected: fields({ defaultMode: int32, sources: list(projection) }),
    secret: fields({ defaultMode: int32, items, optional: truth, secretName: text }),
  },
  ["name"],
);

export type Volume = ValueOf<typeof volume>;
export type Projection = ValueOf<typeof projection>;
