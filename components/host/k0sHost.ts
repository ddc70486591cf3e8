import * as pulumi from "@pulumi/pulumi";
import { AllowedChange, StackIdentity } from "./changeGuards";
import { ImageBundle } from "./k0sSettings";
import { k0sInstallArguments } from "./k0sConfig";
import { freeMemoryMiB, HostSize, leastMemoryMiB, wholeCpus } from "./hostSize";
import { expiryWarning, rewriteKubeconfig } from "../cluster/kubeconfig";
import { fromJson, HostConnection, hostScript } from "./hostScript";
import { ObservedHost, HostState } from "./hostState";
import { Registries } from "../registry/registry";
import { kubernetesMinor } from "./kubernetesMinor";
import { binaryPhase, installPhase, registriesPhase } from "./k0sPhases";
import { warnOfStack } from "../cluster/warning";

/** How the host is reached, whose it is, and what k0s is installed there. */
export interface K0sHostArgs {
  /** The SSH connection, as root or as a user with passwordless sudo. */
  connection: pulumi.Input<HostConnection>;
  /** Stack and address. Another one replaces the installation: the old host is reset, then the new one installed. */
  owner: string;
  /** What the stack is built on. Another hostGeneration reinstalls k0s, and every object in the cluster with it. */
  facts: StackIdentity;
  /** The changes that may lose data, by their names in components/host/changeGuards.ts. Defaults to none. */
  allow?: AllowedChange[];
  /** The host is gone, so a delete of the installation does not contact it. Defaults to false. */
  abandoned?: boolean;
  /** IPv4 address of the host's interface. */
  nodeAddress: string;
  /** The host's size, which the stack's budget counts on; a smaller host is refused. */
  hostSize: HostSize;
  /** Memory in MiB that must be free before k0s is installed. Defaults to freeMemoryMiB of components/host/hostSize.ts. */
  freeMemoryMiB?: number;
  /** Ports at which the gateway answers on the host itself, so that nothing else may; none with a load balancer, and by default. */
  gatewayPorts?: number[];
  /** URL by which the machine that runs Pulumi reaches the Kubernetes API, for instance https://192.168.56.10:6443. Defaults to port 6443 of nodeAddress. */
  apiEndpoint?: string;
  /** Release of k0s, for instance v1.35.7+k0s.0. */
  version: string;
  /** Text of k0s.yaml. Partial, without a storage block: see renderK0sConfig. */
  k0sYaml: string;
  /** Where the host downloads the binary; `%arch%` stands for amd64 or arm64. */
  url: string;
  /** The binary's digest in hexadecimal. By default the release's sha256sums.txt decides. */
  sha256?: string;
  /** The release's sha256sums.txt. */
  sumsUrl: string;
  /** Components that k0s leaves out: `k0s controller --disable-components`. Defaults to none. */
  disabledComponents?: string[];
  /** Environment of k0s' service and its components: `k0s install --env`. A change restarts k0s. Defaults to none. */
  environment?: Record<string, string>;
  /** How the host reaches registries, by host. By default each by its name, with TLS and a usual CA. */
  registries?: Registries;
  /** Image archives for hosts without a way to a registry. Defaults to none. */
  imageBundles?: ImageBundle[];
  /** Deadline for a ready node, and after a restart for DNS, in seconds. Defaults to 600. */
  readyTimeoutSeconds?: number;
  /**
   * Services that keep their endpoints while k0s restarts, as namespace/name: those that requests pass. Up to Kubernetes 1.34
   * they would have none for a moment; later ones are left alone. Defaults to none.
   */
  steadyServices?: string[];
  /** Whether workers may join. A single node becomes a controller for workers, and back, in place. Defaults to false. */
  joinable?: boolean;
}

/** The machine, as preflight.sh reports it. */
export interface HostFacts {
  arch: string;
  os: string;
  kernel: string;
  cpus: number;
  memoryMiB: number;
  machineId: string;
  hostname: string;
}

/** The controller of a cluster: where its administrator's commands run, and what comes after it. */
export interface K0sController {
  connection: pulumi.Input<HostConnection>;
  /** Stays the same as long as the cluster does. */
  identifier: string;
  /** It is there once k0s runs as it should. Its deletion takes the cluster with it. */
  ready: pulumi.Resource;
}

/** What ready.sh reports. */
interface ReadyAnswer {
  seconds: Record<string, number>;
  state: ObservedHost;
}

/**
 * k0s on a bare host, which is controller and node: preflight, binary, configuration, installation, readiness, kubeconfig.
 *
 * Installation and readiness are different resources. A failed create leaves nothing in the state, but a destroy must
 * still reset a host that never became ready.
 */
