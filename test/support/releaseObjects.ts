import { exampleKey } from "../../components/knative/configMaps";
import { KubernetesObject } from "../../components/cluster/kubernetesObject";
import { Fact, More, PodFacts, releaseFacts } from "./releaseFacts";

/** The objects of the fixture, by release folder and file. */
export function releaseObjects(): Record<string, Record<string, KubernetesObject[]>> {
  return mapValues(releaseFacts(), ({ labels, files }) =>
    mapValues(files, (facts) => facts.map((fact) => objectOf(fact, labels))),
  );
}

/**
 * A release's own object without what the fixture leaves out: schemas, rules and subjects, probes, volumes, most of the
 * environment, the explanations in ConfigMaps, and the rules of webhooks. The fixture's object is equal to it.
 */
export function reduced(object: KubernetesObject): KubernetesObject {
  const { apiVersion, kind, metadata, spec, data } = object;
  const all = metadata.labels ?? {};
  const isKnative = "app.kubernetes.io/name" in all;
  const labels = isKnative ? only(all, "app.kubernetes.io/name", "app.kubernetes.io/version") : all;
  const annotations = only(metadata.annotations ?? {}, "networking.knative.dev/certificate.class");
  const { webhooks, aggregationRule } = object as { webhooks?: object[]; aggregationRule?: object };
  return {
    apiVersion,
    kind,
    metadata: {
      ...only(metadata, "name", "namespace"),
      ...filled("labels", labels),
      ...filled("annotations", annotations),
    } as KubernetesObject["metadata"],
    ...(spec && { spec: reducedSpec(kind, spec) }),
    ...(data && { data: mapEntries(data, reducedText) }),
    ...(webhooks && { webhooks: webhooks.map((each) => only(each, "name")) }),
    ...(aggregationRule && { aggregationRule }),
  } as KubernetesObject;
}

type Fields = Record<string, unknown>;

function reducedSpec(kind: string, spec: Fields): Fields {
  if (kind === "CustomResourceDefinition") {
    return {
      group: spec.group,
      names: only(spec.names as Fields, "kind", "plural"),
      versions: (spec.versions as Fields[]).map((version) => ({
        ...only(version, "name", "served", "storage"),
        schema: anySchema,
      })),
    };
  }
  if (kind === "Service") {
    const ports = (spec.ports as Fields[]).map((port) => only(port, "port", "targetPort"));
    return { ...spec, ports };
  }
  if (!("template" in spec)) {
    return spec;
  }
  const { metadata, spec: pod } = spec.template as {
    metadata: { labels: Fields };
    spec: Fields & { containers: Fields[] };
  };
  const selected = spec.selector as { matchLabels: Fields } | undefined;
  return {
    ...spec,
    template: {
      metadata: {
        labels: only(metadata.labels, ...Object.keys(selected?.matchLabels ?? { app: "" })),
      },
      spec: {
        ...only(pod, "terminationGracePeriodSeconds", "hostNetwork"),
        containers: pod.containers.map(({ env, ...container }) => ({
          ...only(container, "name", "image", "args", "resources"),
          ...filled(
            "env",
            ((env ?? []) as Fields[]).filter(({ name }) => name === "GOGC"),
          ),
        })),
      },
    },
  };
}

/** The keys that an example explains, one on a line; of other texts that are long only that they are there. */
function reducedText(key: string, text: string): string {
  if (key === exampleKey) {
    return exampleOf([...text.matchAll(/^([\w.-]+):/gm)].map(([, name = ""]) => name));
  }
  return key.endsWith(".yaml") ? "" : text;
}

function exampleOf(keys: string[]): string {
  return keys
    .filter((key) => key !== "")
    .sort()
    .map((key) => `${key}:\n`)
    .join("");
}

const anySchema = { openAPIV3Schema: { type: "object" } };

