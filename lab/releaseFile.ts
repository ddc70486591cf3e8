/** Files of releases, each checked against the list of digests that its release has beside it. */
import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";

/** A file of a release. */
export interface ReleaseFile {
  url: string;
  /** URL of the list: a line for each file, with its SHA-256 and its name. */
  sumsUrl: string;
  /** The file's name in that list. */
  name: string;
}

/**
 * Downloads a file of a release, and returns its SHA-256 in hexadecimal.
 * @param target where the file goes. After an error a part of it may be there
 * @throws one sentence, when the file cannot be downloaded or its digest is not the one in the list
 */
export async function downloadChecked(
  { url, sumsUrl, name }: ReleaseFile,
  target: string,
): Promise<string> {
  const sums = await (await answered(sumsUrl)).text();
  const expected = sums
    .split("\n")
    .map((line) => line.trim().split(/\s+\*?/))
    .find(([, file]) => file === name)?.[0];
  const hash = createHash("sha256");
  const { body } = await answered(url);
  if (!body) throw new Error(`${url} is empty`);
  const hashed = async function* (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      hash.update(chunk);
      yield chunk;
    }
  };
  await pipeline(body, hashed, createWriteStream(target));
  const actual = hash.digest("hex");
  if (actual !== expected) {
    throw new Error(
      `${url} has SHA-256 ${actual}, its release says ${expected ?? "nothing of it"}`,
    );
  }
  return actual;
}

async function answered(url: string): Promise<Response> {
  const response = await fetch(url).catch((error: Error) => {
    const { cause } = error as { cause?: Error };
    throw new Error(`${url} cannot be downloaded: ${cause?.message ?? error.message}`);
  });
  if (!response.ok) throw new Error(`${url} answers HTTP ${response.status}`);
  return response;
}
