/**
 * Lab hosts: real Debian systems with systemd and sshd, each in its own network namespace with its own address, booted
 * by systemd-nspawn. Nothing here prints.
 */
import { randomBytes } from "node:crypto";
import { spawn, type ChildProcess } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  openSync,
  closeSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import net from "node:net";
import path from "node:path";
import { createGroup, destroyGroup, groupIsEmpty, usesCgroupV1 } from "./cgroup";
import { ensureKeys, keygen, sshKeyFile } from "./keys";
import { bridgeUp, namespaceOf, plug, unplug } from "./network";
import { dirs, hostAddress, hostNumber } from "./paths";
import { run, waitFor, type RunOptions, type RunResult } from "./process";
import { baseTarball } from "./rootfs";
import { onlineCpus, pickCpus, referenceSize, writeSize, type HostSize } from "./size";
import { keepKernelSettings } from "./sysctl";

/** What a client of a host must know. */
export interface HostFacts {
  name: string;
  /** IPv4 address, reachable from this machine. */
  address: string;
  /** Public host key, `ssh-ed25519 AAAA...`. */
  hostKey: string;
  machineId: string;
  size: HostSize;
  running: boolean;
}

/** The end of the name of a removed host's folder. An interruption can leave a part of the folder. */
const gone = ".gone";

/** Names of the hosts that this lab has, running or not. */
export function hostNames(): string[] {
  if (!existsSync(dirs.hosts)) return [];
  return readdirSync(dirs.hosts)
    .filter((name) => !name.endsWith(gone))
    .filter((name) => existsSync(path.join(dirs.hosts, name, "host.json")))
    .sort((a, b) => hostNumber(a) - hostNumber(b));
}

/** Whether processes of the host run. */
export function isUp(name: string): boolean {
  return !groupIsEmpty(namespaceOf(name));
}

/** A host's address and identity. Throws when there is no such host. */
export function hostFacts(name: string): HostFacts {
  const dir = path.join(dirs.hosts, name);
  if (!existsSync(path.join(dir, "host.json"))) {
    throw new Error(
      `There is no lab host ${name}: make it with \`npm run lab -- host up ${name}\`.`,
    );
  }
  const read = (file: string) => readFileSync(path.join(dir, file), "utf8").trim();
  return {
    name,
    address: hostAddress(name),
    hostKey: read("rootfs/etc/ssh/ssh_host_ed25519_key.pub").split(" ").slice(0, 2).join(" "),
    machineId: read("rootfs/etc/machine-id"),
    size: JSON.parse(read("host.json")) as HostSize,
    running: isUp(name),
  };
}

/**
 * Boots a host and waits until it answers SSH and systemd has finished starting. A host that is off keeps its disk. A
 * host that answers is left alone.
 * @param size declared size. By default that of the last boot, or at first 1 CPU and 1536 MiB, enforced
 * @param progress called with a line at each slow step
 */
export async function bootHost(
  name: string,
  size: Partial<HostSize> = {},
  progress: (line: string) => void = () => undefined,
): Promise<HostFacts> {
  const dir = path.join(dirs.hosts, name);
  // A crash or a vanished network can leave processes that do not answer. They end below, and the host boots.
  if (isUp(name) && (await sshAnswers(hostAddress(name)))) return hostFacts(name);
  const before = existsSync(path.join(dir, "host.json")) ? hostFacts(name).size : referenceSize;
  const declared = { ...before, ...size };
  keepKernelSettings();
  await bridgeUp();
  await createDisk(name, progress);
  writeFileSync(path.join(dir, "host.json"), JSON.stringify(declared));
  writeSize(
    path.join(dir, "rootfs"),
    declared,
    pickCpus(onlineCpus(), declared.cpus, hostNumber(name)),
  );
  await destroyGroup(namespaceOf(name));
  await plug(name);
  if (declared.hardCap) await forgetPages(path.join(dir, "rootfs"));
  const guest = startGuest(name, declared);
  try {
    await waitFor(
      () => {
        if (guest.exitCode !== null) throw new Error(`Host ${name} went down while it booted`);
        return sshAnswers(hostAddress(name));
      },
      180,
      () => `Host ${name} does not answer SSH after 180 s`,
    );
    // Exit code 1 means "degraded": one of the guest's services failed, such as a k0s that was cut off.
    await sshExec(name, "systemctl is-system-running --wait >/dev/null || true");
  } catch (error) {
    await powerOff(name);
    throw new Error(`${(error as Error).message}: see ${consoleLog(name)}.`);
  }
  return hostFacts(name);
}

