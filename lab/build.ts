/**
 * Builds the lab's programs from their Go modules: one go.mod per group in lab/go, and the lab's own small programs.
 * It leaves alone what is up to date, and takes from the user's cache what another checkout has built.
 */
import { createCipheriv, createHash } from "node:crypto";
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { filled, placeFile } from "./cache";
import { cacheDir, repoRoot } from "./paths";
import { run } from "./process";
import { engineVersion, kubernetesVersion } from "./versions";

/**
 * Programs that are built together, from one Go module. A change of any value here, even of the order of the fields, is
 * a new stamp: then all users build the group again.
 */
interface Group {
  /** Folder of the go.mod, from lab/. */
  module: string;
  /** What `go build` makes, by name. */
  programs: string[];
  /** Subfolder of the bin folder, for groups whose programs have the names of others. */
  folder?: string;
  /** `-X` settings of the linker. */
  versions?: Record<string, string>;
  cgo?: boolean;
  patch?: Patch;
  /** MiB of meaningless bytes to append to each program, which lab/weight touches as if they were code. */
  ballastMiB?: number;
  /** Folders of the lab's own modules that the group's module imports. */
  with?: string[];
  /** The packages to build. By default the tools of a go.mod in lab/go, or the program in the lab's own module. */
  packages?: string[];
  /** Has `go test -c` make its one program, of the package's end-to-end tests. */
  tests?: boolean;
}

/** A change to one file of a module whose last release is too old for the programs that it works with. */
interface Patch {
  module: string;
  /** Path in the module. */
  file: string;
  /** Text of the file, which `now` replaces. */
  old: string;
  now: string;
}

/** One of the lab's own modules: one program with the folder's name. */
function own(name: string): Group {
  return { module: name, programs: [name] };
}

/** One of them that stands in for another program, and takes as much memory (lab/weight). */
function double(name: string, ballastMiB: number): Group {
  return { ...own(name), ballastMiB, with: ["weight"] };
}

/** Programs of lab/go/conformance. */
function conformance(programs: string[], more: Partial<Group>): Group {
  return { module: "go/conformance", programs, folder: "conformance", ...more };
}

/** One of upstream's suites. */
function conformanceTests(name: string, from: string): Group {
  return conformance([`${name}.test`], { packages: [from], tests: true });
}

/** What the suites of one of upstream's modules run in a cluster. */
function conformanceImages(module: string, programs: string): Group {
  const packages = programs
    .split(" ")
    .map((each) => `knative.dev/${module}/test/test_images/${each}`);
  const names = packages.map((each) => path.basename(each));
  return conformance(names, { packages, folder: `conformance/${module}` });
}

/** The smallest are first, so that a mistake in the machine's set-up shows within seconds. */
const groups = {
  pause: own("pause"),
  hello: own("hello"),
  zstd: own("zstd"),
  "cni-node": double("cni-node", 48),
  cni: { module: "go/cni", programs: ["bridge", "host-local", "loopback", "portmap"] },
  "pulumi-language-nodejs": {
    module: "go/pulumi-language-nodejs",
    programs: ["pulumi-language-nodejs"],
    // This old version is a proxy between program and engine, and does not know newer calls, such as those of error
    // hooks. The patch gives the program the engine's own address.
    patch: {
      module: "github.com/pulumi/pulumi/sdk/v3",
      file: "nodejs/cmd/pulumi-language-nodejs/main.go",
      old: 'fmt.Sprintf("127.0.0.1:%d", handle.Port), pipes.directory()',
      now: "req.GetMonitorAddress(), pipes.directory()",
    },
  },
  pulumi: {
    module: "go/pulumi",
    programs: ["pulumi"],
    // Otherwise the version is empty, and the Automation API refuses the engine.
    versions: { "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": engineVersion },
  },
  // kine's SQLite is written in C.
  kine: { module: "go/kine", programs: ["kine"], cgo: true },
  containerd: {
    module: "go/containerd",
    programs: ["containerd", "containerd-shim-runc-v2", "ctr"],
  },
  kubernetes: {
    module: "go/kubernetes",
    programs: [
      "kube-apiserver",
      "kube-controller-manager",
      "kube-proxy",
      "kube-scheduler",
      "kubectl",
      "kubelet",
    ],
    // Otherwise clients fail on the version string.
    versions: {
      "k8s.io/component-base/version.gitVersion": `v${kubernetesVersion}`,
      "k8s.io/component-base/version.gitMajor": kubernetesVersion.split(".")[0] ?? "",
      "k8s.io/component-base/version.gitMinor": kubernetesVersion.split(".")[1] ?? "",
      "k8s.io/client-go/pkg/version.gitVersion": `v${kubernetesVersion}`,
    },
  },
  coredns: { module: "go/coredns", programs: ["coredns"] },
  "metrics-server": { module: "go/metrics-server", programs: ["metrics-server"] },
  metallb: { module: "go/metallb", programs: ["controller", "speaker"], folder: "metallb" },
  serving: {
    module: "go/serving",
    programs: ["activator", "autoscaler", "controller", "default-domain", "queue", "webhook"],
    folder: "serving",
  },
  kourier: double("kourier", 16),
  // For test/lab/admission.test.ts alone: no host has it.
  admit: { module: "go/serving", programs: ["admit"], packages: ["./admit"] },
  // For lab/conformance.ts: upstream's suites, and the programs that they ask.
  "conformance-place": conformance(["place"], { packages: ["./place"] }),
  "conformance-ingress": conformanceTests("ingress", "."),
  "conformance-api": conformanceTests("api", "knative.dev/serving/test/conformance/api/v1"),
  "conformance-runtime": conformanceTests(
    "runtime",
    "knative.dev/serving/test/conformance/runtime",
  ),
  "conformance-networking": conformanceImages(
    "networking",
    "grpc-ping httpproxy retry runtime timeout wsserver",
  ),
  "conformance-serving": conformanceImages(
    "serving",
    "autoscale failing hellovolume helloworld multicontainer/servingcontainer multicontainer/sidecarcontainer " +
      "pizzaplanetv1 pizzaplanetv2 readiness runtime singlethreaded timeout volumes",
  ),
} satisfies Record<string, Group>;

