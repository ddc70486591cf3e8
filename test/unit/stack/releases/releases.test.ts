import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as http from "node:http";
import { AddressInfo } from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { k0sDownload } from "../../../../stack/releases/releaseTable";
import {
  kourierRelease,
  loadRelease,
  loadReleases,
  metalLbRelease,
  Release,
  ReleaseError,
  servingRelease,
} from "../../../../stack/releases/releases";
import { testConfig } from "../../../support/config";
import { manifestsDir } from "../../../support/releases";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

describe("releases", () => {
  let server: http.Server;
  let base: string;
  let directory: string;
  let requests: number;
  let pauses: number[];
  let answer: (response: http.ServerResponse) => void;

  beforeEach(async () => {
    requests = 0;
    pauses = [];
    answer = (response) => response.end("the release");
    server = http.createServer((_request, response) => {
      requests += 1;
      answer(response);
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    directory = fs.mkdtempSync(path.join(os.tmpdir(), "releases-"));
  });
  afterEach(async () => {
    fs.rmSync(directory, { recursive: true });
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });

  const pause = async (milliseconds: number): Promise<void> => void pauses.push(milliseconds);
  const release = (digest?: string): Release => ({
    folder: "thing-1.0",
    files: [{ name: "thing.yaml", url: `${base}/thing.yaml`, sha256: digest }],
  });
  const load = (digest?: string): Promise<Record<string, string>> =>
    loadRelease(release(digest), { cacheDir: directory, retry: { pause } });
  const refusal = async (loading: Promise<unknown>): Promise<string> => {
    const error: unknown = await loading.then(
      () => assert.fail("it was not refused"),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof ReleaseError, String(error));
    return error.message;
  };
  const cached = (): string => path.join(directory, "thing-1.0", "thing.yaml");

  it("are downloaded once, checked and kept", async () => {
    const digest = sha256("the release");
    assert.deepEqual(await load(digest), { "thing.yaml": "the release" });
    assert.deepEqual(await load(digest), { "thing.yaml": "the release" });
    assert.equal(requests, 1);
    assert.deepEqual(fs.readdirSync(path.dirname(cached())), ["thing.yaml"]);
  });

  it("with another digest than known stop, with both named and nothing kept", async () => {
    const message = await refusal(load(sha256("the true release")));
    assert.ok(
      message.includes(sha256("the release")) && message.includes(sha256("the true release")),
      message,
    );
    assert.ok(message.startsWith(`${base}/thing.yaml has sha256 `), message);
    assert.ok(!fs.existsSync(cached()));
  });

  it("changed in the cache stop, with the file to remove named", async () => {
    await load(sha256("the release"));
    fs.writeFileSync(cached(), "changed");
    const message = await refusal(load(sha256("the release")));
    assert.ok(
      message.includes(`remove ${cached()}`) && message.includes(sha256("changed")),
      message,
    );
    assert.equal(requests, 1);
  });

  it("without a known digest keep the first download's and hold later ones to it", async () => {
    assert.deepEqual(await load(), { "thing.yaml": "the release" });
    assert.deepEqual(await load(), { "thing.yaml": "the release" });
    assert.equal(requests, 1);
    fs.rmSync(cached());
    answer = (response) => response.end("another release");
    const message = await refusal(load());
    assert.ok(
      message.includes(sha256("another release")) && message.includes(`kept in ${cached()}.sha256`),
      message,
    );
    answer = (response) => response.end("the release");
    assert.deepEqual(await load(), { "thing.yaml": "the release" });
  });

  it("that are not there name the URL and what to do", async () => {
    answer = (response) => response.writeHead(404).end("no");
    const message = await refusal(load());
    assert.match(
      message,
      /^http:\/\/127.0.0.1:\d+\/thing.yaml answers 404 Not Found; check the version .* manifestsDir/,
    );
    assert.ok(!fs.existsSync(cached()));
    assert.equal(requests, 1);
  });

  it("are asked for again after what passes: a broken connection, a busy server", async () => {
    const failures: [answer: (response: http.ServerResponse) => void, pause: number][] = [
      [(response) => response.destroy(), 1000],
      [(response) => response.writeHead(503).end(), 2000],
      [(response) => response.writeHead(429, { "Retry-After": "7" }).end(), 7000],
    ];
    answer = (response) => {
      const [fail] = failures[requests - 1] ?? [];
      return fail === undefined ? response.end("the release") : fail(response);
    };
    assert.deepEqual(await load(), { "thing.yaml": "the release" });
    assert.deepEqual(
      pauses,
      failures.map(([, milliseconds]) => milliseconds),
    );
  });

  it("are given up after four attempts, with the last answer, however long it asks to wait", async () => {
    const date = new Date(Date.now() + 3_600_000).toUTCString();
    answer = (response) =>
      requests < 4
        ? response.writeHead(503, { "Retry-After": date }).end()
        : response.writeHead(502).end();
    assert.match(await refusal(load()), /thing.yaml answers 502 Bad Gateway \(attempt 4\); check/);
    assert.deepEqual(pauses, [30_000, 30_000, 30_000]);
    assert.ok(!fs.existsSync(cached()));
  });

  it("that are cut off are not kept", async () => {
    answer = (response) => {
      response.writeHead(200, { "Content-Length": "100" });
      response.write("the release");
      setTimeout(() => response.destroy(), 20);
    };
    assert.match(
      await refusal(load()),
      /thing.yaml cannot be downloaded: .* \(attempt 4\); check the version/,
    );
    assert.equal(requests, 4);
    assert.ok(!fs.existsSync(cached()));
    assert.ok(!fs.existsSync(`${cached()}.sha256`));
  });

  it("from a server that is not there name the URL and the cause", async () => {
    await new Promise((done) => server.close(done));
    assert.match(
      await refusal(load()),
      /^http:\S+\/thing.yaml cannot be downloaded: .*ECONNREFUSED.* \(attempt 4\); check/,
    );
  });

  it("come from a directory as they are, without a request", async () => {
    fs.mkdirSync(path.dirname(cached()));
    fs.writeFileSync(cached(), "changed on purpose");
    const texts = await loadRelease(release(sha256("the release")), { manifestsDir: directory });
    assert.deepEqual(texts, { "thing.yaml": "changed on purpose" });
    assert.equal(requests, 0);
  });

  it("missing from a directory name the file and its URL", async () => {
    const message = await refusal(loadRelease(release(), { manifestsDir: directory }));
    assert.equal(
      message,
      `${cached()} is not there; download it from ${base}/thing.yaml, or unset manifestsDir.`,
    );
  });

  it("that are directories in place of files are named", async () => {
    fs.mkdirSync(cached(), { recursive: true });
    const message = await refusal(loadRelease(release(), { manifestsDir: directory }));
    assert.equal(message, `${cached()} is a directory; a file was expected there.`);
  });

  it("have the upstream places", () => {
    assert.deepEqual(
      [servingRelease("1.23.0"), kourierRelease("1.23.0"), metalLbRelease("v0.16.1")].flatMap(
        ({ files }) => files.map(({ url }) => url),
      ),
      [
        "https://storage.googleapis.com/knative-releases/serving/previous/v1.23.0/serving-crds.yaml",
        "https://storage.googleapis.com/knative-releases/serving/previous/v1.23.0/serving-core.yaml",
        "https://storage.googleapis.com/knative-releases/serving/previous/v1.23.0/serving-default-domain.yaml",
        "https://storage.googleapis.com/knative-releases/net-kourier/previous/v1.23.0/kourier.yaml",
        "https://raw.githubusercontent.com/metallb/metallb/v0.16.1/config/manifests/metallb-native.yaml",
      ],
    );
    assert.deepEqual(k0sDownload("v1.35.7+k0s.0"), {
      url: "https://github.com/k0sproject/k0s/releases/download/v1.35.7%2Bk0s.0/k0s-v1.35.7%2Bk0s.0-%arch%",
      sumsUrl: "https://github.com/k0sproject/k0s/releases/download/v1.35.7%2Bk0s.0/sha256sums.txt",
    });
  });
});

describe("releases in a directory", () => {
  let directory: string;
  beforeEach(() => (directory = fs.mkdtempSync(path.join(os.tmpdir(), "releases-"))));
  afterEach(() => fs.rmSync(directory, { recursive: true }));

  const labelled = (name: string, version?: string): string =>
    `apiVersion: v1\nkind: Namespace\nmetadata: {name: ${name}` +
    `${version === undefined ? "" : `, labels: {app.kubernetes.io/version: "${version}"}`}}\n`;
  const metalLb = (tag: string): string =>
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: controller, namespace: metallb-system}\n" +
    `spec: {template: {spec: {containers: [{name: c, image: "quay.io/metallb/controller:${tag}"}]}}}\n`;
  const good = {
    "knative-1.23.0/serving-crds.yaml": labelled("a"),
    "knative-1.23.0/serving-core.yaml": labelled("b", "1.23.0"),
    "knative-1.23.0/serving-default-domain.yaml": labelled("c", "devel"),
    "net-kourier-1.23.0/kourier.yaml": labelled("d", "1.23.0"),
    "metallb-v0.16.1/metallb-native.yaml": metalLb("v0.16.1"),
  };
  const load = (changed: Partial<typeof good>) => {
    for (const [file, text] of Object.entries({ ...good, ...changed })) {
      fs.mkdirSync(path.dirname(path.join(directory, file)), { recursive: true });
      fs.writeFileSync(path.join(directory, file), text);
    }
    return loadReleases(testConfig({ manifestsDir: directory }));
  };

  it("are taken with the version asked for, or where nothing tells it", async () => {
    assert.equal((await load({})).serving.length, 2);
    const own = { "metallb-v0.16.1/metallb-native.yaml": metalLb("mended") };
    assert.equal((await load(own)).metalLb.length, 1);
  });

  it("are refused where they are of another version, by file and both versions", async () => {
    const others: [changed: Partial<typeof good>, message: string][] = [
      [
        { "knative-1.23.0/serving-core.yaml": `${labelled("a")}---\n${labelled("b", "1.22.1")}` },
        "serving-core.yaml is of release 1.22.1, not 1.23.0; correct the folder in manifestsDir.",
      ],
      [
        { "net-kourier-1.23.0/kourier.yaml": labelled("d", "1.22.1") },
        "kourier.yaml is of release 1.22.1, not 1.23.0; correct the folder in manifestsDir.",
      ],
      [
        { "metallb-v0.16.1/metallb-native.yaml": metalLb("v0.15.3") },
        "metallb-native.yaml is of release 0.15.3, not 0.16.1; correct the folder in manifestsDir.",
      ],
    ];
    for (const [changed, message] of others) {
      await assert.rejects(load(changed), { message });
    }
  });
});

describe("the release manifests", () => {
  it("have each definition once", async () => {
    const { serving } = await loadReleases(testConfig({ manifestsDir }));
    assert.equal(serving.filter(({ kind }) => kind === "CustomResourceDefinition").length, 12);
  });

  it("have no Job with a fixed domain", async () => {
    const config = testConfig({ manifestsDir, domain: "edge.example.com" });
    assert.deepEqual((await loadReleases(config)).defaultDomain, []);
  });
});
