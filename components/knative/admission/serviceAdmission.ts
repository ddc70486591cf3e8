/**
 * What the API server and Knative's webhook say to a Service, without either: the CustomResourceDefinition and the validation
 * in pkg/apis/serving of knative.dev/serving v0.50.0, which is release 1.23. test/lab/admission.test.ts compares.
 */
import {
  isDns1035Label,
  isDns1123Label,
  isDns1123Subdomain,
  isLabelValue,
  isQualifiedName,
} from "../../cluster/kubernetesNames";
import { Problem } from "../../../lib/problem";
import { checkServiceAnnotations, checkTemplateAnnotations } from "./annotationRules";
import { checkContainers, checkPodSecurity } from "./containerRules";
import { Feature } from "./features";
import { Findings } from "./findings";
import { Revision, Service, service as serviceSchema } from "./serviceSchema";
import { ConfigMaps } from "./settings";
import { checkTraffic } from "./trafficRules";
import { checkVolumes } from "./volumeRules";

/** Whether a Service is admitted. The key of a problem is its path in the object. */
export interface Admission {
  /** Why it is refused; empty where it is admitted. */
  problems: Problem[];
  /** What Knative only warns of. */
  warnings: Problem[];
  /** Flags of config-features that must be set to enabled for it: Knative's default is off, and the user set nothing. */
  features: Feature[];
}

/**
 * Asks whether a new Service is admitted.
 * @param object A serving.knative.dev/v1 Service, of whatever shape.
 * @param configMaps What the user sets in Knative's ConfigMaps. Knative's defaults stand for the rest.
 */
export function admitService(object: unknown, configMaps: ConfigMaps = {}): Admission {
  const findings = new Findings(configMaps);
  const service = serviceSchema(findings, "", object);
  if (service !== undefined) {
    checkMetadata(findings, service);
    checkTemplate(findings, service);
    checkTraffic(findings, "spec.traffic", service.spec?.traffic ?? []);
  }
  const { problems, warnings, features } = findings;
  return { problems, warnings, features: [...features].sort() };
}

/**
 * Reads a Service: the fields that Knative takes, each of its type, without those that are null.
 * @returns The Service, or what is wrong with it. Whether Knative admits what it says is another question.
 */
export function readService(
  object: unknown,
  configMaps: ConfigMaps = {},
): { service: Service } | { problems: Problem[] } {
  const findings = new Findings(configMaps);
  const service = serviceSchema(findings, "", object);
  const { problems } = findings;
  return service === undefined || problems.length > 0 ? { problems } : { service };
}

function checkMetadata(findings: Findings, { metadata = {} }: Service): void {
  const { name = "", generateName = "", namespace = "" } = metadata;
  const { labels = {}, annotations = {} } = metadata;
  if (name === "" && generateName === "") {
    findings.add("metadata.name", "is missing.");
  }
  checkObjectName(findings, "metadata", { name, generateName });
  if (namespace !== "" && !isDns1123Label(namespace)) {
    findings.add(
      "metadata.namespace",
      `"${namespace}" cannot be a namespace; take up to 63 lower-case letters, digits and dashes.`,
    );
  }
  for (const [key, value] of Object.entries(labels)) {
    if (!isQualifiedName(key)) {
      findings.add(`metadata.labels.${key}`, "cannot be a label's key.");
    } else if (!isLabelValue(value)) {
      findings.add(`metadata.labels.${key}`, `"${value}" cannot be a label's value.`);
    }
  }
  for (const key of Object.keys(annotations).filter(
    (each) => !isQualifiedName(each.toLowerCase()),
  )) {
    findings.add(`metadata.annotations.${key}`, "cannot be an annotation's key.");
  }
  checkServiceAnnotations(findings, "metadata.annotations", annotations);
}

function checkObjectName(
  findings: Findings,
  path: string,
  { name = "", generateName = "" }: { name?: string; generateName?: string },
): void {
  // Kubernetes adds letters to the prefix, so it may end in a dash.
  if (generateName !== "" && !isDns1035Label(generateName.replace(/(.)-$/, "$1a"))) {
    findings.add(`${path}.generateName`, `"${generateName}" cannot begin a name.`);
  }
  if (name !== "" && !isDns1035Label(name)) {
    findings.add(
      `${path}.name`,
      `"${name}" cannot be a name; take up to 63 lower-case letters, digits and dashes, a letter first.`,
    );
  }
}

function checkTemplate(findings: Findings, { metadata = {}, spec = {} }: Service): void {
  const path = "spec.template";
  const { template = {} } = spec;
  const own = template.metadata ?? {};
  checkObjectName(findings, `${path}.metadata`, own);
  const prefix = `${metadata.name ?? ""}-`;
  if (own.name !== undefined && own.name !== "" && metadata.name && !own.name.startsWith(prefix)) {
    findings.add(
      `${path}.metadata.name`,
      `"${own.name}" cannot be a revision's name; write it like ${prefix}v1.`,
    );
  }
  checkTemplateAnnotations(findings, `${path}.metadata.annotations`, own.annotations ?? {});
  checkRevision(findings, `${path}.spec`, template.spec ?? {});
}

function checkRevision(findings: Findings, path: string, revision: Revision): void {
  const { settings } = findings;
  checkPodSecurity(findings, `${path}.securityContext`, revision.securityContext);
  checkVolumes(findings, `${path}.volumes`, revision);
  checkContainers(findings, path, revision);
  const { serviceAccountName = "", timeoutSeconds = 0, containerConcurrency } = revision;
  if (serviceAccountName !== "" && !isDns1123Subdomain(serviceAccountName)) {
    findings.add(
      `${path}.serviceAccountName`,
      `"${serviceAccountName}" cannot be a ServiceAccount's name.`,
    );
  }
  const longest = settings.maxRevisionTimeoutSeconds;
  if (timeoutSeconds < 0 || timeoutSeconds > longest) {
    findings.add(
      `${path}.timeoutSeconds`,
      `${timeoutSeconds} is not from 0 to ${longest}, which is max-revision-timeout-seconds of config-defaults.`,
    );
  }
  const [least, most] = [
    settings.allowContainerConcurrencyZero ? 0 : 1,
    settings.containerConcurrencyMaxLimit,
  ];
  if (
    containerConcurrency !== undefined &&
    (containerConcurrency < least || containerConcurrency > most)
  ) {
    findings.add(
      `${path}.containerConcurrency`,
      `${containerConcurrency} is not from ${least} to ${most}, as config-defaults has it.`,
    );
  }
}
