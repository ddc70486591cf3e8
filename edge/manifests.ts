import { load, loadAll, YAMLException } from "js-yaml";

/** A value as JSON has it. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** An object as JSON has it. */
export type JsonObject = { [key: string]: Json };

/** A Kubernetes object, of whatever kind. */
export interface KubernetesObject {
  /** `group/version`, or `v1` for the core group. */
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    /** Absent on cluster-scoped objects. */
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  spec?: JsonObject;
  /** What a ConfigMap or Secret holds. */
  data?: Record<string, string>;
  /** The other fields of the kind. */
  [field: string]: unknown;
}
