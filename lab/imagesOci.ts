/** Writes OCI image archives, which k0s, containerd and docker import. The same input gives the same bytes. */
import { spawn } from "node:child_process";
import { createHash, type Hash } from "node:crypto";
import { createReadStream, createWriteStream, mkdtempSync, renameSync, statSync } from "node:fs";
import path from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { pack, type Pack } from "tar-stream";

/** A file of a layer. Its owner is root, and its time is 1970. */
export type Entry =
  | { path: string; file: string; size: number; mode?: number; capability?: Buffer }
  | { path: string; content: string; mode?: number }
  | { path: string; link: string }
  | { path: string; directory: true; mode?: number };

/** A finished layer, which several images may share. */
export interface Layer {
  /** Digest of the tar, by which images name it. */
  diffId: string;
  /** Digest and size of the compressed blob. */
  digest: string;
  size: number;
  file: string;
}

/** A folder for layers that are not in an archive yet, and the program that compresses them. */
export interface Workshop {
  dir: string;
  zstd: string;
}

export interface Image {
  /** Full names with registry and tag; one image may have several. */
  names: string[];
  layers: Layer[];
  entrypoint: string[];
  /** Default: root. */
  user?: string;
  env?: string[];
}

const epoch = new Date(0);

/** What the manifest of one image for one platform is. */
export const manifestType = "application/vnd.oci.image.manifest.v1+json";

/** Makes a layer of these files, with the folders above them, in path order. */
export async function layer(entries: Entry[], { dir, zstd }: Workshop): Promise<Layer> {
  const all = new Map<string, Entry>();
  for (const entry of entries) {
    const parts = entry.path.split("/");
    for (let i = 1; i < parts.length; i++) {
      const parent = parts.slice(0, i).join("/");
      if (!all.has(parent)) all.set(parent, { path: parent, directory: true });
    }
    all.set(entry.path, entry);
  }
  const sorted = [...all.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  const scratch = path.join(mkdtempSync(path.join(dir, "layer-")), "blob");
  const compress = spawn(zstd, { stdio: ["pipe", "pipe", "inherit"] });
  const exited = new Promise<void>((resolve, reject) => {
    compress.once("error", reject);
    compress.once("close", (code) =>
      code === 0 ? resolve() : reject(new Error(`${zstd} failed with exit code ${code}`)),
    );
  });
  const [plain, packed] = [createHash("sha256"), createHash("sha256")];
  await Promise.all([
    pipeline(layerTar(sorted), tee(plain), compress.stdin),
    pipeline(compress.stdout, tee(packed), createWriteStream(scratch)),
    exited,
  ]);
  return {
    diffId: `sha256:${plain.digest("hex")}`,
    digest: `sha256:${packed.digest("hex")}`,
    size: statSync(scratch).size,
    file: scratch,
  };
}

function tee(hash: Hash) {
  return async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      hash.update(chunk);
      yield chunk;
    }
  };
}

/** An image's configuration, and the manifest that names it and the layers: the texts of two blobs. */
export function manifestOf(image: Omit<Image, "names">): { config: string; manifest: string } {
  const config = JSON.stringify({
    architecture: architecture(),
    os: "linux",
    created: epoch.toISOString(),
    config: { Entrypoint: image.entrypoint, User: image.user ?? "", Env: image.env ?? [] },
    rootfs: { type: "layers", diff_ids: image.layers.map((l) => l.diffId) },
  });
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: manifestType,
    config: { mediaType: "application/vnd.oci.image.config.v1+json", ...describe(config) },
    layers: image.layers.map(({ digest, size }) => ({
      mediaType: "application/vnd.oci.image.layer.v1.tar+zstd",
      digest,
      size,
    })),
  });
  return { config, manifest };
}

/** Digest and size of a text, as manifests name blobs. */
export function describe(text: string): { digest: string; size: number } {
  const digest = `sha256:${createHash("sha256").update(text).digest("hex")}`;
  return { digest, size: Buffer.byteLength(text) };
}

/** Writes one archive of all images, in which a shared layer is only once. Replaces `out` when it is complete. */
export async function writeArchive(images: Image[], out: string): Promise<void> {
  const blobs = new Map<string, Layer | string>();
  const add = (text: string) => {
    const descriptor = describe(text);
    blobs.set(descriptor.digest, text);
    return descriptor;
  };
  const manifests = images.flatMap((image) => {
    const { config, manifest: text } = manifestOf(image);
    add(config);
    const manifest = add(text);
    for (const l of image.layers) blobs.set(l.digest, l);
    return image.names.map((name) => ({
      mediaType: manifestType,
      ...manifest,
      annotations: {
        "io.containerd.image.name": name,
        "org.opencontainers.image.ref.name": name.slice(name.lastIndexOf(":") + 1),
      },
    }));
  });
  const index = {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.index.v1+json",
    manifests,
  };

  const archive = pack();
  const written = pipeline(archive, createWriteStream(`${out}.part`));
  const fill = async () => {
    await addText(archive, "oci-layout", JSON.stringify({ imageLayoutVersion: "1.0.0" }));
    for (const [digest, blob] of [...blobs].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const name = `blobs/${digest.replace(":", "/")}`;
      if (typeof blob === "string") await addText(archive, name, blob);
      else await addStream(archive, name, blob.size, createReadStream(blob.file));
    }
    await addText(archive, "index.json", JSON.stringify(index));
    archive.finalize();
  };
  await Promise.all([written, fill()]);
  renameSync(`${out}.part`, out);
}

function architecture(): string {
  const names: Record<string, string> = { x64: "amd64" };
  return names[process.arch] ?? process.arch;
}

function layerTar(entries: Entry[]): Readable {
  const archive = pack();
  const fill = async () => {
    for (const entry of entries) {
      const name = entry.path;
      if ("directory" in entry) {
        archive.entry({ name, type: "directory", mode: entry.mode ?? 0o755, mtime: epoch });
      } else if ("link" in entry) {
        archive.entry({ name, type: "symlink", linkname: entry.link, mode: 0o777, mtime: epoch });
      } else if ("content" in entry) {
        await addText(archive, name, entry.content, entry.mode);
      } else {
        await addStream(
          archive,
          name,
          entry.size,
          createReadStream(entry.file, { highWaterMark: 1 << 20 }),
          entry.mode ?? 0o755,
          entry.capability,
        );
      }
    }
    archive.finalize();
  };
  fill().catch((error: Error) => archive.destroy(error));
  return archive as unknown as Readable;
}

function addText(archive: Pack, name: string, text: string, mode = 0o644): Promise<void> {
  return new Promise((resolve, reject) => {
    archive.entry({ name, mode, mtime: epoch }, text, (error) =>
      error ? reject(error) : resolve(),
    );
  });
}

async function addStream(
  archive: Pack,
  name: string,
  size: number,
  content: AsyncIterable<unknown>,
  mode = 0o644,
  capability?: Buffer,
): Promise<void> {
  let finish = () => {};
  let fail = (_error: Error) => {};
  const done = new Promise<void>((resolve, reject) => {
    finish = resolve;
    fail = reject;
  });
  // containerd reads a file's capabilities from this record (archive/tar.go). All their bytes are ASCII.
  const pax = capability && {
    "SCHILY.xattr.security.capability": capability.toString("latin1"),
  };
  const entry = archive.entry({ name, size, mode, mtime: epoch, pax }, (error) =>
    error ? fail(error) : finish(),
  );
  await pipeline(content as AsyncIterable<Buffer>, entry);
  await done;
}
