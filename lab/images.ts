/**
 * The lab's container images, as one archive for k0s' images directory. The programs are built from their own modules,
 * and have the paths and users of the released images.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { rootCertificates } from "node:tls";
import { conformancePrograms } from "./build";
import { debianFiles, envoyBinary, sha256 } from "./imagesFiles";
import { layer, writeArchive, type Entry, type Image } from "./imagesOci";
import { knativeVersion, metallbVersion } from "./versions";

/** Tags of the lab's images. lab/stack.yaml names the same. */
export const tags = {
  knative: `v${knativeVersion}`,
  kourier: `v${knativeVersion}`,
  envoy: "v1.40.0",
  metallb: metallbVersion,
  sample: "v1",
} as const;

/** An image with one static program: the file in the bin folder, and its path in the image. */
interface ProgramImage {
  names: string[];
  binary: string;
  target: string;
  user?: string;
  /** Capability of the file, which whoever runs it gets, also without being root. */
  capability?: Buffer;
}

const nonroot = "65532";

/** What `setcap cap_net_bind_service=+ep` writes: struct vfs_cap_data of linux/capability.h, revision 2. */
const netBindService = Buffer.from("0100000200040000".padEnd(40, "0"), "hex");

/** ko's layout, as in Knative's releases. */
function ko(repository: string, name: string, binary: string, tag: string): ProgramImage {
  return {
    names: [`registry.lab/${repository}/${name}:${tag}`],
    binary,
    target: `ko-app/${name}`,
    user: nonroot,
  };
}

const programImages: ProgramImage[] = [
  ...["activator", "autoscaler", "controller", "webhook", "queue", "default-domain"].map((name) =>
    ko("knative", name, `serving/${name}`, tags.knative),
  ),
  ko("kourier", "kourier", "kourier", tags.kourier),
  ...["controller", "speaker"].map((name) => ({
    names: [`registry.lab/metallb/${name}:${tags.metallb}`],
    binary: `metallb/${name}`,
    target: name,
  })),
  {
    // Two names, because Kubernetes always pulls `latest`, and there is no registry to pull it from.
    names: [
      `registry.lab/samples/helloworld-go:${tags.sample}`,
      "registry.lab/samples/helloworld-go:latest",
    ],
    binary: "hello",
    target: "ko-app/helloworld-go",
    user: nonroot,
  },
  ...["metrics-server", "cni-node"].map((name) => ({
    names: [`quay.io/k0sproject/${name}:lab`],
    binary: name,
    target: name,
  })),
  {
    // k0s' manifest needs it like CoreDNS' own image: not root, but with the right to listen on port 53.
    names: ["quay.io/k0sproject/coredns:lab"],
    binary: "coredns",
    target: "coredns",
    user: nonroot,
    capability: netBindService,
  },
  { names: ["registry.k8s.io/pause:3.10"], binary: "pause", target: "pause", user: "65535" },
];

/** Where the images are that conformance suites run, and their tag: the modules of upstream have folders of their own. */
export const conformanceImages = { repository: "registry.lab/conformance", tag: "v1" } as const;

/** What distroless/static has: certificates, user names, a folder for temporary files. */
const base: Entry[] = [
  {
    path: "etc/passwd",
    content:
      "root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n",
  },
  { path: "etc/group", content: "root:x:0:\nnobody:x:65534:\nnonroot:x:65532:\n" },
  { path: "etc/nsswitch.conf", content: "hosts: files dns\n" },
  { path: "etc/ssl/certs/ca-certificates.crt", content: `${rootCertificates.join("\n")}\n` },
  { path: "home/nonroot", directory: true },
  { path: "tmp", directory: true, mode: 0o1777 },
];

/**
 * Writes the archive of all images of a host, unless nothing of its contents has changed.
 * @param binDir folder of `buildAll`
 * @param outTar the archive. Its stamp is beside it
 * @throws when a program is missing, because `buildAll` did not run
 */
