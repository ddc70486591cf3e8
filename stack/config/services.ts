import { NamespaceTraits, priorityClassName } from "../../components/knative/namespaceTraits";
import { admitService, readService } from "../../components/knative/admission/serviceAdmission";
import { Feature } from "../../components/knative/admission/features";
import { KubernetesObject } from "../../components/cluster/kubernetesObject";
import { withTemplateSpec } from "../../components/cluster/workloads";
import { ConfiguredService, probePath } from "../../components/knative/service/configuredService";
import { checkService, isTakenNamespace } from "../../components/knative/service/serviceChecks";
import { knativeService, withSpec } from "../../components/knative/service/serviceObject";
import {
  ServiceEntry,
  ServiceSpec,
  TrafficTarget,
} from "../../components/knative/service/serviceSpec";
import { withFiles } from "../../components/knative/service/serviceFiles";
import { ServiceSecrets, withSecrets } from "../../components/knative/service/serviceSecrets";
import { isRecord } from "../../lib/json";
import { suggestion } from "../../lib/nearest";
import { Problem } from "../../lib/problem";
import { asResourceList } from "../../lib/resources";
import { UserError } from "../../lib/userError";
import { domainProblem } from "./knative";
import { checkNamespaces } from "./namespaces";
import { Reader } from "./reader";
import { readDocument, serviceOfDocument } from "../../components/knative/service/serviceFile";
import { isScore, scoreService } from "../../components/knative/score/scoreService";

/** The services of a stack, and what Knative must be told for them. */
export interface Services {
  services: Record<string, ConfiguredService>;
  /** Flags of config-features that the services need, and that nobody set. */
  features: Feature[];
}

/** What the operator says of services outside of `services`. */
export interface ServiceTraits {
  /** By service, and the key of their digests. */
  secrets: { byService: Record<string, ServiceSecrets>; key: string };
  namespaces: Record<string, NamespaceTraits>;
}

type ConfigMaps = Record<string, Record<string, string>>;

/**
 * Reads `services`, and adds the sample unless `sample` is off.
 * @param configMaps What the user sets in Knative's ConfigMaps: by it Knative admits services.
 * @param traits Secrets by service, and what is said of namespaces.
 * @param domain The stack's; undefined where the cluster decides it.
 */
export function readServices(
  read: Reader,
  configMaps: ConfigMaps,
  { secrets, namespaces }: ServiceTraits,
  domain?: string,
): Services {
  const given = read.mapping("services");
  const sample = read.boolean("sample");
  if (sample && "hello" in given) {
    read.add("services.hello", "the sample has this name; take another, or set sample to false.");
  }
  const services: Record<string, ConfiguredService> = {};
  const features = new Set<Feature>();
  for (const [name, value] of Object.entries({
    ...(sample && { hello: sampleService }),
    ...given,
  })) {
    const before = read.problems.length;
    checkService(read.below(`services.${name}`), name, value);
    checkSecrets(read, name, value, secrets.byService[name]);
    checkDomains(read, name, value);
    // What Knative makes of it is no news where the fields themselves are wrong.
    const entry = read.problems.length > before ? undefined : (value as ServiceEntry);
    const own = secrets.byService[name];
    const given = [entry?.env, entry?.files, own?.variables, own?.files].flatMap((each) =>
      Object.keys(each ?? {}),
    );
    const written = entry && serviceObject(read, name, entry, { configMaps, given });
    if (entry === undefined || written === undefined) {
      continue;
    }
    checkSecretFiles(read, name, written.files, own);
    if (read.problems.length > before) {
      continue;
    }
    const bare = withPriority(written.object, namespaces);
    const filled = Object.keys(written.files).length > 0 && withFiles(bare, written.files);
    const open = filled || { object: bare };
    const service =
      own === undefined ? open : { ...open, ...withSecrets(open.object, own, secrets.key) };
    const admission = admitService(service.object, configMaps);
    admission.features.forEach((feature) => features.add(feature));
    const problems = [...admission.problems, ...notInstalled(service.object)];
    for (const problem of problems) {
      read.add(...placed(name, entry, problem));
    }
    if (problems.length === 0) {
      services[name] = configured(service, entry);
    }
  }
  checkDomainOwners(read, services, domain);
  const used = Object.values(services).map(({ object }) => object.metadata.namespace ?? "default");
  if (Object.keys(services).length === Object.keys(given).length + Number(sample)) {
    checkNamespaces(read, namespaces, [...new Set(used)]);
  }
  checkOwners(read, Object.keys(secrets.byService), [
    ...Object.keys(given),
    ...(sample ? ["hello"] : []),
  ]);
  return { services, features: [...features].sort() };
}

