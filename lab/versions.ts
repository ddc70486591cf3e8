/** Versions of what the lab builds or downloads. The go.mod files in lab/go have those of the Go modules. */

/** Kubernetes: the newest minor that still accepts cgroup v1. */
export const kubernetesVersion = "1.34.2";

/** The version that the k0s double reports. */
export const k0sVersion = `v${kubernetesVersion}+k0s.0`;

/** Pulumi's engine, downloaded or built. */
export const engineVersion = "3.259.0";

/** Knative Serving and Kourier. */
export const knativeVersion = "1.23.0";

/** MetalLB, as its releases are tagged. */
export const metallbVersion = "v0.16.1";
