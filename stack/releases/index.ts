// What another project imports as `knative-edge/releases`.
export { loadReleases, type ReleaseObjects, type StackReleases } from "./releases";
export { k0sDownload } from "./releaseTable";
