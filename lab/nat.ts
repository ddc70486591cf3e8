/**
 * The way out for lab hosts that pull images: the machine forwards what they send, under its own address (NAT). A host
 * then reaches the internet as any other machine does, and the program needs no setting for it.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { which } from "./checks";
import { sshExec } from "./host";
import { dirs, network, type LabNetwork } from "./paths";
import { run } from "./process";
import { keepKernelSettings } from "./sysctl";

/** Whether the machine forwards packets at all, and whether it forwards those from the lab's bridge. */
const ipForward = "/proc/sys/net/ipv4/ip_forward";
const forwarding = `/proc/sys/net/ipv4/conf/${network.id}/forwarding`;

/** Rules of iptables by table and chain. They go before all other rules, which may drop these packets. */
function rules({ id, subnet }: LabNetwork): [table: string, chain: string, rule: string][] {
  return [
    ["filter", "FORWARD", `-i ${id} ! -o ${id} -j ACCEPT`],
    ["filter", "FORWARD", `-o ${id} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`],
    ["nat", "POSTROUTING", `-s ${subnet} ! -o ${id} -j MASQUERADE`],
  ];
}

/**
 * Opens the way out, and gives a host that is up the machine's name servers.
 * @throws one sentence, when the host still cannot reach a registry
 */
export async function giveWayOut(host: string): Promise<void> {
  await natUp();
  const [resolvConf, resolved] = ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"].map(
    textOf,
  );
  const lines = nameServers(resolvConf, resolved).map((address) => `nameserver ${address}\n`);
  writeFileSync(path.join(dirs.hosts, host, "rootfs/etc/resolv.conf"), lines.join(""));
  const { code, stderr } = await sshExec(
    host,
    "curl --silent --show-error --max-time 10 --output /dev/null https://quay.io/v2/",
    { allowFailure: true },
  );
  if (code !== 0) throw new Error(`host ${host} cannot reach quay.io (${stderr.trim()})`);
}

/** Opens the way out for all hosts of this lab. The bridge must be up, and iptables on PATH. */
export async function natUp(): Promise<void> {
  keepKernelSettings();
  if (readFileSync(ipForward, "utf8").trim() === "0") writeFileSync(ipForward, "1");
  writeFileSync(forwarding, "1");
  for (const [table, chain, rule] of rules(network)) {
    if (!(await iptables(table, "-C", chain, rule))) await iptables(table, "-I", chain, rule, true);
  }
}

/** Closes it. Nothing happens if it is not open. */
export async function natDown(): Promise<void> {
  if (existsSync(forwarding)) writeFileSync(forwarding, "0");
  if (!which("iptables")) return;
  for (const [table, chain, rule] of rules(network)) await iptables(table, "-D", chain, rule);
}

/** Runs iptables, and returns whether it succeeded. With `must`, a failure throws. */
async function iptables(
  table: string,
  action: string,
  chain: string,
  rule: string,
  must = false,
): Promise<boolean> {
  const args = ["-w", "-t", table, action, chain, ...rule.split(" ")];
  return (await run("iptables", args, { allowFailure: !must })).code === 0;
}

/**
 * Name servers that a host can ask, from the machine's resolv.conf. A server at a loopback address answers the machine
 * alone; in its place come those that systemd-resolved asks.
 * @param resolvConf text of /etc/resolv.conf
 * @param resolved text of the file in which systemd-resolved writes its own name servers
 */
export function nameServers(resolvConf = "", resolved = ""): string[] {
  const reachable = (text: string): string[] =>
    [...text.matchAll(/^nameserver\s+(\S+)/gm)]
      .map(([, address = ""]) => address)
      // Hosts have no IPv6.
      .filter((address) => !/^127\.|:/.test(address));
  const own = reachable(resolvConf);
  return own.length > 0 ? own : reachable(resolved);
}

function textOf(file: string): string {
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}