export type GroupName = keyof typeof groups;

/** The groups that a lab needs, in the order of building. */
export const groupNames = (Object.keys(groups) as GroupName[]).filter(
  (name) => name !== "admit" && !name.startsWith("conformance"),
);

/** The programs that the suites of one of upstream's modules run in a cluster. */
export function conformancePrograms(module: "networking" | "serving"): string[] {
  return groups[`conformance-${module}`].programs;
}

export interface BuildOptions {
  /** Where the programs go; groups with colliding names have subfolders `serving` and `metallb`. */
  binDir: string;
  /** Called with one line at each step. Default: silent. */
  progress?: (line: string) => void;
}

/**
 * Builds groups one after the other, because each link step takes all cores and up to 2 GiB.
 * @param names default: all
 * @throws one sentence naming the group and the cause
 */
export async function buildAll(
  options: BuildOptions,
  names: readonly GroupName[] = groupNames,
): Promise<void> {
  const go = await goVersion();
  for (const [i, name] of names.entries()) {
    const say = (line: string) => options.progress?.(`[${i + 1}/${names.length}] ${name}: ${line}`);
    await buildOne(name, options.binDir, go, say);
  }
}

async function buildOne(
  name: GroupName,
  binDir: string,
  go: string,
  say: (line: string) => void,
): Promise<void> {
  const group: Group = groups[name];
  const target = path.join(binDir, group.folder ?? "");
  const stamp = stampOf(group, go);
  const stampFile = path.join(binDir, ".stamps", name);
  const complete = (dir: string) =>
    group.programs.every((program) => existsSync(path.join(dir, program)));
  if (complete(target) && existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp) {
    say("up to date");
    return;
  }
  const cached = path.join(cacheDir(), `${name}-${stamp}`);
  if (complete(cached)) {
    say("from this user's cache");
  } else {
    const started = Date.now();
    say(`building ${group.programs.join(", ")}`);
    await filled(cached, (dir) => compile(name, group, dir), complete);
    say(`built in ${Math.round((Date.now() - started) / 1000)} s`);
  }
  mkdirSync(target, { recursive: true });
  mkdirSync(path.dirname(stampFile), { recursive: true });
  for (const program of group.programs)
    placeFile(path.join(cached, program), path.join(target, program));
  writeFileSync(stampFile, stamp);
}

/** A hash of all that a build depends on: sources, module graph, flags and compiler. */
function stampOf(group: Group, go: string): string {
  const hash = createHash("sha256").update(JSON.stringify([group, go, process.arch]));
  for (const module of [group.module, ...(group.with ?? [])]) {
    const dir = path.join(repoRoot, "lab", module);
    // The tools of a go.mod have no source here.
    const recursive = group.packages !== undefined || !module.startsWith("go/");
    for (const file of readdirSync(dir, { recursive, encoding: "utf8" }).sort()) {
      if (/(\.go|go\.mod|go\.sum)$/.test(file) && (group.tests || !file.endsWith("_test.go"))) {
        hash.update(`${file}\n`).update(readFileSync(path.join(dir, file)));
      }
    }
  }
  return hash.digest("hex").slice(0, 16);
}

