import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { access, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { k0sVersion } from "../versions";

const run = promisify(execFile);

/** In the order in which the control plane needs them. The earlier ones are extracted first. */
const COMPONENTS = [
  "kine",
  "kube-apiserver",
  "containerd",
  "containerd-shim-runc-v2",
  "ctr",
  "kubelet",
  "kube-controller-manager",
  "kube-scheduler",
  "kubectl",
  "bridge",
  "host-local",
  "loopback",
  "portmap",
];

/** Packed if it is there. Otherwise the host needs Debian's package runc. */
const OPTIONAL = ["runc"];

/**
 * Builds the k0s double and appends the component binaries to it, as the real k0s does.
 * Does nothing when `outFile` was made from the same sources, binaries and version.
 *
 * @param binDir directory with the components of {@link COMPONENTS}
 * @param outFile the executable to write, of about a third of the size of the components
 * @param version what `k0s version` prints; tests of upgrades take another one than the default
 * @throws Error that names a missing component
 */
export async function packK0s(
  binDir: string,
  outFile: string,
  version: string = k0sVersion,
): Promise<void> {
  const binaries: string[] = [];
  for (const name of [...COMPONENTS, ...OPTIONAL]) {
    const path = resolve(binDir, name);
    if (await exists(path)) binaries.push(path);
    else if (COMPONENTS.includes(name))
      throw new Error(
        `${path} is missing, so k0s cannot be packed: build the lab's binaries first`,
      );
  }
  const stampFile = `${outFile}.stamp`;
  const stamp = await fingerprint(binaries, version);
  if ((await exists(outFile)) && (await readOr(stampFile, "")) === stamp) return;

  const scratch = await mkdtemp(join(tmpdir(), "knative-edge-k0s-"));
  try {
    const plain = join(scratch, "k0s");
    const env = { ...process.env, CGO_ENABLED: "0", GOFLAGS: "-buildvcs=false -trimpath" };
    await run("go", ["build", "-ldflags", `-s -w -X main.version=${version}`, "-o", plain, "."], {
      cwd: __dirname,
      env,
    });
    await run("go", ["run", "./pack", "-k0s", plain, "-o", resolve(outFile), ...binaries], {
      cwd: __dirname,
      env,
    });
    await writeFile(stampFile, stamp);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/**
 * A hash of the sources, and of the binaries' sizes and times, because the binaries are too large to read each time.
 */
async function fingerprint(binaries: string[], version: string): Promise<string> {
  const hash = createHash("sha256").update(version);
  const folders = [__dirname, join(__dirname, "../weight")];
  const entries = await Promise.all(
    folders.map((folder) => readdir(folder, { recursive: true, withFileTypes: true })),
  );
  for (const entry of entries
    .flat()
    .filter(
      (e) => e.isFile() && /\.(go|mod|sum|tmpl)$/.test(e.name) && !e.name.endsWith("_test.go"),
    )
    .map((e) => join(e.parentPath, e.name))
    .sort())
    hash.update(entry).update(await readFile(entry));
  for (const path of binaries) {
    const { size, mtimeMs } = await stat(path);
    hash.update(`${path} ${String(size)} ${String(mtimeMs)}\n`);
  }
  return hash.digest("hex");
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function readOr(path: string, fallback: string): Promise<string> {
  return readFile(path, "utf8").catch(() => fallback);
}
