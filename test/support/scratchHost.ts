import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { renderScript } from "../../components/host/shell";

const scripts = path.join(__dirname, "../../components/host/scripts");

// The only commands of this machine that a script under test can reach. Whatever acts on more than files is a fake.
const harmless =
  "sh awk cat chmod cmp cp curl cut date du env find grep head ls mkdir mktemp mv readlink rm rmdir sed sha256sum sort stat tail timeout touch tr true";

export interface ScriptResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** What the fake k0s, systemctl and others know is in files of this folder of the scratch root. */
const fakeFolder = "fake";

/**
 * A directory that stands in for a host's root, with fakes of systemctl, k0s, ip and so on, as strict as the real ones.
 * Nothing outside of it can be changed by a script that runs here.
 */
export class ScratchHost {
  readonly root = fs.mkdtempSync(path.join(os.tmpdir(), "knative-edge-host-"));
  private readonly bin = path.join(this.root, "fake-bin");

  constructor() {
    for (const name of harmless.split(" ")) {
      fs.mkdirSync(this.bin, { recursive: true });
      fs.symlinkSync(which(name), path.join(this.bin, name));
    }
    const real = (name: string): string => which(name);
    this.fake("uname", `case $1 in -m) cat $F/arch ;; -n) echo edge ;; -r) echo 6.1.0 ;; esac`);
    this.fake("nproc", "echo 1");
    this.fake("df", `echo head; echo "/dev/vda $(cat $F/disk) 10% /"`);
    this.fake("getent", "[ -e $F/localhost ]");
    this.fake("sleep", `exec ${real("sleep")} 0.02`);
    this.fake("journalctl", "cat $F/journal");
    this.fake("systemctl", systemctl);
    this.fake(
      "umount",
      `echo "umount $*" >>$F/log; for m; do :; done; sed -i "\\| $m |d" $R/proc/self/mounts`,
    );
    this.fake(
      "ip",
      `case "$*" in
      "-o link show") cat $F/links ;;
      "-o link show master kube-bridge") grep kube-bridge$ $F/links ;;
      "link show "*) grep -q " $3[:@]" $F/links ;;
      "link delete "*) sed -i "/ $3[:@]/d" $F/links ;;
      "-4 route flush proto 17") : >$F/routes ;;
      "-4 route show proto 17") cat $F/routes ;;
      *) exit 255 ;;
      esac`,
    );
    this.fake("iptables-save", "cat $F/rules");
    this.fake(
      "iptables-restore",
      `[ "$*" = "-w 10 --noflush" ] || exit 2; cat >$F/restored; : >$F/rules`,
    );
    this.fake("ipset", `case $1 in list) cat $F/sets ;; destroy) sed -i "/^$2$/d" $F/sets ;; esac`);

    this.write("fake/arch", "x86_64\n");
    this.write("fake/disk", "40000000 10000000 30000000");
    for (const name of ["localhost", "journal", "log", "links", "routes", "rules", "sets"])
      this.write(`fake/${name}`, "");
    this.write("fake/service", "ActiveState=inactive\nNRestarts=0\n");
    this.write("etc/os-release", 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n');
    this.write("etc/machine-id", "0123456789abcdef0123456789abcdef\n");
    this.write("proc/meminfo", "MemTotal:        2097152 kB\n");
    this.write("proc/net/tcp", "  sl  local_address rem_address   st\n");
    this.write("proc/net/fib_trie", trie(["127.0.0.1", "192.168.56.10", "10.0.2.15"]));
    this.write("proc/self/mounts", "/dev/vda / ext4 rw 0 0\n");
    this.write("sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids\n");
    for (const folder of ["run/systemd/system", "var/lib", "usr/local/bin", "etc/systemd/system"]) {
      fs.mkdirSync(this.path(folder), { recursive: true });
    }
  }

  path(file: string): string {
    return path.join(this.root, file);
  }

  write(file: string, content: string, mode = 0o644): void {
    fs.mkdirSync(path.dirname(this.path(file)), { recursive: true });
    fs.writeFileSync(this.path(file), content, { mode });
  }

  read(file: string): string {
    return fs.readFileSync(this.path(file), "utf8");
  }

  exists(file: string): boolean {
    return fs.existsSync(this.path(file));
  }

  remove(...files: string[]): void {
    for (const file of files) fs.rmSync(this.path(file), { recursive: true, force: true });
  }

  /** A command that the scripts find on their PATH. In it, $R is the scratch root and $F its folder of fakes' files. */
  fake(name: string, body: string): void {
    this.removeCommand(name);
    fs.writeFileSync(path.join(this.bin, name), this.script(body), { mode: 0o755 });
  }

  removeCommand(name: string): void {
    fs.rmSync(path.join(this.bin, name), { force: true });
  }

  /** A real command of this machine, by its path. */
  linkCommand(name: string): void {
    fs.symlinkSync(which(name), path.join(this.bin, name));
  }

  /** A process as /proc shows it. */
  process(
    pid: number,
    about: { comm: string; exe?: string; cgroup?: string; inode?: number },
  ): void {
    this.write(`proc/${pid}/comm`, `${about.comm}\n`);
    this.write(`proc/${pid}/cgroup`, `0::${about.cgroup ?? "/system.slice/other.service"}\n`);
    fs.symlinkSync(about.exe ?? "/usr/bin/other", this.path(`proc/${pid}/exe`));
    fs.mkdirSync(this.path(`proc/${pid}/fd`));
    if (about.inode !== undefined)
      fs.symlinkSync(`socket:[${about.inode}]`, this.path(`proc/${pid}/fd/3`));
  }

  /** The text of a k0s of this version that keeps to what the real one was seen to do. */
  k0s(version: string): string {
    return this.script(`VERSION=${version}\n${k0s}`);
  }

  /** Runs a phase as the component does: by stdin of `sh -s`, with the library before it. */
  async run(
    phase: string,
    variables: Record<string, string> = {},
    started: (pid: number) => void = () => undefined,
  ): Promise<ScriptResult> {
    const body = `${hostScriptText("lib")}\nundo() (\n${hostScriptText("delete")}\n)\ncase "\${1:-create}" in\n*)\n${hostScriptText(phase)}\n;;\nesac\n`;
    const stdin = renderScript({ KNATIVE_EDGE_ROOT: this.root, ...variables }, body);
    return this.sh(["-s", "create"], stdin, started);
  }

  /** Runs sh where only the fakes and harmless commands are to be found. */
  sh(
    args: string[],
    stdin: string,
    started: (pid: number) => void = () => undefined,
  ): Promise<ScriptResult> {
    const child = spawn(path.join(this.bin, "sh"), args, {
      env: { PATH: this.bin },
      stdio: "pipe",
    });
    started(child.pid ?? 0);
    // A script that ends early leaves the rest unread.
    child.stdin.on("error", () => undefined);
    child.stdin.end(stdin);
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
    child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
    return new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code) => resolve({ code, stdout, stderr }));
    });
  }

  /** Every file with its content, but for the fakes' and for what names a moment or an inode. */
  tree(): Record<string, string> {
    const files: Record<string, string> = {};
    for (const entry of fs.readdirSync(this.root, { recursive: true, withFileTypes: true })) {
      const file = path.relative(this.root, path.join(entry.parentPath, entry.name));
      if (/^(fake|proc|sys)|-(started|settled)$/.test(file)) continue;
      files[file] = entry.isFile() ? this.read(file) : "";
    }
    return files;
  }

  dispose(): void {
    fs.rmSync(this.root, { recursive: true, force: true });
  }

  private script(body: string): string {
    return `#!${which("sh")}\nR='${this.root}'\nF=$R/${fakeFolder}\n${body}\n`;
  }
}

