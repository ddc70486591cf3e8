/** The minor version of Kubernetes in a release of k0s: 35 of `v1.35.7+k0s.0`. undefined for what is no such release. */
export function kubernetesMinor(k0sVersion: string): number | undefined {
  const number = "(0|[1-9]\\d*)";
  const minor = new RegExp(`^v1\\.${number}\\.${number}\\+k0s\\.${number}$`).exec(k0sVersion)?.[1];
  return minor === undefined ? undefined : Number(minor);
}
