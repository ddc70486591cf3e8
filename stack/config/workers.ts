import { HostConfig, SshTarget } from "../../components/host/hostConfig";
import { HostSize } from "../../components/host/hostSize";
import { cidrsOverlap, isAddress, isInPool } from "../../components/metallb/pool";
import {
  leastWorkerMiB,
  Taint,
  TaintEffect,
  taintEffects,
  WorkerConfig,
} from "../../components/worker/workerConfig";
import { Check } from "../../lib/check";
import { isRecord } from "../../lib/json";
import { isTexts } from "./forms";
import { cpusProblem, hostKeyOf, hostNameProblem, isUserName, nodeAddressProblem } from "./host";
import { LoadBalancer } from "./loadBalancer";
import { Reader } from "./reader";

/** A worker as the configuration has it. */
export interface WorkerEntry {
  /** Name of the worker and of its node, of small letters, digits and `-`. Required. */
  name: string;
  /** IP address or DNS name, as the machine that runs Pulumi reaches it. Required. */
  host: string;
  /** The worker's public key, in a form of `sshHostKey`. Required unless acceptUnknownHostKey is true. */
  sshHostKey?: string;
  /** IPv4 address of its network interface. By default `host`, where that is an IPv4 address; required otherwise. */
  nodeAddress?: string;
  /** Port of its SSH server. Default 22. */
  sshPort?: number;
  /** User to log in as, with the stack's `sshPrivateKey`. Default `sshUser` of the stack. */
  sshUser?: string;
  /** Number of its CPUs, for the budget; a Kubernetes quantity such as `"1"` or `500m`. Required. */
  cpus: string | number;
  /** Its memory in MiB, for the budget, as `free -m` shows its total. Required. */
  memoryMiB: number;
  /** Labels of its node. */
  labels?: Record<string, string>;
  /** Taints of its node, each as `kubectl taint` writes it: `key=value:NoSchedule`. */
  taints?: string[];
  /** The way to it: `none`, `host` for the stack's host, or `stack` for the stack's jump host. Default `stack`. */
  jumpHost?: "none" | "host" | "stack";
  /** Raise it after the machine was rebuilt: it then joins anew. Default 1. */
  generation?: number;
  /** True: the machine is gone for good. After one `pulumi up` with it, remove the worker; nothing is asked of it. */
  abandon?: boolean;
}

const fields: Record<keyof WorkerEntry, true> = {
  name: true,
  host: true,
  sshHostKey: true,
  nodeAddress: true,
  sshPort: true,
  sshUser: true,
  cpus: true,
  memoryMiB: true,
  labels: true,
  taints: true,
  jumpHost: true,
  generation: true,
  abandon: true,
};

/** What workers share with the rest of a stack. */
interface Surroundings {
  host: HostConfig;
  loadBalancer: LoadBalancer;
  podCidr: string;
  serviceCidr: string;
}

/** Reads `workers`. What is wrong with one does not hide what is wrong with the next. */
export function readWorkers(read: Reader, around: Surroundings): WorkerConfig[] {
  const workers = read.list("workers").flatMap((value, index) => {
    const name = isRecord(value) && typeof value.name === "string" ? value.name : `[${index}]`;
    const check = read.below(name.startsWith("[") ? `workers${name}` : `workers.${name}`);
    if (!isRecord(value)) {
      check.add("", "a mapping with name, host, sshHostKey, cpus and memoryMiB was expected.");
      return [];
    }
    return [readWorker(check, value, read.boolean("acceptUnknownHostKey"), around)];
  });
  checkEach(read, workers, around);
  const nodes = 2 ** (24 - Number(around.podCidr.split("/")[1]));
  if (workers.length + 1 > nodes) {
    read.add(
      "podCidr",
      `${around.podCidr} has room for ${nodes} ${nodes === 1 ? "node" : "nodes"}, of which each takes a /24, and there are ` +
        `${workers.length + 1}; a larger network takes a rebuilt cluster.`,
    );
  }
  return workers;
}