/** A script of components/host/scripts. */
export function hostScriptText(name: string): string {
  return fs.readFileSync(path.join(scripts, `${name}.sh`), "utf8");
}

/** The kernel's table of addresses, /proc/net/fib_trie. */
function trie(addresses: string[]): string {
  return [
    "Main:",
    ...addresses.map((address) => `        |-- ${address}\n           /32 host LOCAL`),
    "",
  ].join("\n");
}

/** What the scripts can download by that this machine has. curl is there in any case, for a ScratchHost needs it. */
export const downloaders = ["curl", "wget"].filter((name) => onPath(name) !== undefined);

const found = new Map<string, string>();

function onPath(name: string): string | undefined {
  return (process.env.PATH ?? "")
    .split(":")
    .map((folder) => path.join(folder, name))
    .find((candidate) => fs.existsSync(candidate));
}

function which(name: string): string {
  const file = found.get(name) ?? onPath(name);
  if (file === undefined) throw new Error(`This test needs the command ${name}.`);
  found.set(name, file);
  return file;
}

const systemctl = `
echo "systemctl $*" >>$F/log
name=k0scontroller
case "$*" in *k0sworker*) name=k0sworker ;; esac
UNIT=$R/etc/systemd/system/$name.service
state() { printf 'ActiveState=%s\\nNRestarts=%s\\n' "$1" "$2" >$F/service; }
need_unit() { [ -e $UNIT ] || { echo "Failed: Unit file $name.service does not exist." >&2; exit 1; }; }
case $1 in
  show)
    cat $F/service
    # A service in a crash loop restarts between one look and the next.
    [ ! -e $F/crashes ] || state activating $(($(sed -n s/NRestarts=//p $F/service) + 1)) ;;
  restart) need_unit; [ ! -e $F/cannot-start ] || exit 1; state active 0; touch $F/status ;;
  enable) need_unit ;;
  disable) need_unit; state inactive 0; rm -f $F/status ;;
  reset-failed) need_unit ;;
  daemon-reload | kill) ;;
  *) exit 64 ;;
esac`;

