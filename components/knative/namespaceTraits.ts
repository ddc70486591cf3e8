/** What a namespace of services may use. Its pods then need a request for whatever the quota counts. */
export interface NamespaceQuota {
  /** CPUs that its pods may request together. */
  cpu?: string;
  /** Memory that its pods may request together. */
  memory?: string;
  /** How many pods it may have. */
  pods?: number;
}

/** What the operator says of a namespace of services. */
export interface NamespaceTraits {
  /** What all its pods together may request. By default they may request what the host has. */
  quota?: NamespaceQuota;
  /**
   * Priority of its services' pods, -1000000000 to 1000000000; that of other services is 0. Where the host has no room, pods
   * of a higher one are placed first, and may push those of a lower one out. Defaults to 0.
   */
  priority?: number;
}

/** Name of the PriorityClass of a namespace's services. */
export function priorityClassName(namespace: string): string {
  return `services-of-${namespace}`;
}