/** That no variable is both plain and secret. */
function checkSecrets(read: Reader, name: string, value: unknown, secrets?: ServiceSecrets): void {
  const env = isRecord(value) && isRecord(value.env) ? value.env : {};
  for (const variable of Object.keys(secrets?.variables ?? {}).filter((each) => each in env)) {
    read.add(
      `serviceSecrets.${name}.${variable}`,
      `services.${name}.env sets this variable too; remove one of them.`,
    );
  }
}

/** That no file is both plain and secret. */
function checkSecretFiles(
  read: Reader,
  name: string,
  files: Record<string, string>,
  secrets?: ServiceSecrets,
): void {
  for (const file of Object.keys(secrets?.files ?? {}).filter((each) => each in files)) {
    read.add(
      `serviceSecrets.${name}.${file}`,
      `services.${name} has this file in plain text too; remove one of them.`,
    );
  }
}

/** That each of a service's domains can be one. */
function checkDomains(read: Reader, name: string, value: unknown): void {
  const domains = isRecord(value) ? value.domains : undefined;
  const key = `services.${name}.domains`;
  if (domains !== undefined && !Array.isArray(domains)) {
    read.add(key, "a list of domains was expected, such as [api.example.com].");
  }
  for (const domain of Array.isArray(domains) ? (domains as unknown[]) : []) {
    const problem = typeof domain === "string" ? domainProblem(domain) : "is not a text.";
    if (problem !== undefined) {
      read.add(key, `${JSON.stringify(domain)} ${problem}`);
    } else if (!String(domain).includes(".")) {
      read.add(key, `"${String(domain)}" has one label, and Knative takes no less than two.`);
    }
  }
}

/** That no domain is that of two services, or the URL of one. */
function checkDomainOwners(
  read: Reader,
  services: Record<string, ConfiguredService>,
  domain = "",
): void {
  const owners = new Map(
    Object.entries(services).map(([name, { object }]) => [
      `${name}.${object.metadata.namespace}.${domain}`,
      name,
    ]),
  );
  for (const [name, { domains = [] }] of Object.entries(services)) {
    for (const each of domains) {
      const owner = owners.get(each);
      if (owner !== undefined) {
        read.add(
          `services.${name}.domains`,
          `"${each}" is the domain of ${owner === name ? "this service already" : `services.${owner}`}; remove one of them.`,
        );
      }
      owners.set(each, name);
    }
  }
}

/** That each secret has its service. */
function checkOwners(read: Reader, owners: string[], services: string[]): void {
  for (const owner of owners.filter((name) => !services.includes(name))) {
    read.add(`serviceSecrets.${owner}`, `there is no such service; ${suggestion(owner, services)}`);
  }
}

/** What the user sets in Knative's ConfigMaps, and the features that the services need. */
export function withFeatures(configMaps: ConfigMaps, features: Feature[]): ConfigMaps {
  const enabled = Object.fromEntries(features.map((feature) => [feature, "enabled"]));
  return features.length === 0
    ? configMaps
    : { ...configMaps, "config-features": { ...configMaps["config-features"], ...enabled } };
}

/**
 * Checks that the names in the services' URLs, `<service>.<namespace>.<domain>` and `<tag>-<service>.<namespace>.<domain>`,
 * can be names at all: DNS takes 63 characters for a label, and 253 in all.
 * @param domain The stack's; undefined where the cluster decides it.
 */
export function checkNames(
  read: Reader,
  services: Record<string, ConfiguredService>,
  domain = "255.255.255.255.sslip.io",
): void {
  for (const [name, { object }] of Object.entries(services)) {
    const { traffic = [] } = (object.spec ?? {}) as { traffic?: TrafficTarget[] };
    const tags = traffic.flatMap(({ tag }) => tag ?? []);
    for (const label of [name, ...tags.map((tag) => `${tag}-${name}`)]) {
      const full = `${label}.${object.metadata.namespace}.${domain}`;
      if (label.length > 63 && label !== name) {
        read.add(
          `services.${name}.traffic`,
          `${label} would be a name in its URL, and has ${label.length} characters of 63; shorten the tag or the service's name.`,
        );
      } else if (full.length > 253) {
        read.add(
          "domain",
          `${full} would be the name in a URL, and has ${full.length} characters of 253; shorten the domain.`,
        );
      }
    }
  }
}

/** A service's object, and its files. */
interface WrittenService {
  object: KubernetesObject;
  files: Record<string, string>;
}

