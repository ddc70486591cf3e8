import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as http from "node:http";
import { AddressInfo } from "node:net";
import { downloaders, ScratchHost } from "../../../support/scratchHost";

const version = "v1.35.7+k0s.0";
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

describe("binary.sh", () => {
  let host: ScratchHost;
  let server: http.Server;
  let base: string;
  let requests: string[];
  // What is served, by path; a number is an answer without content.
  let served: Record<string, string | number | ((response: http.ServerResponse) => void)>;

  beforeEach(async () => {
    host = new ScratchHost();
    requests = [];
    served = {};
    server = http.createServer((request, response) => {
      const url = request.url ?? "";
      requests.push(url);
      const answer = served[url] ?? 404;
      if (typeof answer === "function") answer(response);
      else if (typeof answer === "number") response.writeHead(answer).end();
      else response.end(answer);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    served["/k0s-amd64"] = host.k0s(version);
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
    host.dispose();
  });

  const variables = (more: Record<string, string> = {}): Record<string, string> => ({
    K0S_VERSION: version,
    K0S_URL: `${base}/k0s-%arch%`,
    K0S_SHA256: sha256(host.k0s(version)),
    SUMS_URL: `${base}/sha256sums.txt`,
    BUNDLES: "",
    ...more,
  });
  const binary = (more?: Record<string, string>) => host.run("binary", variables(more));
  const assertNothingInPlace = () => {
    assert.deepEqual(fs.readdirSync(host.path("usr/local/bin")), []);
  };
  const bundleFile = (content: string) =>
    `var/lib/k0s/images/knative-edge-${sha256(content).slice(0, 16)}.tar`;

  it("removes a k0s of an earlier generation first, and no other", async () => {
    const cluster = "var/lib/k0s/pki/ca.crt";
    for (const [generation, isKept] of [
      ["stack-a#2", false],
      ["stack-a#3", true],
      ["stack-a#4", true],
    ] as const) {
      host.write(cluster, "ca");
      host.write("etc/k0s/.knative-edge", generation);
      const { code, stderr } = await binary({ OWNER: "stack-a#3" });
      assert.equal(code, 0, stderr);
      assert.equal(host.exists(cluster), isKept);
      assert.deepEqual(fs.readdirSync(host.path("usr/local/bin")), ["k0s"]);
    }
  });

  it("puts the checked binary in place, and downloads nothing the second time", async () => {
    const { code, stdout } = await binary();
    assert.equal(code, 0);
    assert.equal(stdout, `${version} ${sha256(host.k0s(version))}\n`);
    assert.deepEqual(fs.readdirSync(host.path("usr/local/bin")), ["k0s"]);
    assert.equal(fs.statSync(host.path("usr/local/bin/k0s")).mode & 0o777, 0o755);
    requests = [];
    assert.equal((await binary()).stdout, stdout);
    assert.deepEqual(requests, []);
  });

  it("takes the digest from the release's own list when none is pinned", async () => {
    served["/k0s-v1.35.7%2Bk0s.0-amd64"] = host.k0s(version);
    served["/sha256sums.txt"] =
      `${"0".repeat(64)} *k0s-${version}-arm64\n${sha256(host.k0s(version))} *k0s-${version}-amd64\n`;
    const { code, stderr } = await binary({
      K0S_SHA256: "",
      K0S_URL: `${base}/k0s-v1.35.7%2Bk0s.0-%arch%`,
    });
    assert.equal(code, 0, stderr);
  });

  it("refuses a release whose list lacks the file", async () => {
    served["/sha256sums.txt"] = `${"0".repeat(64)} *k0s-other\n`;
    const { code, stderr } = await binary({ K0S_SHA256: "" });
    assert.equal(code, 1);
    assert.match(stderr, /sha256sums\.txt does not list k0s-amd64: set k0sSha256/);
    assertNothingInPlace();
  });

  it("takes the build for the host's architecture", async () => {
    host.write("fake/arch", "aarch64\n");
    served["/k0s-arm64"] = host.k0s(version);
    assert.equal((await binary()).code, 0);
    assert.deepEqual(requests, ["/k0s-arm64"]);
  });

  it("names both digests when they differ, and leaves the old binary", async () => {
    host.write("usr/local/bin/k0s", "old");
    const { code, stdout, stderr } = await binary({ K0S_SHA256: "ab".repeat(32) });
    assert.equal(code, 1);
    assert.equal(stdout, "");
    assert.match(
      stderr,
      new RegExp(`has the sha256 ${sha256(host.k0s(version))}, but ${"ab".repeat(32)} is expected`),
    );
    assert.equal(host.read("usr/local/bin/k0s"), "old");
    assert.deepEqual(fs.readdirSync(host.path("usr/local/bin")), ["k0s"]);
  });

  it("refuses another version under the right digest", async () => {
    const { code, stderr } = await binary({ K0S_VERSION: "v1.35.8+k0s.0" });
    assert.equal(code, 1);
    assert.match(stderr, /is version v1\.35\.7\+k0s\.0, but k0sVersion is v1\.35\.8\+k0s\.0/);
    assertNothingInPlace();
  });

  it("refuses a binary that does not run here", async () => {
    served["/k0s-amd64"] = "#!/no/such/interpreter\n";
    const { code, stderr } = await binary({ K0S_SHA256: sha256("#!/no/such/interpreter\n") });
    assert.equal(code, 1);
    assert.match(stderr, /does not run here: .*it must be the build for amd64\n/);
    assertNothingInPlace();
  });

  it("gives up at once where there is no such file, with the downloader's words", async () => {
    delete served["/k0s-amd64"];
    const { code, stderr } = await binary();
    assert.equal(code, 1);
    assert.match(
      stderr,
      /could not download http:\S+\/k0s-amd64 \(attempt 1\): curl: \(22\) .*404/,
    );
    assert.equal(requests.length, 1);
    assertNothingInPlace();
  });

  it("tries a cut download again, and says so when it stays cut", async () => {
    served["/k0s-amd64"] = (response) => {
      response.writeHead(200, { "content-length": "1000" });
      response.write("half", () => response.destroy());
    };
    const { code, stderr } = await binary();
    assert.equal(code, 1);
    assert.match(stderr, /\(attempt 3\): curl: \((18|56)\)/);
    assert.equal(requests.length, 3);
    assertNothingInPlace();
  });

  it("says at once that the disk is full, and leaves nothing on it", async () => {
    host.removeCommand("curl");
    // As curl: the file as far as it came, and code 23.
    host.fake(
      "curl",
      `while [ "$1" != --output ]; do shift; done; echo half >"$2"; echo tried >>$F/log; exit 23`,
    );
    const { code, stderr } = await binary();
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^edge: no space is left on the disk of \S+ after 0 MiB of http:\S+\/k0s-amd64: .*Free some/m,
    );
    assert.equal(host.read("fake/log"), "tried\n");
    assertNothingInPlace();
  });

  it("succeeds when a later attempt does", async () => {
    let attempt = 0;
    served["/k0s-amd64"] = (response) => {
      attempt += 1;
      if (attempt < 3) response.writeHead(attempt === 1 ? 429 : 503).end();
      else response.end(host.k0s(version));
    };
    assert.equal((await binary()).code, 0);
    assert.equal(requests.length, 3);
  });

  if (downloaders.includes("wget")) {
    it("downloads by wget where there is no curl", async () => {
      host.removeCommand("curl");
      host.linkCommand("wget");
      assert.equal((await binary()).code, 0);
      delete served["/k0s-amd64"];
      host.remove("usr/local/bin/k0s");
      const { stderr } = await binary();
      assert.match(stderr, /\(attempt 1\): .*ERROR 404/);
    });
  }

  it("keeps bundles as configured, and others' files as they are", async () => {
    served["/a.tar"] = "bundle a";
    served["/b-amd64.tar"] = "bundle b";
    host.write("var/lib/k0s/images/theirs.tar", "x");
    const a = `${sha256("bundle a")} ${base}/a.tar\n`;
    const both = `${a}${sha256("bundle b")} ${base}/b-%arch%.tar\n`;
    const { code, stdout } = await binary({ BUNDLES: both });
    assert.equal(code, 0);
    assert.equal(stdout.split("\n").length - 1, 3);
    assert.equal(host.read(bundleFile("bundle a")), "bundle a");
    assert.equal(host.read(bundleFile("bundle b")), "bundle b");
    host.write(bundleFile("bundle a"), "spoilt");
    requests = [];
    assert.equal((await binary({ BUNDLES: a })).code, 0);
    assert.deepEqual(requests, ["/a.tar"]);
    assert.deepEqual(fs.readdirSync(host.path("var/lib/k0s/images")).sort(), [
      bundleFile("bundle a").split("/").pop(),
      "theirs.tar",
    ]);
    assert.equal(host.read(bundleFile("bundle a")), "bundle a");
  });

  it("shows no bundle to k0s that fails its check", async () => {
    served["/a.tar"] = "spoilt";
    const { code, stderr } = await binary({ BUNDLES: `${sha256("bundle a")} ${base}/a.tar\n` });
    assert.equal(code, 1);
    assert.match(stderr, /a\.tar has the sha256 .* Check imageBundles/);
    assert.deepEqual(fs.readdirSync(host.path("var/lib/k0s/images")), []);
  });

  it("converges after it was killed in the middle of a download", async () => {
    host.write("usr/local/bin/k0s", "old");
    served["/k0s-amd64"] = (response) => {
      response.writeHead(200, { "content-length": "1000" });
      response.write("half");
    };
    let pid = 0;
    const killed = host.run("binary", variables(), (id) => (pid = id));
    while (requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    process.kill(pid, "SIGKILL");
    // Its children may go on for a while; they too find nothing.
    delete served["/k0s-amd64"];
    server.closeAllConnections();
    await killed;
    assert.equal(host.read("usr/local/bin/k0s"), "old");
    served["/k0s-amd64"] = host.k0s(version);
    assert.equal((await binary()).code, 0);
    assert.deepEqual(fs.readdirSync(host.path("usr/local/bin")), ["k0s"]);
  });
});
