import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { writeRelabelled } from "../../support/relabelledReleases";
import { manifestsDir } from "../../support/releases";
import { typeScript } from "../../../lab/paths";

const root = path.join(__dirname, "../../..");

const release = (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
  new Promise((done) =>
    execFile(
      process.execPath,
      [...typeScript, path.join(root, "cli/release.ts"), ...args],
      { cwd: root },
      (error, stdout, stderr) => done({ code: error === null ? 0 : 1, stdout, stderr }),
    ),
  );

describe("npm run release", function () {
  this.timeout(120_000);
  let directory: string;
  before(() => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), "release-"));
    writeRelabelled(directory, { "knative-1.23.0": "1.24.0" });
  });
  after(() => fs.rmSync(directory, { recursive: true }));

  it("compares with the newest release before, and prints the entry with its Kubernetes", async () => {
    const { code, stdout, stderr } = await release(
      ...["knative", "1.24.0", "--from", directory, "--base", manifestsDir],
      ...["--kubernetes", "1.35-1.36"],
    );
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^Knative Serving 1\.24\.0, compared with 1\.23\.0:\n\n/);
    const entry = JSON.parse(/^\{[^]*?^\}$/m.exec(stdout)?.[0] ?? "") as Record<
      string,
      { sha256: Record<string, string>; kubernetes: object }
    >;
    assert.deepEqual(entry["1.24.0"]?.kubernetes, { minor: 35, lastMinor: 36 });
    assert.deepEqual(Object.keys(entry["1.24.0"]?.sha256 ?? {}).slice(0, 2), [
      "serving-crds.yaml",
      "serving-core.yaml",
    ]);
  });

  it("does not write an entry without a range, nor files of another version or digest", async () => {
    const table = fs.readFileSync(path.join(root, "stack/releases/table.json"), "utf8");
    fs.cpSync(path.join(directory, "knative-1.24.0"), path.join(directory, "knative-1.25.0"), {
      recursive: true,
    });
    const refusals: [args: string[], message: RegExp][] = [
      [
        ["knative", "1.24.0", "--from", directory, "--base", manifestsDir],
        /give it by --kubernetes\.$/m,
      ],
      [["knative", "1.25.0", "--from", directory], /is of release 1\.24\.0, not 1\.25\.0/],
      [["metallb", "v0.16.1", "--from", manifestsDir], /has sha256 \w+, and the table has bf25fee/],
      [["metallb", "0.16.1"], /no version of MetalLB; write it like v0\.16\.1/],
    ];
    const found = await Promise.all(refusals.map(([args]) => release(...args, "--write")));
    found.forEach(({ code, stderr }, index) => {
      assert.equal(code, 1);
      assert.match(stderr, refusals[index]?.[1] ?? /^$/);
    });
    assert.equal(fs.readFileSync(path.join(root, "stack/releases/table.json"), "utf8"), table);
  });

  it("tells of k0s what to set, and what runs on it", async () => {
    const folder = path.join(directory, "k0s-v1.36.1+k0s.0");
    fs.mkdirSync(folder);
    fs.writeFileSync(
      path.join(folder, "sha256sums.txt"),
      `${"a".repeat(64)} *k0s-v1.36.1+k0s.0-amd64\n${"b".repeat(64)} *k0s-v1.36.1+k0s.0-arm64\n`,
    );
    const { code, stdout, stderr } = await release("k0s", "v1.36.1+k0s.0", "--from", directory);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^ {2}Knative Serving: none$/m);
    assert.match(stdout, /^ {2}MetalLB: v0\.16\.1$/m);
    assert.match(stdout, /^pulumi config set k0sSha256 b{64} {3}# of a host with arm64$/m);
  });
});