export class K0sHost extends pulumi.ComponentResource {
  /** The controller, for {@link k0sCluster} and for the workers that join. */
  public readonly controller: K0sController;
  /** Admin kubeconfig with the server that the machine running Pulumi reaches. Secret. */
  public readonly kubeconfig: pulumi.Output<string>;
  /** What preflight reports about the host. */
  public readonly facts: pulumi.Output<HostFacts>;
  /** Seconds from the start of k0s to each check of ready.sh. */
  public readonly readySeconds: pulumi.Output<Record<string, number>>;

  constructor(name: string, args: K0sHostArgs, opts?: pulumi.ComponentResourceOptions) {
    super("knative-edge:index:K0sHost", name, {}, opts);
    const { connection } = args;
    const identity = `${args.owner}#${args.facts.hostGeneration}`;
    const own = { OWNER: identity };
    const install = k0sInstallArguments(args).join("\n");

    const preflight = hostScript(
      `${name}-preflight`,
      {
        connection,
        script: "preflight",
        variables: {
          OWNER: identity,
          NODE_ADDRESS: args.nodeAddress,
          K0S_VERSION: args.version,
          HOST_CPUS: String(wholeCpus(args.hostSize)),
          MIN_MEMORY_MIB: String(leastMemoryMiB),
          HOST_MEMORY_MIB: String(args.hostSize.memoryMiB),
          FREE_MEMORY_MIB: String(args.freeMemoryMiB ?? freeMemoryMiB),
          GATEWAY_PORTS: (args.gatewayPorts ?? []).join(" "),
          CLOCK_URL: args.url,
        },
      },
      { parent: this },
    );
    const binary = binaryPhase(
      `${name}-binary`,
      { ...args, own },
      { parent: this, dependsOn: preflight },
    );
    const configured = hostScript(
      `${name}-config`,
      { connection, script: "config", variables: { OWNER: identity, K0S_YAML: args.k0sYaml } },
      { parent: this, dependsOn: binary },
    );
    const installed = installPhase(
      `${name}-install`,
      { ...args, own, install },
      { parent: this, dependsOn: configured },
    );
    const registries = registriesPhase(
      `${name}-registries`,
      { ...args, own },
      { parent: this, dependsOn: installed },
    );
    const ready = hostScript(
      `${name}-ready`,
      {
        connection,
        script: "ready",
        variables: {
          // The script does not read these. They make a change of host, version or configuration run it and restart k0s.
          OWNER: identity,
          K0S_VERSION: args.version,
          K0S_YAML: args.k0sYaml,
          INSTALL_ARGS: install,
          READY_TIMEOUT: String(args.readyTimeoutSeconds ?? 600),
          STEADY_SERVICES: isSteady(args.version) ? "" : (args.steadyServices ?? []).join(" "),
        },
      },
      // Without customTimeouts: they bound only pulumi-command's dialling, and the script has its own deadline.
      { parent: this, dependsOn: [installed, ...registries] },
    );
    const told = fromJson<ReadyAnswer>(ready);
    const state = new HostState(
      `${name}-state`,
      {
        connection,
        facts: args.facts,
        allow: args.allow ?? [],
        settled: told.apply((answer) => answer.state),
        phases: [binary, configured, installed, ...registries, ready],
      },
      { parent: this },
    );
    const kubeconfig = hostScript(
      `${name}-kubeconfig`,
      { connection, script: "kubeconfig", secretOutput: true, triggers: [identity] },
      {
        parent: this,
        dependsOn: state,
        // A second run would make the output unknown in a preview. With an unknown provider configuration the engine
        // shows every object in the cluster as changed.
        ignoreChanges: ["create", "update", "stdin"],
      },
    );

    this.kubeconfig = pulumi.secret(
      kubeconfig.stdout.apply(async (text) => {
        const warning = expiryWarning(text, new Date());
        if (warning !== undefined) {
          await warnOfStack(warning);
        }
        return rewriteKubeconfig(
          text,
          args.apiEndpoint ?? `https://${args.nodeAddress}:6443`,
          identity,
        );
      }),
    );
    this.controller = { connection, identifier: identity, ready: state };
    this.facts = fromJson(preflight);
    this.readySeconds = told.apply(({ seconds }) => seconds);

    this.registerOutputs({ kubeconfig: this.kubeconfig, facts: this.facts });
  }
}

/**
 * Whether kubelet takes a pod for as ready as before when it restarts: gate ChangeContainerStatusOnKubeletRestart, off by
 * default from Kubernetes 1.35 on (pkg/features/kube_features.go).
 */
function isSteady(version: string): boolean {
  return (kubernetesMinor(version) ?? 0) >= 35;
}