export async function buildBundle(
  binDir: string,
  outTar: string,
  progress: (line: string) => void = () => {},
): Promise<void> {
  const debian = await debianFiles(progress);
  const envoy = await envoyBinary(progress);
  const withDebian: [name: string, file: string][] = [
    ["quay.io/k0sproject/kube-proxy:lab", path.join(binDir, "kube-proxy")],
    [`registry.lab/kourier/envoy:${tags.envoy}`, envoy],
  ];
  await writeBundle({ binDir, outTar, progress }, programImages, { debian, images: withDebian });
}

/**
 * Writes the archive of the images that conformance suites run, as {@link buildBundle} does.
 * @param modules of upstream, whose suites are to run
 */
export function buildConformanceBundle(
  binDir: string,
  outTar: string,
  modules: ("networking" | "serving")[],
  progress: (line: string) => void,
): Promise<void> {
  const { repository, tag } = conformanceImages;
  const images = modules.flatMap((module) =>
    conformancePrograms(module).map((name) => ({
      ...ko("", name, `conformance/${module}/${name}`, tag),
      names: [`${repository}/${module}/${name}:${tag}`],
    })),
  );
  return writeBundle({ binDir, outTar, progress }, images);
}

interface Target {
  binDir: string;
  outTar: string;
  progress: (line: string) => void;
}

/** @param withDebian programs whose images have files of Debian too */
async function writeBundle(
  { binDir, outTar, progress }: Target,
  programs: ProgramImage[],
  withDebian: { debian: Entry[]; images: [name: string, file: string][] } = {
    debian: [],
    images: [],
  },
): Promise<void> {
  const files = [
    ...[...programs.map((image) => image.binary), "zstd"].map((name) => path.join(binDir, name)),
    ...withDebian.images.map(([, file]) => file),
  ];
  const missing = files.filter((file) => !existsSync(file)).map((file) => path.basename(file));
  if (missing.length > 0) {
    throw new Error(
      `The lab's images need ${missing.join(", ")} in ${binDir}: build the lab's programs first (npm run lab).`,
    );
  }
  const state = files.map((file) => {
    const { size, mtimeMs } = statSync(file);
    return [file, size, mtimeMs];
  });
  const stamp = sha256(JSON.stringify([state, programs, base, withDebian.debian, sourceOfThis()]));
  const stampFile = `${outTar}.stamp`;
  if (existsSync(outTar) && existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp) {
    progress("images: up to date");
    return;
  }

  const started = Date.now();
  mkdirSync(path.dirname(outTar), { recursive: true });
  const workshop = { dir: mkdtempSync(`${outTar}.`), zstd: path.join(binDir, "zstd") };
  try {
    const program = (file: string, target: string, capability?: Buffer) =>
      layer([{ path: target, file, size: statSync(file).size, mode: 0o755, capability }], workshop);
    const baseLayer = await layer(base, workshop);
    const debianLayer = await layer(withDebian.debian, workshop);
    const images: Image[] = [];
    for (const { names, binary, target, user, capability } of programs) {
      images.push({
        names,
        user,
        entrypoint: [`/${target}`],
        layers: [baseLayer, await program(path.join(binDir, binary), target, capability)],
      });
    }
    for (const [name, file] of withDebian.images) {
      const target = `usr/local/bin/${path.basename(file)}`;
      images.push({
        names: [name],
        entrypoint: [`/${target}`],
        layers: [baseLayer, debianLayer, await program(file, target)],
      });
    }
    await writeArchive(images, outTar);
    writeFileSync(stampFile, stamp);
    const mib = Math.round(statSync(outTar).size / 2 ** 20);
    progress(
      `images: ${images.length} images, ${mib} MiB, ${Math.round((Date.now() - started) / 1000)} s`,
    );
  } finally {
    rmSync(workshop.dir, { recursive: true, force: true });
  }
}

/** The code that makes the images is an input, too. */
function sourceOfThis(): string[] {
  return ["images.ts", "imagesOci.ts", "imagesFiles.ts"].map((name) =>
    sha256(readFileSync(path.join(__dirname, name), "utf8")),
  );
}
