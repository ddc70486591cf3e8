/** The base system of every lab host: Debian 12 with systemd and sshd, made once and cached. */
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  writeFileSync,
  symlinkSync,
} from "node:fs";
import path from "node:path";
import { cacheDir } from "./paths";
import { run } from "./process";
import { sizeUnit } from "./size";

const suite = "bookworm";
const mirror = "http://deb.debian.org/debian";
const packages = [
  ..."systemd systemd-sysv dbus openssh-server sudo ca-certificates curl procps kmod".split(" "),
  ..."iproute2 iptables ipset conntrack ethtool socat runc".split(" "),
];

/**
 * Units that a guest must not run. They would change the machine around it, whose kernel it shares, or wait for a
 * console, or look for package updates that it cannot reach.
 */
const masked = [
  ..."systemd-sysctl systemd-modules-load systemd-udevd systemd-udev-trigger systemd-pstore".split(
    " ",
  ),
  ..."getty@tty1 console-getty getty-static e2scrub_reap systemd-binfmt systemd-networkd-wait-online".split(
    " ",
  ),
].map((unit) => `${unit}.service`);
const maskedOther = [
  ..."apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer".split(
    " ",
  ),
  ..."proc-sys-fs-binfmt_misc.automount sys-kernel-debug.mount sys-kernel-tracing.mount".split(" "),
];

/** nspawn mounts the controllers of cgroup v1 read-only, but a kubelet must write to them. */
const cgroupsUnit = `[Unit]
Description=Make the cgroup v1 controllers writable
DefaultDependencies=no
Before=sysinit.target
ConditionPathIsMountPoint=/sys/fs/cgroup/memory

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=sh -c 'for c in /sys/fs/cgroup/*/; do mount -o remount,bind,rw "$$c"; done'

[Install]
WantedBy=sysinit.target
`;

const files: Record<string, string> = {
  "etc/ssh/sshd_config.d/lab.conf":
    "HostKey /etc/ssh/ssh_host_ed25519_key\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n",
  "etc/sudoers.d/edge": "edge ALL=(ALL) NOPASSWD: ALL\n",
  // The guest must not keep the machine's kernel log.
  "etc/systemd/journald.conf.d/lab.conf": "[Journal]\nReadKMsg=no\nStorage=persistent\n",
  "etc/fstab": "",
  "etc/systemd/system/lab-size.service": sizeUnit,
  "etc/systemd/system/lab-cgroups.service": cgroupsUnit,
};

/** Folders that are removed. Nobody reads them, and they are a third of the tarball. */
const unneeded =
  "usr/share/doc usr/share/man usr/share/locale usr/share/info var/lib/apt/lists var/cache/apt";

/**
 * The tarball of the base system. debootstrap makes it on first use, in about a minute; then the user's cache has it.
 */
export function baseTarball(progress: (line: string) => void): Promise<string> {
  // Images and hosts need it at the same time.
  return (tarball ??= makeTarball(progress));
}

let tarball: Promise<string> | undefined;

async function makeTarball(progress: (line: string) => void): Promise<string> {
  const recipe = JSON.stringify([suite, mirror, packages, masked, maskedOther, files, unneeded]);
  const key = createHash("sha256").update(recipe).digest("hex").slice(0, 12);
  const tarball = path.join(cacheDir(), `rootfs-${suite}-${key}.tar`);
  if (existsSync(tarball)) return tarball;
  progress(`debootstrap of Debian ${suite}`);
  mkdirSync(cacheDir(), { recursive: true });
  const scratch = mkdtempSync(`${tarball}.`);
  try {
    const root = path.join(scratch, "root");
    await run(
      "debootstrap",
      ["--variant=minbase", `--include=${packages.join(",")}`, suite, root, mirror],
      { env: { ...process.env, ...(await aptProxy()) } },
    );
    await customize(root);
    await run("tar", ["-C", root, "--numeric-owner", "-cf", `${scratch}/base.tar`, "."]);
    renameSync(`${scratch}/base.tar`, tarball);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return tarball;
}

async function customize(root: string): Promise<void> {
  for (const dir of unneeded.split(" "))
    rmSync(path.join(root, dir), { recursive: true, force: true });
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), content);
  }
  await run("chmod", ["0440", path.join(root, "etc/sudoers.d/edge")]);
  await run("chroot", [root, "useradd", "--create-home", "--shell", "/bin/bash", "edge"]);
  await run("systemctl", [`--root=${root}`, "enable", "--quiet", "lab-size", "lab-cgroups"]);
  for (const unit of [...masked, ...maskedOther]) {
    const link = path.join(root, "etc/systemd/system", unit);
    rmSync(link, { force: true });
    symlinkSync("/dev/null", link);
  }
  for (const pattern of [
    "etc/ssh/ssh_host_*",
    "etc/machine-id",
    "var/lib/dbus/machine-id",
    "var/log/*.log",
  ]) {
    await run("sh", ["-c", `rm -f "$1"/${pattern}`, "sh", root]);
  }
}

/** The environment with apt's proxy, if apt has one. debootstrap only uses the environment's. */
async function aptProxy(): Promise<NodeJS.ProcessEnv> {
  if (process.env.http_proxy) return {};
  const shell = await run("apt-config", ["shell", "PROXY", "Acquire::http::Proxy"], {
    allowFailure: true,
  }).catch(() => undefined);
  const proxy = /^PROXY='(.+)'/.exec(shell?.stdout ?? "")?.[1];
  return proxy ? { http_proxy: proxy } : {};
}
