import { Registries } from "../../components/registry/registry";
import { AllowedChange, allowedChanges } from "../../components/host/changeGuards";
import { HostSize } from "../../components/host/hostSize";
import { ColdStart } from "../../components/knative/service/coldStart";
import { ConfiguredService } from "../../components/knative/service/configuredService";
import { NamespaceTraits } from "../../components/knative/namespaceTraits";
import { hasPlainUrls } from "../../components/knative/service/serviceSpec";
import { suggestion } from "../../lib/nearest";
import { Problem } from "../../lib/problem";
import { UserError } from "../../lib/userError";
import { WorkerConfig } from "../../components/worker/workerConfig";
import { SeveralNodes, severalNodesSettings } from "../resources/severalNodes";
import { SingleNodeTweaks } from "../resources/singleNodeTweaks";
import { readSchema } from "./schema";
import { readApiEndpoint, readHost, readHostSize } from "./host";
import { HostConfig } from "../../components/host/hostConfig";
import { readK0s } from "./k0s";
import { K0sConfig } from "../../components/host/k0sSettings";
import { KnativeConfig, readKnative } from "./knative";
import { LoadBalancer, readLoadBalancer } from "./loadBalancer";
import { readNamespaces } from "./namespaces";
import { Reader } from "./reader";
import { readImageMirrors, readRegistries } from "./registries";
import { checkReleases, readManifestsDir } from "./releases";
import { readColdStart, readOneNode, readSeveralNodes } from "./resources";
import { readServiceSecrets } from "./serviceSecrets";
import { checkNames, readServices, withFeatures } from "./services";
import { readTls } from "./tls";
import { readWorkers } from "./workers";
import { TlsConfig } from "../../components/tls/tlsConfig";

/** The whole configuration of a stack, checked, with every default filled in. */
export interface EdgeConfig {
  host: HostConfig;
  /** URL at which the machine running Pulumi reaches the Kubernetes API. */
  apiEndpoint: string;
  /** What the budget is made for. */
  hostSize: HostSize;
  /** Consents to changes that lose data or may not work, see components/host/changeGuards.ts. */
  allow: AllowedChange[];
  /** Raised for each rebuild of the host. */
  hostGeneration: number;
  /** The host is gone: nothing is asked of it any more. */
  abandonHost: boolean;
  /** Go on where the budget says that the host has no room. */
  allowOvercommit: boolean;
  k0s: K0sConfig;
  loadBalancer: LoadBalancer;
  knative: KnativeConfig;
  /** Which measures for a single node are on. */
  oneNode: SingleNodeTweaks;
  /** Nodes beside the host. */
  workers: WorkerConfig[];
  /** How long a worker's pods may take to end when it is drained, in seconds. */
  drainTimeoutSeconds: number;
  /** Which measures for several nodes are on; none without workers. */
  severalNodes: SeveralNodes;
  /** Which measures for a shorter cold start are on. */
  coldStart: ColdStart;
  /** Image name prefix to replacement. */
  imageMirrors: Record<string, string>;
  /** How registries are reached, by host. */
  registries: Registries;
  /** Whether services run by the digests that registries give for their images' tags. */
  resolveDigests: boolean;
  /** Quota and priority of the services' namespaces, by namespace. */
  namespaces: Record<string, NamespaceTraits>;
  /** HTTPS; absent: services answer by HTTP alone. */
  tls?: TlsConfig;
  /** Directory with release folders; absent: releases are downloaded. */
  manifestsDir?: string;
  /** Knative Services by name, the sample `hello` among them unless switched off. */
  services: Record<string, ConfiguredService>;
}

/** A configuration that cannot be used. Its message lists every problem with its key; none holds a secret's value. */
export class ConfigError extends UserError {
  /** One sentence each: `knative-edge:<key>: what is wrong; what to do.` */
  public readonly problems: string[];

  constructor(problems: Problem[]) {
    const { project } = readSchema();
    const lines = problems.map(({ key, message }) => `${project}:${key}: ${message}`);
    super(
      `The configuration has ${lines.length === 1 ? "a problem" : `${lines.length} problems`}:\n${lines.join("\n")}`,
    );
    this.problems = lines;
  }
}

/**
 * Reads and checks a stack's configuration as a whole.
 * @param raw Values as the engine hands them out: texts, and JSON for arrays and objects; by key without the project's
 * name. An absent key or "" stands for the default in Pulumi.yaml.
 * @param encrypted Keys that are secrets in the stack's file; where given, a secret in plain text is a problem, and so is
 * another key among them.
 * @throws ConfigError with all problems.
 */
export function readConfig(
  raw: Record<string, string>,
  encrypted?: ReadonlySet<string>,
): EdgeConfig {
  const read = new Reader(raw);
  read.unknownKeys();
  if (encrypted !== undefined) {
    read.plainSecrets(encrypted);
    read.hiddenOthers(encrypted);
  }
  const host = readHost(read);
  const hostSize = readHostSize(read);
  const loadBalancer = readLoadBalancer(read, host.nodeAddress);
  // With nodeIp the address is known already, and the Job would wait for one in the Service's status, which nobody sets.
  const knative = readKnative(
    read,
    loadBalancer.kind === "nodeIp" ? `${host.nodeAddress}.sslip.io` : undefined,
  );
  const secrets = {
    byService: readServiceSecrets(read, encrypted),
    key: `knative-edge ${host.privateKey}`,
  };
  const namespaces = readNamespaces(read);
  const { services, features } = readServices(
    read,
    knative.configMaps,
    { secrets, namespaces },
    hasPlainUrls(knative) ? knative.domain : undefined,
  );
  const { policy } = knative.resources;
  const k0s = readK0s(read, hostSize);
  const workers = readWorkers(read, { host, loadBalancer, ...k0s });
  const severalNodes = readSeveralNodes(read, policy, workers.length, k0s.version);
  const tls = readTls(read, { knative, services }, encrypted);
  const config: EdgeConfig = {
    host,
    apiEndpoint: readApiEndpoint(read, host.address),
    hostSize,
    allow: readAllow(read),
    hostGeneration: read.integer("hostGeneration", 1, 1_000_000),
    abandonHost: read.boolean("abandonHost"),
    allowOvercommit: read.boolean("allowOvercommit"),
    k0s: { ...k0s, ...severalNodesSettings(severalNodes, k0s) },
    workers,
    drainTimeoutSeconds: read.integer("drainTimeoutSeconds", 10, 7200),
    severalNodes,
    loadBalancer,
    knative: { ...knative, configMaps: withFeatures(knative.configMaps, features) },
    oneNode: readOneNode(read, policy, workers.length),
    coldStart: readColdStart(read, policy),
    imageMirrors: readImageMirrors(read),
    registries: readRegistries(read, encrypted),
    resolveDigests: read.boolean("resolveDigests"),
    manifestsDir: readManifestsDir(read),
    services,
    namespaces,
    ...(tls && { tls }),
  };
  checkReleases(read, config);
  if (hasPlainUrls(knative)) {
    checkNames(read, config.services, knative.domain);
  }
  if (read.problems.length > 0) {
    throw new ConfigError(read.problems);
  }
  return config;
}

function readAllow(read: Reader): AllowedChange[] {
  const known = Object.keys(allowedChanges);
  return read.list("allow").map((name) => {
    if (typeof name !== "string" || !known.includes(name)) {
      read.add(
        "allow",
        `there is no ${JSON.stringify(name)} to allow; ${suggestion(String(name), known)}`,
      );
    }
    return name as AllowedChange;
  });
}
