/** What the lab needs of the machine, checked before anything is done. */
import { existsSync, readdirSync, readFileSync, statfsSync } from "node:fs";
import path from "node:path";
import { cacheDir, labDir } from "./paths";
import { run } from "./process";

/**
 * What the lab needs commands for: hosts, builds of what cannot be downloaded, the hosts' way out to the internet, and a
 * registry with its certificates and passwords.
 */
export type Need = "hosts" | "builds" | "nat" | "registry";

/** The commands for each need, with the Debian package that has each. Debian's Go is too old. */
const commands: Readonly<Record<Need, readonly { command: string; debian?: string }[]>> = {
  hosts: [
    { command: "debootstrap", debian: "debootstrap" },
    { command: "systemd-nspawn", debian: "systemd-container" },
    { command: "ip", debian: "iproute2" },
    { command: "ssh", debian: "openssh-client" },
    { command: "ssh-keygen", debian: "openssh-client" },
  ],
  builds: [
    { command: "go" },
    { command: "gcc", debian: "build-essential" },
    { command: "python3", debian: "python3" },
    { command: "pip", debian: "python3-pip" },
  ],
  nat: [{ command: "iptables", debian: "iptables" }],
  registry: [
    { command: "openssl", debian: "openssl" },
    { command: "perl", debian: "perl-base" },
  ],
};

/** Disk space in MiB that a first build takes, with Go's caches. */
const coldBuildMiB = 12 * 1024;

/** sudo sets a PATH of its own, which seldom has Go and Node.js. */
const withSudo = '`sudo env "PATH=$PATH" npm run lab`';

/** The command's file in the first folder of `PATH` that has it. Folders under `except` do not count. */
export function which(command: string, except?: string): string | undefined {
  return (process.env.PATH ?? "")
    .split(path.delimiter)
    .filter((dir) => dir && !(except && path.resolve(dir).startsWith(except)))
    .map((dir) => path.join(dir, command))
    .find((file) => existsSync(file));
}

/** What the checks look at. */
export interface Machine {
  platform: string;
  arch: string;
  root: boolean;
  /** Whether it is root by sudo. */
  sudo: boolean;
  has: (command: string) => boolean;
  debian: boolean;
  /** Free space on the disk of the user's cache, where builds go. */
  freeMiB: number;
  /** Whether this checkout or another one has made the long builds. */
  built: boolean;
}

/** The machine this runs on. */
export function thisMachine(): Machine {
  const cache = cacheDir();
  const { bavail, bsize } = statfsSync(nearestFolder(cache));
  return {
    platform: process.platform,
    arch: process.arch,
    root: process.getuid?.() === 0,
    sudo: process.env.SUDO_USER !== undefined,
    has: (command) => which(command) !== undefined,
    debian: which("apt-get") !== undefined,
    freeMiB: Math.floor((bavail * bsize) / 2 ** 20),
    built:
      existsSync(path.join(labDir, "downloads", "images.tar")) ||
      // The last of the long builds.
      (existsSync(cache) && readdirSync(cache).some((name) => name.startsWith("serving-"))),
  };
}

/** The folder itself, or the nearest above it that exists. */
function nearestFolder(dir: string): string {
  return existsSync(dir) ? dir : nearestFolder(path.dirname(dir));
}

/** Why the lab cannot run on a machine at all, in one sentence with the remedy, or undefined. */
export function judgePlace({ platform, arch, root }: Machine): string | undefined {
  if (platform !== "linux") {
    return `The lab boots Linux hosts and runs on Linux only, not on ${platform}: use a Linux machine or VM.`;
  }
  if (arch !== "x64") {
    return `The lab has its parts for x86_64 only, not for ${arch}: use such a machine.`;
  }
  if (!root) {
    return `The lab makes network namespaces and boots hosts, which takes root: run ${withSudo}.`;
  }
  return undefined;
}

/**
 * What a machine lacks for a need: a problem in one sentence with the remedy, or the Debian packages to install (often
 * none).
 */
export function judge(machine: Machine, need: Need): { problem?: string; install: string[] } {
  const problem = (text: string) => ({ problem: text, install: [] });
  const place = judgePlace(machine);
  if (place) return problem(place);
  const missing = commands[need].filter(({ command }) => !machine.has(command));
  const others = missing.filter(({ debian }) => !debian || !machine.debian);
  if (others.length > 0) {
    const names = others.map(({ command }) => command).join(", ");
    const many = others.length > 1;
    return problem(
      `The lab needs ${names}, which ${many ? "are" : "is"} not on PATH: install ${many ? "them" : "it"}` +
        `${names.includes("go") ? " (Go: https://go.dev/doc/install)" : ""} and run it again` +
        (machine.sudo ? `; if ${many ? "they are" : "it is"} on yours, ${withSudo}.` : "."),
    );
  }
  if (need === "builds" && !machine.built && machine.freeMiB < coldBuildMiB) {
    return problem(
      `The lab's first build takes ${coldBuildMiB / 1024} GiB of disk and ${Math.floor(machine.freeMiB / 1024)} GiB are free: make room.`,
    );
  }
  return { install: [...new Set(missing.flatMap(({ debian }) => debian ?? []))] };
}

/** Checks the machine for a need. Installs missing Debian packages and says so. Throws the problem. */
export async function prepareMachine(need: Need, progress: (line: string) => void): Promise<void> {
  const { problem, install } = judge(thisMachine(), need);
  if (problem) throw new Error(problem);
  if (install.length > 0) {
    progress(`apt-get install ${install.join(" ")}`);
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    // A machine that has just booted may be upgrading itself.
    const patient = ["-o", "DPkg::Lock::Timeout=600"];
    await run("apt-get", [...patient, "update"], { env });
    await run("apt-get", [...patient, "install", "-y", "--no-install-recommends", ...install], {
      env,
    });
  }
  if (need === "hosts") await loadModules();
}

/** Loads kernel modules, which hosts cannot do. Does nothing if they are built in, or there is no modprobe. */
async function loadModules(): Promise<void> {
  const builtIn = readFileSync("/proc/filesystems", "utf8").includes("overlay");
  if (builtIn && !which("modprobe")) return;
  await run("modprobe", ["-a", "overlay", "br_netfilter", "veth"], { allowFailure: true }).catch(
    () => undefined,
  );
}
