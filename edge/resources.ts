/** Requests or limits of a container, as Kubernetes quantities by resource name. */
export type ResourceList = Record<string, string>;

/** The `resources` of a container. */
export interface Resources {
  requests?: ResourceList;
  limits?: ResourceList;
}
