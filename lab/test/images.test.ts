import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { extract } from "tar-stream";
import { gzipSync } from "node:zlib";
import { addBallast, explain } from "../build";
import { layer, writeArchive, type Entry } from "../imagesOci";

interface Descriptor {
  digest: string;
  annotations?: Record<string, string>;
}

const sha256 = (bytes: Buffer) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

/** Files of a tar, by name. */
async function untar(
  bytes: Buffer,
): Promise<Map<string, { content: Buffer; mode: number; time: number }>> {
  const files = new Map<string, { content: Buffer; mode: number; time: number }>();
  const reader = extract();
  reader.end(bytes);
  for await (const entry of reader) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    const { name, mode = 0, mtime } = entry.header;
    files.set(name, { content: Buffer.concat(chunks), mode, time: mtime?.getTime() ?? -1 });
  }
  return files;
}

describe("lab images", () => {
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(path.join(tmpdir(), "lab-images-"))));
  afterEach(() => rmSync(dir, { recursive: true }));

  // cat in place of zstd: the blobs are then plain tars, to be read here.
  const build = async (out: string) => {
    const program = path.join(dir, "program");
    writeFileSync(program, "binary");
    const entries: Entry[] = [
      { path: "tmp", directory: true, mode: 0o1777 },
      { path: "etc/ssl/ca.crt", content: "roots" },
    ];
    const workshop = { dir, zstd: "cat" };
    const base = await layer(entries, workshop);
    const one = await layer(
      [{ path: "ko-app/one", file: program, size: 6, mode: 0o755 }],
      workshop,
    );
    await writeArchive(
      [
        {
          names: ["registry.lab/a/one:v1", "registry.lab/a/one:latest"],
          layers: [base, one],
          entrypoint: ["/ko-app/one"],
          user: "65532",
        },
        { names: ["registry.lab/b/two:v2"], layers: [base], entrypoint: ["/two"] },
      ],
      out,
    );
    return readFileSync(out);
  };

  it("gives the same bytes for the same input", async () => {
    const first = await build(path.join(dir, "first.tar"));
    const second = await build(path.join(dir, "second.tar"));
    assert.equal(sha256(first), sha256(second));
  });

  it("names every image as the container runtime will, each blob by its digest", async () => {
    const archive = await untar(await build(path.join(dir, "out.tar")));
    const blob = (digest: string) =>
      archive.get(`blobs/${digest.replace(":", "/")}`)?.content ?? assert.fail(`no ${digest}`);
    const json = (bytes: Buffer) => JSON.parse(bytes.toString()) as Record<string, unknown>;
    for (const [name, { content }] of archive) {
      if (name.startsWith("blobs/")) assert.equal(sha256(content), name.slice(6).replace("/", ":"));
    }

    const index = json(archive.get("index.json")?.content ?? assert.fail("no index.json"));
    const manifests = index.manifests as Descriptor[];
    assert.deepEqual(
      manifests.map((m) => m.annotations?.["io.containerd.image.name"]),
      ["registry.lab/a/one:v1", "registry.lab/a/one:latest", "registry.lab/b/two:v2"],
    );
    const layersOf = (m: Descriptor | undefined) =>
      json(blob(m?.digest ?? "")).layers as Descriptor[];
    assert.equal(
      layersOf(manifests[0])[0]?.digest,
      layersOf(manifests[2])[0]?.digest,
      "the base layer is shared",
    );

    const config = json(blob((json(blob(manifests[0]?.digest ?? "")).config as Descriptor).digest));
    assert.deepEqual(config.config, { Entrypoint: ["/ko-app/one"], User: "65532", Env: [] });
    const diffIds = (config.rootfs as { diff_ids: string[] }).diff_ids;
    assert.deepEqual(
      diffIds,
      layersOf(manifests[0]).map((l) => sha256(blob(l.digest))),
    );
  });

  it("puts folders before their files, with modes, and no time but the epoch", async () => {
    const archive = await untar(await build(path.join(dir, "out.tar")));
    const blobs = [...archive]
      .filter(([name]) => name.startsWith("blobs/"))
      .map(([, { content }]) => content);
    const tars = await Promise.all(blobs.filter((b) => b[0] !== "{".charCodeAt(0)).map(untar));
    const base = tars.find((files) => files.has("etc/ssl/ca.crt")) ?? assert.fail("no base layer");
    assert.deepEqual(
      [...base.keys()].map((name) => name.replace(/\/$/, "")),
      ["etc", "etc/ssl", "etc/ssl/ca.crt", "tmp"],
    );
    assert.equal((base.get("tmp/") ?? base.get("tmp"))?.mode, 0o1777);
    assert.ok([...base.values()].every(({ time }) => time === 0));
  });

  it("gives a program the capability that it is to have, as containerd reads it", async () => {
    const program = path.join(dir, "program");
    writeFileSync(program, "binary");
    const capability = Buffer.from("0100000200040000", "hex");
    const { file } = await layer(
      [{ path: "coredns", file: program, size: 6, mode: 0o755, capability }],
      { dir, zstd: "cat" },
    );
    const reader = extract();
    reader.end(readFileSync(file));
    const headers: unknown[] = [];
    for await (const entry of reader) {
      headers.push(entry.header.pax);
      entry.resume();
    }
    assert.deepEqual(headers, [
      { path: "coredns", "SCHILY.xattr.security.capability": capability.toString("latin1") },
    ]);
  });

  it("fills a program up to the size that it is to have, the same in each build", () => {
    const files = ["one", "two"].map((name) => path.join(dir, name));
    for (const file of files) {
      writeFileSync(file, "binary");
      addBallast(file, 2);
    }
    const [one, two] = files.map((file) => readFileSync(file));
    assert.ok(one && two?.equals(one));
    assert.equal(one.length, 6 + 2 * 2 ** 20);
    assert.ok(gzipSync(one).length > one.length, "it compresses, as no code in memory does");
  });

  it("fails when a file cannot be read", async () => {
    const entries: Entry[] = [{ path: "gone", file: path.join(dir, "gone"), size: 1 }];
    await assert.rejects(layer(entries, { dir, zstd: "cat" }), /ENOENT|Premature close/);
  });
});

describe("lab build errors", () => {
  it("tells a failed download from a failed build", () => {
    const download =
      'go: downloading a v1\ngo: b@v1: Get "https://proxy.example/b": dial tcp: lookup proxy.example: no such host\n';
    assert.match(
      explain("kine", download, { module: "go/kine" }),
      /^A Go module for the lab's kine could not be downloaded: .*no such host\. Check /,
    );
    const broken = "# knative-edge.lab/kourier\n./main.go:3:1: syntax error: unexpected x\n";
    assert.match(
      explain("kourier", broken, { module: "kourier" }),
      /^Building the lab's kourier failed: .*syntax error: unexpected x\. Run `go build \.` in lab\/kourier /,
    );
  });
});
