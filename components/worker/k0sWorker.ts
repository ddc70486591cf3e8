import * as pulumi from "@pulumi/pulumi";
import { HostSize, wholeCpus } from "../host/hostSize";
import { asRoot, dispatch, fromJson, HostConnection, hostScript } from "../host/hostScript";
import { HostFacts, K0sController } from "../host/k0sHost";
import { ImageBundle } from "../host/k0sSettings";
import { binaryPhase, installPhase, registriesPhase } from "../host/k0sPhases";
import { renderScript } from "../host/shell";
import { Script } from "../host/sshSession";
import { Registries } from "../registry/registry";
import { leastWorkerMiB, Taint, taintText } from "./workerConfig";
import { WorkerNode } from "./workerNode";

/** How a worker is reached, which cluster it joins, and as what. */
export interface K0sWorkerArgs {
  /** The controller of the cluster: `controller` of a K0sHost with `joinable`. */
  controller: K0sController;
  /** The SSH connection, as root or as a user with passwordless sudo. */
  connection: pulumi.Input<HostConnection>;
  /** Stack and address of the worker. */
  owner: string;
  /** Address that the machine running Pulumi dials. Another one is refused: another machine needs another name. */
  host: string;
  /** Name of its node. */
  node: string;
  /** IPv4 address of the worker's interface. */
  nodeAddress: string;
  /** URL of the controller's API, as the worker reaches it. */
  apiServer: string;
  /** The worker's size, which the stack's budget counts on; a smaller machine is refused. */
  size: HostSize;
  /** Labels of its node. Defaults to none. */
  labels?: Record<string, string>;
  /** Taints of its node. Defaults to none. */
  taints?: Taint[];
  /** Another generation joins anew, as a rebuilt machine does. Defaults to 1. */
  generation?: number;
  /** The machine is gone, so a delete does not contact it: only its node goes. Defaults to false. */
  abandoned?: boolean;
  /** Ports at which the gateway answers on the worker itself, so that nothing else may. Defaults to none. */
  gatewayPorts?: number[];
  /** Release of k0s, that of the controller. */
  version: string;
  /** Where the worker downloads the binary; `%arch%` stands for amd64 or arm64. */
  url: string;
  /** The binary's digest in hexadecimal. By default the release's sha256sums.txt decides. */
  sha256?: string;
  /** The release's sha256sums.txt. */
  sumsUrl: string;
  /** Environment of k0s' service and its components. A change restarts k0s. Defaults to none. */
  environment?: Record<string, string>;
  /** How the worker reaches registries, by host. By default each by its name, with TLS and a usual CA. */
  registries?: Registries;
  /** Image archives for machines without a way to a registry. Defaults to none. */
  imageBundles?: ImageBundle[];
  /** Deadline for a ready node, in seconds. Defaults to 600. */
  readyTimeoutSeconds?: number;
  /** Deadline for its pods to end when it is drained, in seconds. Defaults to 330: Knative gives a pod up to 300. */
  drainTimeoutSeconds?: number;
}

/** k0s as a worker on a bare host: preflight, binary, installation, and its node in the cluster. */
export class K0sWorker extends pulumi.ComponentResource {
  /** The node takes pods once this is there. */
  public readonly node: WorkerNode;
  /** What preflight reports about the machine. */
  public readonly facts: pulumi.Output<HostFacts>;