/** Switches a host off at once, like a power cut. Its disk stays. Does nothing if it is off. */
export async function powerOff(name: string): Promise<void> {
  await destroyGroup(namespaceOf(name));
  await unplug(name);
}

/** Switches a host off and removes everything of it. Does nothing if there is no such host. */
export async function removeHost(name: string): Promise<void> {
  await powerOff(name);
  const dir = path.join(dirs.hosts, name);
  const remains = dir + gone;
  rmSync(remains, { recursive: true, force: true });
  if (!existsSync(dir)) return;
  // Renamed first, because a half-removed disk would count as a whole one.
  renameSync(dir, remains);
  rmSync(remains, { recursive: true, force: true });
}

/**
 * Replaces a host by an empty one at the same address, with a new disk, host key and machine-id. Keeps the size by
 * default.
 */
export async function wipeHost(name: string, size: Partial<HostSize> = {}): Promise<HostFacts> {
  const before = hostFacts(name).size;
  await removeHost(name);
  return bootHost(name, { ...before, ...size });
}

/** Arguments with which the OpenSSH client reaches a host as `user`, and accepts only that host's key. */
export function sshArgs(name: string, user = "root"): string[] {
  const options = [
    `IdentityFile=${sshKeyFile}`,
    "IdentitiesOnly=yes",
    `UserKnownHostsFile=${path.join(dirs.hosts, name, "known_hosts")}`,
    "GlobalKnownHostsFile=/dev/null",
    "StrictHostKeyChecking=yes",
    "LogLevel=ERROR",
    "ConnectTimeout=10",
  ];
  return ["-F", "/dev/null", ...options.flatMap((o) => ["-o", o]), `${user}@${hostAddress(name)}`];
}

/** Runs a shell command on a host over SSH. Throws when it exits non-zero, unless `allowFailure`. */
export async function sshExec(
  name: string,
  command: string,
  options: RunOptions & { user?: string } = {},
): Promise<RunResult> {
  return run("ssh", ["-o", "BatchMode=yes", ...sshArgs(name, options.user), command], options);
}

/** Makes the host's disk from the base system, with an identity of its own, if there is no disk. */
async function createDisk(name: string, progress: (line: string) => void): Promise<void> {
  const dir = path.join(dirs.hosts, name);
  const root = path.join(dir, "rootfs");
  if (existsSync(root)) return;
  const tarball = await baseTarball(progress);
  await ensureKeys();
  const scratch = path.join(dir, "rootfs.new");
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(scratch, { recursive: true });
  await run("tar", ["-C", scratch, "--numeric-owner", "-xpf", tarball]);
  const write = (file: string, content: string) => writeFileSync(path.join(scratch, file), content);
  write("etc/machine-id", `${randomBytes(16).toString("hex")}\n`);
  write("etc/hostname", `${name}\n`);
  write("etc/hosts", `127.0.0.1 localhost\n::1 localhost\n${hostAddress(name)} ${name}\n`);
  // No name server listens at the host's address. The closed port refuses at once, so look-ups fail fast. It must not
  // be 127.0.0.1, because CoreDNS gets this file too, and would ask itself. (nat.ts writes another file.)
  write("etc/resolv.conf", `nameserver ${hostAddress(name)}\noptions timeout:1 attempts:1\n`);
  const hostKey = path.join(scratch, "etc/ssh/ssh_host_ed25519_key");
  await keygen(hostKey, name);
  const publicKey = readFileSync(`${sshKeyFile}.pub`, "utf8");
  for (const [home, owner] of [
    ["root", "0:0"],
    ["home/edge", "1000:1000"],
  ] as const) {
    const ssh = path.join(scratch, home, ".ssh");
    mkdirSync(ssh, { recursive: true, mode: 0o700 });
    writeFileSync(path.join(ssh, "authorized_keys"), publicKey, { mode: 0o600 });
    await run("chown", ["-R", owner, ssh]);
  }
  const hostKeyLine = readFileSync(`${hostKey}.pub`, "utf8").split(" ").slice(0, 2).join(" ");
  writeFileSync(path.join(dir, "known_hosts"), `${hostAddress(name)} ${hostKeyLine}\n`);
  chmodSync(dir, 0o700);
  renameSync(scratch, root);
}

