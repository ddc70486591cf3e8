/** Puts images into a registry, by the OCI distribution API (spec.md in github.com/opencontainers/distribution-spec). */
import { createReadStream, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import https from "node:https";
import path from "node:path";
import { buffer } from "node:stream/consumers";
import { extract } from "tar-stream";
import { describe, layer, manifestOf, manifestType, type Image } from "../imagesOci";
import { dirs } from "../paths";
import { basic, type Login } from "./login";

/** A registry to push to. */
export interface PushTarget {
  /** As image names begin. */
  host: string;
  /** In PEM. */
  ca: string;
  login: Login;
}

/**
 * Pushes the lab's sample under another name, as an image that no host has: its one layer has a mark in it.
 * @param name Repository and tag: `team/orders:1`.
 * @param greets What it greets: "Hello <greets>!", unless the service says otherwise.
 * @returns the image's digest
 */
export async function pushSample(
  target: PushTarget,
  name: string,
  greets: string,
): Promise<string> {
  const binary = path.join(dirs.bin, "hello");
  const scratch = mkdtempSync(path.join(dirs.registry, "layer."));
  try {
    const program = "ko-app/helloworld-go";
    const entries = [
      { path: program, file: binary, size: statSync(binary).size, mode: 0o755 },
      { path: "etc/image", content: `${name} ${greets}\n` },
    ];
    const workshop = { dir: scratch, zstd: path.join(dirs.bin, "zstd") };
    const layers = [await layer(entries, workshop)];
    const env = [`TARGET=${greets}`];
    return await push(target, name, { layers, entrypoint: [`/${program}`], user: "65532", env });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Pushes every image of an archive under its name there, without the registry that the name begins with. */
export async function pushArchive(target: PushTarget, archive: string): Promise<void> {
  const files = await filesOf(archive);
  const read = (name: string): Buffer => {
    const content = files.get(name);
    if (content === undefined) throw new Error(`${archive} has no ${name}`);
    return content;
  };
  const blob = (digest: string): Blob => ({
    digest,
    content: read(`blobs/${digest.replace(":", "/")}`),
  });
  const index = JSON.parse(read("index.json").toString()) as {
    manifests: { digest: string; annotations: Record<string, string> }[];
  };
  for (const { digest, annotations } of index.manifests) {
    const [, ...name] = (annotations["io.containerd.image.name"] ?? "").split("/");
    const { content } = blob(digest);
    const { config, layers } = JSON.parse(content.toString()) as Record<"config", Descriptor> &
      Record<"layers", Descriptor[]>;
    const blobs = [...layers, config].map((each) => blob(each.digest));
    await pushManifest(target, name.join("/"), content, blobs);
  }
}

interface Descriptor {
  digest: string;
}

interface Blob extends Descriptor {
  content: Buffer;
}

/** The files of an archive by name. */
async function filesOf(archive: string): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  const entries = extract();
  createReadStream(archive).pipe(entries);
  for await (const entry of entries) files.set(entry.header.name, await buffer(entry));
  return files;
}

async function push(
  target: PushTarget,
  name: string,
  image: Omit<Image, "names">,
): Promise<string> {
  const { config, manifest } = manifestOf(image);
  const blobs = [
    ...image.layers.map(({ digest, file }) => ({ digest, content: readFileSync(file) })),
    { digest: describe(config).digest, content: Buffer.from(config) },
  ];
  await pushManifest(target, name, Buffer.from(manifest), blobs);
  return describe(manifest).digest;
}

/** Pushes blobs, and then the manifest that names them. */
async function pushManifest(
  target: PushTarget,
  name: string,
  manifest: Buffer,
  blobs: Blob[],
): Promise<void> {
  const [repository = "", tag = ""] = name.split(":");
  const api = `https://${target.host}/v2/${repository}`;
  for (const { digest, content } of blobs) {
    const { location } = await send(target, "POST", new URL(`${api}/blobs/uploads/`), 202);
    const upload = new URL(location ?? "", api);
    upload.searchParams.set("digest", digest);
    await send(target, "PUT", upload, 201, content, "application/octet-stream");
  }
  await send(target, "PUT", new URL(`${api}/manifests/${tag}`), 201, manifest, manifestType);
}

/** Sends a request with the login. Throws when the answer is another one than expected. */
function send(
  { ca, login }: PushTarget,
  method: string,
  url: URL,
  expected: number,
  body: Buffer = Buffer.alloc(0),
  type?: string,
): Promise<{ location?: string }> {
  const headers = {
    authorization: basic(login),
    "content-length": body.length,
    ...(type === undefined ? {} : { "content-type": type }),
  };
  return new Promise((resolve, reject) => {
    const request = https.request(url, { method, ca, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => (text += part));
      response.once("end", () => {
        const { statusCode, headers: answered } = response;
        if (statusCode === expected) resolve({ location: answered.location });
        else reject(new Error(`${method} ${url.pathname} was answered by ${statusCode}: ${text}`));
      });
    });
    request.once("error", reject);
    request.end(body);
  });
}