function readWorker(
  check: Check,
  value: Record<string, unknown>,
  mayBeUnknown: boolean,
  { host: controller }: Surroundings,
): WorkerConfig {
  check.knownFields("", value, Object.keys(fields));
  check.wholeNumber("sshPort", value.sshPort, 1, 65535);
  check.wholeNumber("generation", value.generation, 1, 1_000_000);
  check.trueOrFalse("abandon", value.abandon);
  check.oneOf("jumpHost", value.jumpHost, ["none", "host", "stack"]);
  const address = readAddress(check, value.host);
  const user = value.sshUser ?? controller.user;
  if (typeof user !== "string" || !isUserName(user)) {
    check.add("sshUser", `${JSON.stringify(user)} is not a user name.`);
  }
  const given = value.sshHostKey;
  const key = hostKeyOf(given === undefined ? undefined : String(given), address, mayBeUnknown);
  if (key.problem !== undefined) {
    check.add("sshHostKey", key.problem);
  }
  const { privateKey, privateKeyPassphrase } = controller;
  return {
    name: readName(check, value.name),
    address,
    port: typeof value.sshPort === "number" ? value.sshPort : 22,
    user: String(user),
    privateKey,
    privateKeyPassphrase,
    hostKey: key.hostKey,
    nodeAddress: readNodeAddress(check, value.nodeAddress, address),
    jump: readJump(check, value.jumpHost, controller),
    size: readSize(check, value),
    labels: readLabels(check, value.labels),
    taints: readTaints(check, value.taints),
    generation: typeof value.generation === "number" ? value.generation : 1,
    abandoned: value.abandon === true,
  };
}

function readName(check: Check, name: unknown): string {
  // A node's name is its host name for pods, and a value of the label kubernetes.io/hostname.
  if (typeof name !== "string" || !/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name)) {
    check.add(
      "name",
      name === undefined
        ? "is not set; give the worker a name."
        : `${JSON.stringify(name)} is no name of a node; write small letters, digits and -, a letter first, at most 63.`,
    );
  }
  return String(name);
}

/** The place to dial; "" after a problem. */
function readAddress(check: Check, host: unknown): string {
  if (typeof host !== "string" || host.trim() === "") {
    check.add("host", "is not set; give the address at which SSH reaches the worker.");
    return "";
  }
  const problem = hostNameProblem(host.trim());
  if (problem !== undefined) {
    check.add("host", problem);
    return "";
  }
  return host.trim();
}

/** The address of the worker's interface; "" after a problem. */
function readNodeAddress(check: Check, given: unknown, host: string): string {
  const address = given ?? host;
  if (typeof address !== "string" || !isAddress(address)) {
    if (given !== undefined) {
      check.add("nodeAddress", `${JSON.stringify(given)} is not an IPv4 address.`);
    } else if (host !== "") {
      check.add(
        "nodeAddress",
        "is needed, since host is no IPv4 address; give the one of the worker's network interface.",
      );
    }
    return "";
  }
  const problem = nodeAddressProblem(address);
  if (problem !== undefined) {
    check.add("nodeAddress", problem);
    return "";
  }
  return address;
}

/** The SSH server on the way to a worker. */
function readJump(check: Check, way: unknown, controller: HostConfig): SshTarget | undefined {
  if (way === "none") {
    return undefined;
  }
  if (way !== "host") {
    return controller.jump;
  }
  if (controller.jump !== undefined) {
    check.add(
      "jumpHost",
      "the way over the stack's host has two jump hosts, of which one can be taken; write stack, if that reaches the worker.",
    );
  }
  const { address, port, user, privateKey, privateKeyPassphrase, hostKey } = controller;
  return { address, port, user, privateKey, privateKeyPassphrase, hostKey };
}

