import { statSync } from "node:fs";
import * as path from "node:path";
import { isImageName } from "../../lib/imageNames";
import { Reader } from "./reader";

/** Reads `imageMirrors`: image name prefix to replacement. */
export function readImageMirrors(read: Reader): Record<string, string> {
  const mirrors = read.mapping("imageMirrors");
  for (const [prefix, replacement] of Object.entries(mirrors)) {
    if (!isImageName(prefix) || typeof replacement !== "string" || !isImageName(replacement)) {
      read.add(
        `imageMirrors.${prefix}`,
        "both sides must be image names without a slash at the end.",
      );
    }
  }
  return mirrors as Record<string, string>;
}

/** Reads `manifestsDir`; undefined: releases are downloaded. */
export function readManifestsDir(read: Reader): string | undefined {
  const directory = read.text("manifestsDir");
  if (directory !== undefined && !isDirectory(directory)) {
    read.add(
      "manifestsDir",
      `${path.resolve(directory)} is not a directory; correct it, or unset it to download releases.`,
    );
  }
  return directory;
}

function isDirectory(file: string): boolean {
  try {
    return statSync(file).isDirectory();
  } catch {
    return false;
  }
}
