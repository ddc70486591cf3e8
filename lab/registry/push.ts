/** Puts images into a registry, by the OCI distribution API (spec.md in github.com/opencontainers/distribution-spec). */
import { readFileSync, statSync } from "node:fs";
import https from "node:https";
import { mkdtempSync, rmSync } from "node:fs";
import path from "node:path";
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

async function push(
  target: PushTarget,
  name: string,
  image: Omit<Image, "names">,
): Promise<string> {
  const [repository = "", tag = ""] = name.split(":");
  const { config, manifest } = manifestOf(image);
  const blobs = [
    ...image.layers.map(({ digest, file }) => ({ digest, content: readFileSync(file) })),
    { digest: describe(config).digest, content: Buffer.from(config) },
  ];
  const api = `https://${target.host}/v2/${repository}`;
  for (const { digest, content } of blobs) {
    const { location } = await send(target, "POST", new URL(`${api}/blobs/uploads/`), 202);
    const upload = new URL(location ?? "", api);
    upload.searchParams.set("digest", digest);
    await send(target, "PUT", upload, 201, content, "application/octet-stream");
  }
  const url = new URL(`${api}/manifests/${tag}`);
  await send(target, "PUT", url, 201, Buffer.from(manifest), manifestType);
  return describe(manifest).digest;
}

/** Sends a request with the login. Throws when the answer is another one than expected. */
function send(
  { ca, login }: PushTarget,
  method: string,
  url: URL,
  expected: number,
  body = Buffer.alloc(0),
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
