import { sshExec } from "../../lab/host";

/** What a host has, by kind: what a destroy must leave as it was. */
export type HostSnapshot = Record<string, string[]>;

// What changes by itself on any Debian that runs: logs, machine state, and the session that looks.
const volatile =
  "-path /var/log/journal -o -path /var/lib/systemd -o -path /var/log/wtmp -o -path /var/log/lastlog " +
  "-o -path /var/log/btmp -o -path '/var/tmp/systemd-private-*' -o -path /root/.ssh";

const rulesOf = (save: string): string =>
  `${save} 2>/dev/null | sed -n -e 's/^-A/-A/p' -e 's/^\\(:[^ ]*\\) - .*/\\1/p' || true`;

const questions: Record<string, string> = {
  files: `find /etc /opt /root /srv /usr /var \\( ${volatile} \\) -prune -o -print`,
  runtimeFiles:
    "ls -d /run/k0s /run/containerd /run/flannel /run/calico /run/netns/* 2>/dev/null || true",
  processes:
    "ps -e -o args= --ppid 2 -p 2 --deselect | grep -v -e sshd -e '(sd-pam)' -e 'systemd --user' -e '^ps ' -e '^sh -c' -e '^sort' -e '^bash -c' -e grep || true",
  mounts: "awk '{ print $2, $3 }' /proc/self/mounts | grep -v '^/run/user/'",
  // Not /sys/class/net, which in a container is the outer machine's.
  links: "ip -br link | awk '{ print $1 }' | cut -d @ -f 1",
  // Rules and chains; looking makes the empty tables themselves.
  rules: rulesOf("iptables-save"),
  rules6: rulesOf("ip6tables-save"),
  // The kernel's own of an interface come with its addresses, some after a while.
  routes: "ip rule; ip route show table all | grep -v ' dev \\(eth0\\|nat[01]\\) .*proto kernel'",
  sets: "ipset list -n 2>/dev/null || true",
  users: "cut -d: -f1 /etc/passwd",
  groups: "cut -d: -f1 /etc/group",
  units:
    "systemctl list-unit-files --no-legend --plain | awk '{ print $1 }'; systemctl list-units --failed --no-legend --plain | awk '{ print $1, \"failed\" }'",
  cgroups: "find /sys/fs/cgroup -maxdepth 2 -type d -name 'kubepods*'",
};

/** Takes stock of a host, over one SSH connection. */
export async function hostSnapshot(host: string): Promise<HostSnapshot> {
  const script = Object.entries(questions)
    .map(([kind, question]) => `echo '== ${kind}'\n{ ${question}\n} | sort -u`)
    .join("\n");
  const { stdout } = await sshExec(host, script);
  const snapshot: HostSnapshot = {};
  let lines: string[] = [];
  for (const line of stdout.split("\n")) {
    if (line.startsWith("== ")) snapshot[line.slice(3)] = lines = [];
    else if (line !== "") lines.push(line);
  }
  return snapshot;
}

/** What is on a host now and was not before, as `kind: thing`. */
export function leftOver(before: HostSnapshot, after: HostSnapshot): string[] {
  return Object.entries(after).flatMap(([kind, things]) =>
    things.filter((thing) => !before[kind]?.includes(thing)).map((thing) => `${kind}: ${thing}`),
  );
}