/** The arguments of `go build`. */
function packages(group: Pick<Group, "module" | "packages">): string[] {
  return group.packages ?? (group.module.startsWith("go/") ? ["tool"] : ["."]);
}

async function compile(name: GroupName, group: Group, target: string): Promise<void> {
  const settings = Object.entries(group.versions ?? {}).map(
    ([variable, value]) => `-X ${variable}=${value}`,
  );
  const cwd = path.join(repoRoot, "lab", group.module);
  const copies = mkdtempSync(`${target}.`);
  try {
    const patch = group.patch === undefined ? [] : await patched(group.patch, cwd, copies);
    const { code, stderr } = await run(
      "go",
      [
        ...(group.tests ? ["test", "-c", "-tags", "e2e"] : ["build"]),
        ...["-mod=readonly", "-buildvcs=false", "-trimpath", ...patch],
        ...["-ldflags", ["-s -w", ...settings].join(" ")],
        ...["-o", group.tests ? path.join(target, group.programs[0] ?? "") : `${target}/`],
        ...packages(group),
      ],
      {
        cwd,
        env: { ...process.env, CGO_ENABLED: group.cgo ? "1" : "0" },
        allowFailure: true,
      },
    );
    if (code !== 0) throw new Error(explain(name, stderr, group));
    for (const program of group.programs)
      addBallast(path.join(target, program), group.ballastMiB ?? 0);
  } finally {
    rmSync(copies, { recursive: true, force: true });
  }
}

/** Appends bytes to a program's file. They do not compress, and are the same in each build. */
export function addBallast(file: string, mebibytes: number): void {
  const cipher = createCipheriv("aes-256-ctr", Buffer.alloc(32), Buffer.alloc(16));
  const zeros = Buffer.alloc(2 ** 20);
  for (let i = 0; i < mebibytes; i++) appendFileSync(file, cipher.update(zeros));
}

/** Copies the module into a folder and patches the copy. Returns the arguments with which `go build` uses it. */
async function patched(patch: Patch, cwd: string, folder: string): Promise<string[]> {
  await run("go", ["mod", "download", patch.module], { cwd });
  const { stdout } = await run("go", ["list", "-m", "-f", "{{.Dir}}", patch.module], { cwd });
  const copy = path.join(folder, "module");
  // The module cache is read-only, and the copy must not be.
  await run("cp", ["-r", "--no-preserve=mode", stdout.trim(), copy]);
  const file = path.join(copy, patch.file);
  const text = readFileSync(file, "utf8");
  if (!text.includes(patch.old)) {
    throw new Error(
      `${patch.module} does not have what the lab's patch replaces: see lab/build.ts`,
    );
  }
  writeFileSync(file, text.replace(patch.old, patch.now));
  const modfile = path.join(folder, "go.mod");
  const original = readFileSync(path.join(cwd, "go.mod"), "utf8");
  writeFileSync(modfile, `${original}\nreplace ${patch.module} => ${copy}\n`);
  copyFileSync(path.join(cwd, "go.sum"), path.join(folder, "go.sum"));
  return [`-modfile=${modfile}`];
}

/** The sentence for a failed build: whether a download or the compiler failed, and Go's last words. */
export function explain(
  name: string,
  stderr: string,
  group: Pick<Group, "module" | "packages">,
): string {
  const lines = stderr
    .split("\n")
    .filter((line) => line.trim() !== "" && !line.startsWith("go: downloading "));
  const last = lines.at(-1)?.trim() ?? "no output";
  const download = lines.find((line) =>
    /dial tcp|no such host|i\/o timeout|40\d |50\d |TLS handshake|verifying module|proxyconnect/.test(
      line,
    ),
  );
  if (download) {
    return `A Go module for the lab's ${name} could not be downloaded: ${download.trim()}. Check the network and \`go env GOPROXY GOSUMDB\`.`;
  }
  return `Building the lab's ${name} failed: ${last}. Run \`go build ${packages(group).join(" ")}\` in lab/${group.module} to see all of it.`;
}

async function goVersion(): Promise<string> {
  const found = await run("go", ["env", "GOVERSION"]).catch(() => {
    throw new Error(
      "The lab builds its programs with Go, and there is no `go` on PATH: install Go 1.26.6 or newer.",
    );
  });
  return found.stdout.trim();
}