/** A service as its file has it, if it has one, with its fields over that. Undefined after a problem. */
function serviceObject(
  read: Reader,
  name: string,
  { from, namespace, files = {}, ...fields }: ServiceEntry,
  context: FileContext,
): WrittenService | undefined {
  const spec = withTexts(fields);
  if (from === undefined) {
    return { object: knativeService(name, namespace ?? "default", spec as ServiceSpec), files };
  }
  const found = serviceOfFile(read, `services.${name}.from`, from, context);
  const file = found?.object;
  const { name: own = name, namespace: where = "default" } = file?.metadata ?? {};
  if (file !== undefined && own !== name) {
    read.add(`services.${name}.from`, `${from} has the service "${own}"; write services.${own}.`);
  } else if (file !== undefined && namespace === undefined && isTakenNamespace(where)) {
    read.add(
      `services.${name}.from`,
      `${from} puts its service into "${where}", which is the system's; set namespace to one of your own.`,
    );
  } else if (file !== undefined) {
    const metadata = { ...file.metadata, name, namespace: namespace ?? where };
    const object = withSpec({ ...file, metadata }, spec);
    return { object, files: { ...found?.files, ...files } };
  }
  return undefined;
}

/** What decides how a service's file is read. */
interface FileContext {
  configMaps: ConfigMaps;
  /** Names of the variables, and paths of the files, that the stack gives. */
  given: string[];
}

/** The Service in a file, or that of the Score workload in it. Undefined after a problem. */
function serviceOfFile(
  read: Reader,
  key: string,
  file: string,
  { configMaps, given }: FileContext,
): WrittenService | undefined {
  try {
    const document = readDocument(file);
    const found = isScore(document)
      ? scoreService(document, given)
      : readService(serviceOfDocument(document, file), configMaps);
    if ("service" in found) {
      const files = "files" in found ? found.files : {};
      return { object: found.service as KubernetesObject, files };
    }
    for (const problem of found.problems) {
      read.add(key, `${file}: ${problem.key}: ${problem.message}`);
    }
  } catch (error) {
    if (!(error instanceof UserError)) {
      throw error;
    }
    read.add(key, error.message);
  }
  return undefined;
}

/** A service with the priority of its namespace, unless it has one of its own. */
function withPriority(
  service: KubernetesObject,
  namespaces: Record<string, NamespaceTraits>,
): KubernetesObject {
  const { namespace = "default" } = service.metadata;
  if (namespaces[namespace]?.priority === undefined) {
    return service;
  }
  return withTemplateSpec(service, (pod) =>
    pod.priorityClassName === undefined
      ? { ...pod, priorityClassName: priorityClassName(namespace) }
      : pod,
  );
}

/** What Knative admits and this program does not install. */
function notInstalled({ spec }: KubernetesObject): Problem[] {
  const key = "spec.template.metadata.annotations.autoscaling.knative.dev/class";
  const { template } = (spec ?? {}) as {
    template?: { metadata?: { annotations?: Record<string, string> } };
  };
  const scaler = template?.metadata?.annotations?.["autoscaling.knative.dev/class"] ?? "";
  const message = `"${scaler}" needs serving-hpa.yaml, which this program does not install; remove it.`;
  return scaler.startsWith("hpa.") ? [{ key, message }] : [];
}

/** A problem of a service's object where the user can mend it: in the stack's file, or in the service's own. */
function placed(name: string, { from }: ServiceEntry, { key, message }: Problem): [string, string] {
  return from === undefined
    ? [`services.${name}`, `${key}: ${message}`]
    : [`services.${name}.from`, `${from}: ${key}: ${message}`];
}

function configured(
  service: Pick<ConfiguredService, "object" | "secretData" | "fileData">,
  { readyTimeoutSeconds, probe, domains = [] }: ServiceEntry,
): ConfiguredService {
  const path = probePath(probe, service.object.metadata.labels);
  return {
    ...service,
    ...(domains.length > 0 && { domains }),
    ...(readyTimeoutSeconds !== undefined && { readyTimeoutSeconds }),
    ...(path !== undefined && { probe: path }),
  };
}

/** A service with its quantities as texts: in a stack's file they may be numbers. */
function withTexts(spec: Partial<ServiceSpec>): Partial<ServiceSpec> {
  return {
    ...spec,
    ...(spec.requests && { requests: asResourceList(spec.requests) }),
    ...(spec.limits && { limits: asResourceList(spec.limits) }),
  };
}

/** The sample of the reference set-up. One pod stays, so that the first request is answered at once. */
const sampleService: ServiceEntry = {
  // It answers `Hello <TARGET>!`, with an exclamation mark of its own.
  image: "ghcr.io/knative/helloworld-go:latest",
  env: { TARGET: "Edge!" },
  autoscaling: { minScale: 1 },
};
