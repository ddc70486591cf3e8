/** Knative's rules for volumes: pkg/apis/serving/k8s_validation.go in knative.dev/serving. */
import { isDns1123Label } from "../../cluster/kubernetesNames";
import { parseQuantity } from "../../../lib/quantity";
import { Findings } from "./findings";
import { join } from "./schema";
import { Revision } from "./serviceSchema";
import { Projection, Volume } from "./volumeSchema";

/** The volumes of a revision. */
export function checkVolumes(
  findings: Findings,
  path: string,
  { volumes = [], containers = [], initContainers = [] }: Revision,
): void {
  const mounted = [...initContainers, ...containers].flatMap(({ volumeMounts = [] }) =>
    volumeMounts.map(({ name }) => name),
  );
  volumes.forEach((volume, index) => {
    const at = `${path}[${index}]`;
    const { name = "" } = volume;
    if (!isDns1123Label(name)) {
      findings.add(
        join(at, "name"),
        `"${name}" cannot be a volume's name; take up to 63 lower-case letters, digits and dashes.`,
      );
    } else if (!mounted.includes(name)) {
      findings.add(join(at, "name"), `no container mounts "${name}"; mount it, or remove it.`);
    }
    checkSource(findings, at, volume);
  });
}

function checkSource(findings: Findings, path: string, volume: Volume): void {
  const sources = Object.keys(volume).filter((field) => field !== "name");
  if (sources.length === 0) {
    findings.add(path, "must have one of secret, configMap, projected, emptyDir and the like.");
  } else if (sources.length > 1) {
    findings.add(path, `has ${sources.join(" and ")}; leave one of them.`);
  }
  const { emptyDir, image, persistentVolumeClaim, projected, secret, configMap } = volume;
  for (const [name, source] of Object.entries({ secret, configMap })) {
    checkItems(findings, `${path}.${name}`, source?.items);
  }
  (projected?.sources ?? []).forEach((source, index) =>
    checkProjection(findings, `${path}.projected.sources[${index}]`, source),
  );
  if (persistentVolumeClaim !== undefined && !persistentVolumeClaim.readOnly) {
    const at = join(path, "persistentVolumeClaim.readOnly");
    findings.needs(at, "kubernetes.podspec-persistent-volume-write", false);
  }
  if (!["", "Memory"].includes(emptyDir?.medium ?? "")) {
    findings.add(
      join(path, "emptyDir.medium"),
      `"${emptyDir?.medium}" is not Memory; leave it out.`,
    );
  }
  if (parseQuantity(String(emptyDir?.sizeLimit ?? 0)) < 0n) {
    findings.add(join(path, "emptyDir.sizeLimit"), `${emptyDir?.sizeLimit} is below 0.`);
  }
  if (image?.reference === "" || (image !== undefined && image.reference === undefined)) {
    findings.add(join(path, "image.reference"), "is missing.");
  }
  if (!["", "Always", "Never", "IfNotPresent"].includes(image?.pullPolicy ?? "")) {
    findings.add(
      join(path, "image.pullPolicy"),
      `"${image?.pullPolicy}" is none of Always, Never, IfNotPresent.`,
    );
  }
}

function checkProjection(findings: Findings, path: string, projection: Projection): void {
  const sources = Object.keys(projection);
  if (sources.length !== 1) {
    findings.add(path, "must have one of secret, configMap, serviceAccountToken and downwardAPI.");
  }
  const { secret, configMap, downwardAPI, serviceAccountToken } = projection;
  for (const [name, source] of Object.entries({ secret, configMap })) {
    if (source !== undefined && !source.name) {
      findings.add(`${path}.${name}.name`, "is missing.");
    }
    checkItems(findings, `${path}.${name}`, source?.items);
  }
  if (serviceAccountToken?.path === "") {
    findings.add(join(path, "serviceAccountToken.path"), "is missing.");
  }
  (downwardAPI?.items ?? []).forEach((item, index) => {
    const at = `${path}.downwardAPI.items[${index}]`;
    if ((item.fieldRef === undefined) === (item.resourceFieldRef === undefined)) {
      findings.add(at, "must have one of fieldRef and resourceFieldRef.");
    }
    if (item.path === "") {
      findings.add(join(at, "path"), "is missing.");
    }
  });
}

function checkItems(
  findings: Findings,
  path: string,
  items: { key?: string; path?: string }[] = [],
): void {
  items.forEach((item, index) => {
    for (const name of ["key", "path"] as const) {
      if (item[name] === "") {
        findings.add(`${path}.items[${index}].${name}`, "is missing.");
      }
    }
  });
}
