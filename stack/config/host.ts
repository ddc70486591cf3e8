import { isIP } from "node:net";
import { HostSize, leastMemoryMiB } from "../../components/host/hostSize";
import { isAddress, specialUse } from "../../components/metallb/pool";
import { hasLogin } from "../../lib/login";
import { parseQuantity } from "../../lib/quantity";
import { readSchema } from "./schema";
import { parseHostKeys, privateKeyProblem } from "../../components/host/sshKey";
import { isDnsName } from "./forms";
import { Reader } from "./reader";
import { SshTarget, HostConfig } from "../../components/host/hostConfig";

/** Reads how the host is reached: `host`, `nodeAddress`, and the keys of `ssh…` and `jump…`. */
export function readHost(read: Reader): HostConfig {
  const address = readHostName(read, "host", "give the address at which SSH reaches the host.");
  const given = read.text("nodeAddress");
  if (given === undefined && address !== "" && !isAddress(address)) {
    read.add(
      "nodeAddress",
      "is needed, since host is no IPv4 address; give the one of the host's network interface.",
    );
  }
  const nodeAddress = readNodeAddress(read, given ?? address);
  const mayBeUnknown = read.boolean("acceptUnknownHostKey");
  const target = {
    address,
    port: read.integer("sshPort", 1, 65535),
    user: readUser(read, "sshUser"),
    ...readPrivateKey(read, "sshPrivateKey", "give the private key to log in with."),
    hostKey: readHostKey(read, "sshHostKey", address, mayBeUnknown),
  };
  return { ...target, nodeAddress, jump: readJump(read, target, mayBeUnknown) };
}

/** The address of the host's interface. "" after a problem, so that what follows from it is not reported as well. */
function readNodeAddress(read: Reader, address: string): string {
  const key = "nodeAddress";
  if (!isAddress(address)) {
    if (read.text(key) !== undefined) {
      read.add(key, `"${address}" is not an IPv4 address.`);
    }
    return "";
  }
  const problem = nodeAddressProblem(address);
  if (problem !== undefined) {
    read.add(key, problem);
    return "";
  }
  return address;
}

/** Why an IPv4 address cannot be that of a machine's network interface; undefined where it can. */
export function nodeAddressProblem(address: string): string | undefined {
  const use = specialUse(`${address}/32`);
  return use && `${address} is a ${use} address; give the one of the host's network interface.`;
}

/** Reads `hostCpus` and `hostMemoryMiB`. */
export function readHostSize(read: Reader): HostSize {
  const cpus = read.text("hostCpus") ?? "";
  const problem = cpusProblem(cpus);
  if (problem !== undefined) {
    read.add("hostCpus", problem);
  }
  return { cpus, memoryMiB: read.integer("hostMemoryMiB", leastMemoryMiB, 1024 * 1024) };
}

/** Why a text is no number of a host's CPUs; undefined for a good one. */
export function cpusProblem(cpus: string): string | undefined {
  // Other quantities, such as 1Gi, count no CPUs.
  if (!/^\d+(\.\d+)?m?$/.test(cpus)) {
    return `"${cpus}" is no number of CPUs; write it like 1, 2 or 500m.`;
  }
  return parseQuantity(cpus) <= 0n
    ? `${cpus} is no host; write its number of CPUs like 1, 2 or 500m.`
    : undefined;
}

/** Reads `apiEndpoint`; by default port 6443 of `host`. */
export function readApiEndpoint(read: Reader, host: string): string {
  const given = read.text("apiEndpoint");
  if (given === undefined) {
    return `https://${isIP(host) === 6 ? `[${host}]` : host}:6443`;
  }
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url?.protocol !== "https:" || url.href !== `${url.origin}/` || /\s/.test(given)) {
    read.add(
      "apiEndpoint",
      `${hasLogin(given) ? "this" : `"${given}"`} is not an https URL of a host alone; write it like https://edge.example.com:6443.`,
    );
  }
  return given;
}