const apiVersions: Record<string, string> = {
  CustomResourceDefinition: "apiextensions.k8s.io/v1",
  Role: "rbac.authorization.k8s.io/v1",
  ClusterRole: "rbac.authorization.k8s.io/v1",
  RoleBinding: "rbac.authorization.k8s.io/v1",
  ClusterRoleBinding: "rbac.authorization.k8s.io/v1",
  Deployment: "apps/v1",
  DaemonSet: "apps/v1",
  Job: "batch/v1",
  HorizontalPodAutoscaler: "autoscaling/v2",
  PodDisruptionBudget: "policy/v1",
  ValidatingWebhookConfiguration: "admissionregistration.k8s.io/v1",
  MutatingWebhookConfiguration: "admissionregistration.k8s.io/v1",
  Certificate: "networking.internal.knative.dev/v1alpha1",
  Image: "caching.internal.knative.dev/v1alpha1",
};

function objectOf(fact: Fact, releaseLabels: More["labels"]): KubernetesObject {
  const [title, more] = typeof fact === "string" ? [fact, {}] : fact;
  const [kind = "", fullName = ""] = title.split(" ");
  const [name = "", namespace] = fullName.split("/").reverse();
  const { labels = releaseLabels, annotations, aggregates, serves, explains, data, pod } = more;
  const spec = serves ? definitionSpec(name, serves) : pod ? podSpec(kind, pod) : more.spec;
  const texts = {
    ...data,
    ...(explains !== undefined && { [exampleKey]: exampleOf(explains.split(" ")) }),
  };
  return {
    apiVersion: apiVersions[kind] ?? "v1",
    kind,
    metadata: {
      name,
      ...(namespace && { namespace }),
      ...(labels && { labels }),
      ...(annotations && { annotations }),
    },
    ...(spec && { spec }),
    ...filled("data", texts),
    ...(more.webhooks && { webhooks: more.webhooks.map((webhook) => ({ name: webhook })) }),
    ...(aggregates && {
      aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [aggregates]: "true" } }] },
    }),
  } as KubernetesObject;
}

function definitionSpec(name: string, serves: string): Fields {
  const [kind, versions = ""] = serves.split(" ");
  const [plural, ...group] = name.split(".");
  return {
    group: group.join("."),
    names: { kind, plural },
    versions: versions.split(",").map((version, index, all) => ({
      name: version,
      served: true,
      storage: index === all.length - 1,
      schema: anySchema,
    })),
  };
}

function podSpec(kind: string, facts: PodFacts): Fields {
  const { selector, container, image, resources, args, gogc, workload, ...pod } = facts;
  const labels = Object.fromEntries(selector.split(" ").map((each) => each.split("="))) as Fields;
  const [requests, limits] = (resources ?? "").split(" ").map((each) => {
    const [cpu, memory] = each.split("/");
    return { cpu, memory };
  });
  return {
    ...workload,
    ...(kind !== "Job" && { selector: { matchLabels: labels } }),
    template: {
      metadata: { labels },
      spec: {
        ...pod,
        containers: [
          {
            name: container,
            image,
            ...(args && { args }),
            ...(resources && { resources: { requests, limits } }),
            ...(gogc && { env: [{ name: "GOGC", value: gogc }] }),
          },
        ],
      },
    },
  };
}

/** The fields with these names, where they are there. */
function only(fields: object, ...names: string[]): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => names.includes(name)));
}

/** A field with a list or an object, or none where that is empty. */
function filled(name: string, value: object): Fields {
  return Object.keys(value).length === 0 ? {} : { [name]: value };
}

function mapValues<From, To>(
  record: Record<string, From>,
  change: (value: From) => To,
): Record<string, To> {
  return mapEntries(record, (_, value) => change(value));
}

function mapEntries<From, To>(
  record: Record<string, From>,
  change: (key: string, value: From) => To,
): Record<string, To> {
  return Object.fromEntries(
    Object.entries(record).map(([key, value]) => [key, change(key, value)]),
  );
}