const k0s = `
echo "k0s $*" >>$F/log
UNIT=$R/etc/systemd/system/k0scontroller.service
die() { echo "Error: $*" >&2; exit 1; }
valid() { ! grep -q nonsense "$1" || die 'failed to load node config: error unmarshaling JSON: while decoding JSON: json: unknown field "nonsense"'; }
# Each reading of next/NAME.1, next/NAME.2, ... until the last one, which stays.
next() {
  number=$(cat $F/$1.count 2>/dev/null || echo 0)
  [ ! -e $F/$1.$((number + 1)) ] || number=$((number + 1))
  echo $number >$F/$1.count
  cat $F/$1.$number
}
case "$*" in
  version) echo $VERSION ;;
  "config validate -c "*) valid "$4" ;;
  "install controller "*)
    valid $R/etc/k0s/k0s.yaml
    case "$*" in *--force*) ;; *) [ ! -e $UNIT ] || die "failed to install controller service: Init already exists: $UNIT" ;; esac
    shift 2
    echo "ExecStart=k0s controller $*" | sed "s/ --force//; s| $R/| /|" >$UNIT ;;
  "install worker "*)
    # Like k0s, it looks at nothing but its own unit.
    UNIT=$R/etc/systemd/system/k0sworker.service
    case "$*" in *--force*) ;; *) [ ! -e $UNIT ] || die "failed to install worker service: Init already exists: $UNIT" ;; esac
    shift 2
    echo "ExecStart=k0s worker $*" | sed "s/ --force//; s| $R/| /|" >$UNIT ;;
  status) [ -e $F/status ] || die 'status: can not get "status" via "/run/k0s/status.sock"' ;;
  "kubectl "*" get --raw=/readyz") next readyz ;;
  "kubectl "*" get nodes,"*) next cluster ;;
  "kubectl "*" get services "*) next services ;;
  "kubectl "*" get endpointslices,pods "*) next pods ;;
  "kubectl "*" patch -f - "*) cat >>$F/log; [ ! -e $F/patch-fails ] || exit 1 ;;
  "kubectl "*" delete --all-namespaces -l k0s.k0sproject.io/stack="*) [ ! -e $F/delete-fails ] || exit 1 ;;
  "kubeconfig admin") [ -e $F/status ] || die 'admin config "/var/lib/k0s/pki/admin.conf" not found, check if the control plane is initialized on this node'
    echo "kind: Config" ;;
  reset)
    ! grep -q =active $F/service || die "another k0s process is still running, please stop k0s before reset"
    [ ! -e $R/etc/k0s/k0s.yaml ] || valid $R/etc/k0s/k0s.yaml
    [ ! -e $F/reset-fails ] || die "failed to reset"
    rm -rf $R/var/lib/k0s $R/run/k0s $UNIT $R/etc/cni/net.d/10-kuberouter.conflist ;;
  *) die "unknown command $*" ;;
esac`;
