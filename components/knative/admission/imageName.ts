import { isImageName, splitImageName } from "../../../lib/imageNames";

/**
 * What is wrong with an image's name; undefined for a right one. Knative's webhook wants 2 to 255 characters, none of them
 * a capital letter, behind the registry (pkg/name in github.com/google/go-containerregistry). It admits some names besides that no container runtime
 * can pull, such as https://example.com/app: they are wrong here.
 */
export function imageProblem(image: string): string | undefined {
  if (image === "") {
    return "is missing.";
  }
  const repository = splitImageName(image).name.replace(/^[^/]*[.:][^/]*\//, "");
  return isImageName(image) && /^[a-z0-9_./-]{2,255}$/.test(repository)
    ? undefined
    : `"${image}" is not a container image; write it like ghcr.io/knative/helloworld-go:latest.`;
}
