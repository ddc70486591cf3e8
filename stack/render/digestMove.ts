import { serviceImages } from "../../components/knative/service/serviceImage";

/**
 * What to say of an update with which a service that ran by its image's tag goes over to the digest, as one does since
 * `resolveDigests` is on by default.
 * @param old The Knative Service as the last `up` left it.
 * @param now The same as it will be.
 * @returns undefined where it goes on as it did, or gets another image.
 */
export function digestMove(old: object, now: object): string | undefined {
  const after = serviceImages(now);
  const byTag = serviceImages(old).filter((image) => image.byTag === undefined);
  if (!byTag.some(({ image }) => after.some((one) => one.byTag === image))) {
    return undefined;
  }
  return (
    "The services of this stack run by digest from now on, because resolveDigests is true by default: each gets a new " +
    "revision of what its tag names now, and a tag that moves later is a line of the preview. " +
    "To keep tags, run `pulumi config set resolveDigests false`."
  );
}
