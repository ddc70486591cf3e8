import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseManifest } from "../../components/cluster/manifests";
import { type KubernetesObject } from "../../components/cluster/kubernetesObject";

/** The versions of {@link writeChangedReleases}: later patch releases, which nobody has released. */
export const changed = { knativeVersion: "1.23.9", metallbVersion: "v0.16.9" } as const;

/** Objects that only the changed releases have. */
const added: Record<keyof typeof changed, KubernetesObject[]> = {
  knativeVersion: [
    configMap("knative-serving", "config-added"),
    // Its definition and an object of it: the one must be served before the other can be applied.
    {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "additions.lab.knative-edge" },
      spec: {
        group: "lab.knative-edge",
        names: { kind: "Addition", plural: "additions", singular: "addition" },
        scope: "Cluster",
        versions: [
          {
            name: "v1",
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: "object" } },
          },
        ],
      },
    },
    { apiVersion: "lab.knative-edge/v1", kind: "Addition", metadata: { name: "one" } },
  ],
  metallbVersion: [configMap("metallb-system", "config-added")],
};

/** The object that the changed Knative has not. */
export const removed = "knative-serving-podspecable-binding";

/**
 * Writes releases that differ from Knative Serving 1.23.0 and MetalLB v0.16.1 as the next ones would: every object has
 * the new version's label, so all pods and the Job are other ones; a definition, a container of each component and a
 * ConfigMap are changed, some objects added, one removed.
 * @param from Directory with the releases.
 * @param to Directory that gets them too, and the changed ones beside them.
 */
export function writeChangedReleases(from: string, to: string): void {
  cpSync(from, to, { recursive: true });
  const write = (
    key: keyof typeof changed,
    file: string,
    before: string,
    more: KubernetesObject[] = [],
  ): void => {
    const folder = key === "knativeVersion" ? "knative" : "metallb";
    const old = before.replace(/^v/, "");
    const now = changed[key].replace(/^v/, "");
    const text = readFileSync(path.join(from, `${folder}-${before}`, file), "utf8");
    // The label of Knative's objects, and the tags of images.
    const renamed = text.replaceAll(`"${old}"`, `"${now}"`).replaceAll(`:v${old}`, `:v${now}`);
    const objects = parseManifest(renamed, file)
      .filter(({ metadata }) => metadata.name !== removed)
      .map(altered);
    const target = path.join(to, `${folder}-${changed[key]}`, file);
    mkdirSync(path.dirname(target), { recursive: true });
    // JSON is YAML.
    writeFileSync(
      target,
      [...objects, ...more].map((each) => JSON.stringify(each)).join("\n---\n"),
    );
  };
  write("knativeVersion", "serving-crds.yaml", "1.23.0");
  write("knativeVersion", "serving-core.yaml", "1.23.0", added.knativeVersion);
  write("knativeVersion", "serving-default-domain.yaml", "1.23.0");
  write("metallbVersion", "metallb-native.yaml", "v0.16.1", added.metallbVersion);
}

/** Containers that get an environment variable, and in them the pods of it. */
const alteredWorkloads = ["activator", "controller", "speaker"];

function altered(object: KubernetesObject): KubernetesObject {
  const copy = structuredClone(object);
  const { kind, metadata } = copy;
  if (alteredWorkloads.includes(metadata.name) && ["Deployment", "DaemonSet"].includes(kind)) {
    const { template } = copy.spec as {
      template: { spec: { containers: { env?: object[] }[] } };
    };
    for (const container of template.spec.containers) {
      container.env = [...(container.env ?? []), { name: "CHANGED", value: "yes" }];
    }
  }
  if (
    metadata.name === "services.serving.knative.dev" ||
    metadata.name === "ipaddresspools.metallb.io"
  ) {
    const { versions } = copy.spec as { versions: { additionalPrinterColumns?: object[] }[] };
    for (const version of versions) {
      version.additionalPrinterColumns = [
        ...(version.additionalPrinterColumns ?? []),
        { name: "Changed", type: "string", jsonPath: ".metadata.uid" },
      ];
    }
  }
  if (metadata.name === "config-gc") {
    copy.data = { ...copy.data, "max-non-active-revisions": "70" };
  }
  return copy;
}

function configMap(namespace: string, name: string): KubernetesObject {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { namespace, name },
    data: { of: "now" },
  };
}