function readSize(check: Check, { cpus, memoryMiB }: Record<string, unknown>): HostSize {
  const text = typeof cpus === "number" ? String(cpus) : cpus;
  const problem =
    typeof text === "string" ? cpusProblem(text) : "is not set; give the worker's number of CPUs.";
  if (problem !== undefined) {
    check.add("cpus", problem);
  }
  if (memoryMiB === undefined) {
    check.add("memoryMiB", "is not set; give what `free -m` shows as the worker's total.");
  }
  check.wholeNumber("memoryMiB", memoryMiB, leastWorkerMiB, 1024 * 1024);
  return {
    cpus: problem === undefined ? String(text) : "1",
    memoryMiB: typeof memoryMiB === "number" ? memoryMiB : leastWorkerMiB,
  };
}

/** `prefix/name` with letters, digits, `-`, `_` and `.`, each part at most 63 (IsQualifiedName in k8s.io/apimachinery). */
const qualifiedName =
  /^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?$/;
const labelValue = /^([A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?)?$/;

function readLabels(check: Check, labels: unknown = {}): Record<string, string> {
  if (!isTexts(labels)) {
    check.add("labels", "a mapping of names to texts was expected; put values in quotes.");
    return {};
  }
  for (const [key, text] of Object.entries(labels)) {
    if (!qualifiedName.test(key) || !labelValue.test(text)) {
      check.add(`labels.${key}`, `"${text}" or this name is no label of Kubernetes.`);
    } else if (key === "kubernetes.io/hostname") {
      check.add(`labels.${key}`, "is the node's name, by which pods are spread; leave it out.");
    }
  }
  return labels;
}

function readTaints(check: Check, taints: unknown = []): Taint[] {
  if (!Array.isArray(taints)) {
    check.add("taints", "a list was expected, such as [gpu=yes:NoSchedule].");
    return [];
  }
  return taints.flatMap((text: unknown, index) => {
    const [, key = "", value = "", effect = ""] =
      /^([^=:]+)(?:=([^:]*))?:(\w+)$/.exec(String(text)) ?? [];
    const isTaint =
      qualifiedName.test(key) &&
      labelValue.test(value) &&
      taintEffects.includes(effect as TaintEffect);
    if (!isTaint) {
      check.add(
        `taints[${index}]`,
        `${JSON.stringify(text)} is no taint; write it like gpu=yes:NoSchedule, with one of ${taintEffects.join(", ")}.`,
      );
      return [];
    }
    return [{ key, value, effect: effect as TaintEffect }];
  });
}

/** That no two nodes are the same, and that none has an address that something else has. */
function checkEach(read: Reader, workers: WorkerConfig[], around: Surroundings): void {
  const { host, loadBalancer } = around;
  workers.forEach(({ name, address, port, nodeAddress }, index) => {
    const check = read.below(`workers.${name}`);
    const others = [host, ...workers.slice(0, index)];
    if (workers.slice(0, index).some((other) => other.name === name)) {
      check.add("name", "is given twice; each worker has a name of its own.");
    }
    if (
      address !== "" &&
      others.some((other) => other.address === address && other.port === port)
    ) {
      check.add("host", `${address} is another node of the stack already; give each machine once.`);
    } else if (nodeAddress !== "" && others.some((other) => other.nodeAddress === nodeAddress)) {
      check.add("nodeAddress", `${nodeAddress} is the address of another node of the stack.`);
    }
    if (nodeAddress === "") {
      return;
    }
    if (loadBalancer.kind === "metallb" && isInPool(loadBalancer.addresses, nodeAddress)) {
      check.add("nodeAddress", `${nodeAddress} is in loadBalancerPool; leave it out there.`);
    }
    for (const key of ["podCidr", "serviceCidr"] as const) {
      if (cidrsOverlap(around[key], `${nodeAddress}/32`)) {
        check.add("nodeAddress", `${nodeAddress} is in ${key} ${around[key]}, which is for pods.`);
      }
    }
  });
}
