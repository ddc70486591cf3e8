/**
 * Rewrites an image name to a mirror.
 *
 * It replaces the longest prefix that ends at a path boundary (`/`, `:`, `@` or the end), and keeps what follows.
 * A replacement that itself ends in a tag (`registry.lab/knative:v1.23.0`) gives that tag to the image, instead of its
 * tag or digest, because a mirror that builds its own images has other digests.
 * @param mirrors Prefix to replacement.
 */
export function mirrorImage(image: string, mirrors: Record<string, string>): string {
  const prefix = Object.keys(mirrors)
    .filter((candidate) => isPrefix(candidate, image))
    .sort((a, b) => b.length - a.length)[0];
  if (prefix === undefined) {
    return image;
  }
  const { name, version } = splitImageName(image);
  const replacement = splitReplacement(mirrors[prefix] ?? "");
  // The prefix may include the version. Then no part of the name is left, and the replacement covers the version.
  const rest = name.slice(prefix.length);
  return `${replacement.name}${rest}${replacement.version || (prefix.length > name.length ? "" : version)}`;
}

/** True for a name that a container image, a mirror's prefix or its replacement can have. */
export function isImageName(text: string): boolean {
  const component = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
  const host = "(?:[a-zA-Z0-9.-]+|\\[[0-9a-fA-F:]+\\])(?::\\d+)?";
  return new RegExp(
    `^(?:${host}(?:/${component})*|${component}(?:/${component})*)(?::[\\w][\\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$`,
  ).test(text);
}

function isPrefix(prefix: string, image: string): boolean {
  return image.startsWith(prefix) && [undefined, "/", ":", "@"].includes(image[prefix.length]);
}

/** The two parts of an image name. */
export interface ImageName {
  /** Registry, where one is written, and repository. */
  name: string;
  /** Tag and digest, with their separators; empty when there are none. */
  version: string;
}

/** Splits an image name before its tag or digest. A port of the registry is no tag. */
export function splitImageName(image: string): ImageName {
  const end = /(?::[^:@/]*)?(?:@.*)?$/.exec(image)?.index ?? image.length;
  return { name: image.slice(0, end), version: image.slice(end) };
}

/** A registry alone may end in a port (`localhost:5000`), which is no tag. */
function splitReplacement(replacement: string): ImageName {
  return replacement.includes("/")
    ? splitImageName(replacement)
    : { name: replacement, version: "" };
}