function readJump(read: Reader, host: SshTarget, mayBeUnknown: boolean): SshTarget | undefined {
  if (read.text("jumpHost") === undefined) {
    const others = Object.keys(readSchema().keys).filter(
      (name) => name.startsWith("jump") && name !== "jumpHost",
    );
    read.unused(others, "does nothing without jumpHost; set that, or unset this.");
    return undefined;
  }
  const address = readHostName(read, "jumpHost", "give its address.");
  const own = read.text("jumpPrivateKey") !== undefined;
  if (!own && read.text("jumpPrivateKeyPassphrase") !== undefined) {
    read.add(
      "jumpPrivateKeyPassphrase",
      "does nothing without jumpPrivateKey; set that, or unset this.",
    );
  }
  const { privateKey, privateKeyPassphrase } = own
    ? readPrivateKey(read, "jumpPrivateKey", "")
    : host;
  return {
    address,
    port: read.integer("jumpPort", 1, 65535),
    user: readUser(read, "jumpUser"),
    privateKey,
    privateKeyPassphrase,
    hostKey: readHostKey(read, "jumpHostKey", address, mayBeUnknown),
  };
}

/** An address or name; "" after a problem. */
function readHostName(read: Reader, key: string, what: string): string {
  const address = read.requiredText(key, what).trim();
  const problem = address === "" ? undefined : hostNameProblem(address);
  if (problem !== undefined) {
    read.add(key, problem);
    return "";
  }
  return address;
}

/** Why a text is no place to dial by SSH; undefined for a good one. */
export function hostNameProblem(address: string): string | undefined {
  // Four numbers that are no IPv4 address would pass as a name and fail much later.
  const isName = isDnsName(address) && !/^[\d.]+$/.test(address);
  if (isIP(address) === 0 && !isName) {
    return `"${address}" is not an IP address or DNS name; write only that, without user, port or path.`;
  }
  const use = isAddress(address) ? specialUse(`${address}/32`) : undefined;
  const isNobody =
    use === "multicast" ||
    use === "reserved" ||
    (isIP(address) === 6 && /^(::$|ff)/i.test(address));
  return isNobody
    ? `${address} is not the address of one host; give that at which SSH reaches it.`
    : undefined;
}

function readUser(read: Reader, key: string): string {
  const user = read.text(key) ?? "";
  if (!isUserName(user)) {
    read.add(key, `"${user}" is not a user name.`);
  }
  return user;
}

/** True for the name of a user of a Linux machine. */
export function isUserName(text: string): boolean {
  return /^[A-Za-z_][\w.-]*$/.test(text);
}

function readPrivateKey(
  read: Reader,
  key: string,
  what: string,
): Pick<SshTarget, "privateKey" | "privateKeyPassphrase"> {
  const passphraseKey = `${key}Passphrase`;
  const privateKey = read.requiredText(key, what);
  const privateKeyPassphrase = read.text(passphraseKey);
  const problem =
    privateKey === ""
      ? undefined
      : privateKeyProblem(privateKey, privateKeyPassphrase, passphraseKey);
  if (problem !== undefined) {
    read.add(key, problem);
  }
  return { privateKey, privateKeyPassphrase };
}

function readHostKey(
  read: Reader,
  key: string,
  address: string,
  mayBeUnknown: boolean,
): string | undefined {
  const { hostKey, problem } = hostKeyOf(read.text(key), address, mayBeUnknown);
  if (problem !== undefined) {
    read.add(key, problem);
  }
  return hostKey;
}

/** The host key in a text of the configuration, and what is wrong with that. */
export function hostKeyOf(
  text: string | undefined,
  address: string,
  mayBeUnknown: boolean,
): { hostKey?: string; problem?: string } {
  const remedy = `run \`ssh-keyscan -t ed25519 ${address || "<host>"}\` over a network you trust and give its line`;
  if (text === undefined) {
    return mayBeUnknown
      ? {}
      : { problem: `is not set; ${remedy}, or set acceptUnknownHostKey to true.` };
  }
  const keys = parseHostKeys(text);
  if (keys === undefined || keys.length === 0) {
    return { problem: `is not an SSH host key; ${remedy}.` };
  }
  // ssh-keyscan without -t prints a key of each type, and any server still supported has one of Ed25519.
  const ed25519 = keys.filter((found) => found.startsWith("ssh-ed25519 "));
  const [hostKey, ...others] = ed25519.length > 0 ? ed25519 : keys;
  const problem = `has ${others.length + 1} keys, of which the host has one; ${remedy} alone.`;
  return { hostKey, ...(others.length > 0 && { problem }) };
}
