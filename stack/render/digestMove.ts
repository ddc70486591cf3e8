import { serviceImage } from "../../components/knative/serviceImage";

/**
 * What to say of an update with which a service that ran by its image's tag goes over to the digest, as one does since
 * `resolveDigests` is on by default.
 * @param old The Knative Service as the last `up` left it.
 * @param now The same as it will be.
 * @returns undefined where it goes on as it did, or gets another image.
 */
export function digestMove(old: object, now: object): string | undefined {
  const before = serviceImage(old);
  const after = serviceImage(now);
  if (before === undefined || before.byTag !== undefined || after?.byTag !== before.image) {
    return undefined;
  }
  return (
    "The services of this stack run by digest from now on, because resolveDigests is true by default: each gets a new " +
    "revision of what its tag names now, and a tag that moves later is a line of the preview. " +
    "To keep tags, run `pulumi config set resolveDigests false`."
  );
}