  constructor(name: string, args: K0sWorkerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("knative-edge:index:K0sWorker", name, {}, opts);
    const { connection, controller, owner, version, abandoned = false } = args;
    const identity = `${owner}#${args.generation ?? 1}`;
    const own = { OWNER: identity, K0S_ROLE: "worker" };
    const install = workerInstallArguments(args);

    const preflight = hostScript(
      `${name}-preflight`,
      { connection, script: "preflight", variables: { ...own, ...preflightVariables(args) } },
      { parent: this },
    );
    const binary = binaryPhase(
      `${name}-binary`,
      { ...args, own },
      // A kubelet may not be newer than its API server: https://kubernetes.io/releases/version-skew-policy/#kubelet
      { parent: this, dependsOn: [preflight, controller.ready] },
    );
    const installed = installPhase(
      `${name}-install`,
      { ...args, own, install: install.join("\n") },
      { parent: this, dependsOn: binary },
    );
    const registries = registriesPhase(
      `${name}-registries`,
      { ...args, own },
      { parent: this, dependsOn: installed },
    );
    this.facts = fromJson(preflight);
    const machineId = this.facts.apply((facts) => facts.machineId);
    const leave = leaveVariables(args, machineId);
    const membership = hostScript(
      `${name}-membership`,
      {
        connection: controller.connection,
        script: "membership",
        undoScript: "drain",
        undoneOnDelete: true,
        variables: leave,
        triggers: [owner],
      },
      // With the cluster its nodes go too, and nobody has to make place for their pods.
      {
        parent: this,
        dependsOn: [installed, ...registries, controller.ready],
        deletedWith: controller.ready,
      },
    );
    this.node = new WorkerNode(
      `${name}-node`,
      {
        controller: controller.connection,
        worker: connection,
        facts: {
          node: args.node,
          host: args.host,
          generation: args.generation ?? 1,
          cluster: controller.identifier,
          k0sVersion: version,
          arguments: install.join(" "),
          labels: args.labels ?? {},
          taints: (args.taints ?? []).map(taintText),
        },
        scripts: nodeScripts(args, { ...own, INSTALL_ARGS: install.join("\n") }, leave),
        phases: [binary, installed, ...registries],
        abandoned,
      },
      { parent: this, dependsOn: membership },
    );
    this.registerOutputs({ facts: this.facts });
  }
}

/** The arguments of `k0s install worker`. */
export function workerInstallArguments({
  node,
  nodeAddress,
  environment = {},
}: Pick<K0sWorkerArgs, "node" | "nodeAddress" | "environment">): string[] {
  return [
    // k0s takes the node's name from here too (GetNodeName in its cmd/worker), and splits the text at blanks.
    `--kubelet-extra-args=--hostname-override=${node} --node-ip=${nodeAddress}`,
    ...Object.entries(environment).map(([name, value]) => `--env=${name}=${value}`),
  ];
}

function preflightVariables({
  nodeAddress,
  node,
  version,
  url,
  size,
  gatewayPorts = [],
}: K0sWorkerArgs): Record<string, string> {
  return {
    NODE_ADDRESS: nodeAddress,
    K0S_VERSION: version,
    HOST_CPUS: String(wholeCpus(size)),
    MIN_MEMORY_MIB: String(leastWorkerMiB),
    HOST_MEMORY_MIB: String(size.memoryMiB),
    GATEWAY_PORTS: gatewayPorts.join(" "),
    CLOCK_URL: url,
    CPUS_KEY: `workers.${node}.cpus`,
    MEMORY_KEY: `workers.${node}.memoryMiB`,
    ADDRESS_KEY: `workers.${node}.nodeAddress`,
  };
}

/** What drain.sh is told of a worker that leaves. */
function leaveVariables(
  { node, drainTimeoutSeconds = 330, abandoned = false }: K0sWorkerArgs,
  machineId: pulumi.Output<string>,
): Record<string, pulumi.Input<string>> {
  return {
    NODE: node,
    MACHINE_ID: machineId,
    DRAIN_TIMEOUT: String(drainTimeoutSeconds),
    LEAVES: "yes",
    ...(abandoned && { GONE: "yes" }),
  };
}

/** The scripts of the node with their variables, as the dynamic resource runs them. */
function nodeScripts(
  args: K0sWorkerArgs,
  own: Record<string, string>,
  leave: Record<string, pulumi.Input<string>>,
) {
  const script = (
    file: string,
    variables: Record<string, pulumi.Input<string>>,
    undoScript?: string,
  ) =>
    pulumi.output(variables).apply((values): Script => ({
      command: asRoot(undoScript === undefined ? "create" : "delete"),
      stdin: renderScript(values, dispatch(file, undoScript)),
    }));
  const { node } = args;
  const timeout = String(args.readyTimeoutSeconds ?? 600);
  return {
    admit: script("admit", {}),
    start: script("ready", { ...own, READY_TIMEOUT: timeout, API_SERVER: args.apiServer }),
    invalidate: script("invalidate", {}),
    admitPods: script("node", {
      NODE: node,
      NODE_ADDRESS: args.nodeAddress,
      LABELS: Object.entries(args.labels ?? {})
        .map(([key, value]) => `${key}=${value}`)
        .join("\n"),
      TAINTS: (args.taints ?? []).map(taintText).join("\n"),
      READY_TIMEOUT: timeout,
    }),
    drain: script("drain", { ...leave, LEAVES: "no" }),
    remove: script("drain", leave),
    look: script("state", own),
    reset: script("state", own, "delete"),
  };
}