/**
 * Drops a disk's files from the machine's memory. The kernel charges a page to the group that first read or wrote it,
 * and the lab wrote the disk from outside: these pages would not count as the host's. No other host uses these files.
 */
async function forgetPages(root: string): Promise<void> {
  await run("sync", ["-f", root]);
  // With a count of 0, dd reads nothing, and tells the kernel to drop the whole file.
  const drop = 'for file; do dd if="$file" iflag=nocache count=0 status=none; done';
  await run("find", [
    root,
    "-xdev",
    "-type",
    "f",
    "-size",
    "+16k",
    "-exec",
    "sh",
    "-c",
    drop,
    "sh",
    "{}",
    "+",
  ]);
}

function consoleLog(name: string): string {
  return path.join(dirs.hosts, name, "console.log");
}

function startGuest(name: string, size: HostSize): ChildProcess {
  const dir = path.join(dirs.hosts, name);
  const group = namespaceOf(name);
  const joins = createGroup(group, {
    cpus: pickCpus(onlineCpus(), size.cpus, hostNumber(name)),
    memoryMiB: size.hardCap ? size.memoryMiB : undefined,
  });
  const nspawn = [
    "--quiet",
    "--boot",
    `--directory=${path.join(dir, "rootfs")}`,
    `--machine=${group}`,
    `--hostname=${name}`,
    "--register=no",
    "--keep-unit",
    `--network-namespace-path=/run/netns/${group}`,
    "--resolv-conf=off",
    "--timezone=off",
    "--link-journal=no",
    "--private-users=no",
    "--capability=all",
    // The guest may not set the machine's clock or load modules.
    "--drop-capability=CAP_SYS_TIME,CAP_SYS_MODULE",
    "--system-call-filter=@known",
    "--bind=/dev/kmsg",
  ];
  const log = openSync(consoleLog(name), "w", 0o600);
  // The shell joins the control groups before it starts the guest, so that none of its processes is ever outside.
  const join = 'while [ "$1" != -- ]; do echo $$ >"$1" || exit 1; shift; done; shift; exec "$@"';
  const child = spawn("sh", ["-c", join, "sh", ...joins, "--", "systemd-nspawn", ...nspawn], {
    detached: true,
    stdio: ["ignore", log, log],
    env: {
      PATH: process.env.PATH,
      SYSTEMD_NSPAWN_API_VFS_WRITABLE: "yes",
      ...(usesCgroupV1() ? { SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: "0" } : {}),
    },
  });
  closeSync(log);
  child.unref();
  return child;
}

/** Whether sshd greets at the address. */
async function sshAnswers(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host: address, port: 22, timeout: 2000 });
    const done = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("data", (data) => done(data.toString().startsWith("SSH-")));
    socket.once("error", () => done(false));
    socket.once("timeout", () => done(false));
    socket.once("close", () => done(false));
  });
}
