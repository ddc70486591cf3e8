/** Knative's rules for containers and their probes: pkg/apis/serving/k8s_validation.go in knative.dev/serving. */
import { posix } from "node:path";
import { Findings } from "./findings";
import { imageProblem } from "./imageName";
import { join } from "./schema";
import { checkProbes, containerPortName } from "./probeRules";
import { Container, ContainerSecurity, PodSecurity, Revision, VolumeMount } from "./serviceSchema";
import { Volume } from "./volumeSchema";

/** `user` is the container that answers requests, `sidecar` one beside it, `init` one before it. */
export type ContainerRole = "user" | "sidecar" | "init";

/** What Knative itself sets in the containers. */
const reservedVariables = ["PORT", "K_SERVICE", "K_CONFIGURATION", "K_REVISION"];

/** The ports of queue-proxy, which is in the same pod. */
export const reservedPorts = [8008, 8012, 8013, 8022, 9090, 9091];

/** The containers of a revision. */
export function checkContainers(
  findings: Findings,
  path: string,
  { containers = [], initContainers = [], volumes = [] }: Revision,
): void {
  const at = join(path, "containers");
  if (containers.length === 0) {
    findings.add(at, "has no container; write one with an image.");
  }
  if (containers.length > 1) {
    findings.needs(at, "multi-container", false);
  }
  checkPortCount(findings, at, containers);
  checkNames(findings, path, containers, initContainers);
  const portName = containerPortName(containers);
  containers.forEach((container, index) => {
    const role = containers.length === 1 || (container.ports ?? []).length > 0 ? "user" : "sidecar";
    const below = `${at}[${index}]`;
    checkProbes(findings, below, container, role, portName);
    checkContainer(findings, below, container, role, volumes);
  });
  initContainers.forEach((container, index) => {
    const below = `${path}.initContainers[${index}]`;
    checkProbes(findings, below, container, "init", portName);
    checkContainer(findings, below, container, "init", volumes);
  });
}

function checkPortCount(findings: Findings, path: string, containers: Container[]): void {
  const count = containers.reduce((total, { ports = [] }) => total + ports.length, 0);
  if (count > 1) {
    findings.add(
      path,
      `have ${count} ports together, and Knative sends requests to one; leave that of the container that answers.`,
    );
  } else if (count === 0 && containers.length > 1) {
    findings.add(
      path,
      "have no port; write ports: [{containerPort: 8080}] into the container that answers requests.",
    );
  }
}

function checkNames(
  findings: Findings,
  path: string,
  containers: Container[],
  initContainers: Container[],
): void {
  const seen: string[] = [];
  const check = (list: string, given: Container[], among: string[]): void =>
    given.forEach(({ name = "" }, index) => {
      if (name !== "" && among.includes(name)) {
        findings.add(`${path}.${list}[${index}].name`, `another container is named "${name}" too.`);
      }
      if (name === "queue-proxy") {
        findings.add(
          `${path}.${list}[${index}].name`,
          '"queue-proxy" is the name of Knative\'s own container; take another.',
        );
      }
      seen.push(name);
    });
  check("containers", containers, seen);
  // Knative compares an init container with the others only; Kubernetes compares all.
  check("initContainers", initContainers, [...seen]);
}

function checkContainer(
  findings: Findings,
  path: string,
  container: Container,
  role: ContainerRole,
  volumes: Volume[],
): void {
  checkEnv(findings, path, container, role);
  const problem = imageProblem(container.image ?? "");
  if (problem !== undefined) {
    findings.add(join(path, "image"), problem);
  }
  checkPorts(findings, path, container, role);
  checkSecurity(findings, join(path, "securityContext"), container.securityContext ?? {});
  const policy = container.terminationMessagePolicy ?? "";
  if (!["", "File", "FallbackToLogsOnError"].includes(policy)) {
    findings.add(
      join(path, "terminationMessagePolicy"),
      `"${policy}" is neither File nor FallbackToLogsOnError.`,
    );
  }
  checkMounts(findings, join(path, "volumeMounts"), container.volumeMounts ?? [], role, volumes);
}

function checkEnv(
  findings: Findings,
  path: string,
  { env = [], envFrom = [] }: Container,
  role: ContainerRole,
): void {
  env.forEach(({ name = "" }, index) => {
    const at = `${path}.env[${index}].name`;
    if (name === "") {
      findings.add(at, "is missing.");
    } else if (reservedVariables.includes(name) && !(name === "PORT" && role !== "user")) {
      const advice = name === "PORT" ? "set the container's port" : "take another name";
      findings.add(at, `Knative itself sets ${name}; ${advice}.`);
    }
  });
  envFrom.forEach(({ configMapRef, secretRef }, index) => {
    if ((configMapRef === undefined) === (secretRef === undefined)) {
      findings.add(`${path}.envFrom[${index}]`, "must have one of configMapRef and secretRef.");
    }
  });
}

function checkPorts(
  findings: Findings,
  path: string,
  { ports = [] }: Container,
  role: ContainerRole,
): void {
  // Knative looks at the first port only, and at all of an init container.
  ports.slice(0, role === "init" ? undefined : 1).forEach((port, index) => {
    const at = `${path}.ports[${index}]`;
    const { containerPort = 0, name = "", protocol = "" } = port;
    if (reservedPorts.includes(containerPort)) {
      findings.add(
        join(at, "containerPort"),
        `${containerPort} is reserved for Knative's own container in every pod, as are ${reservedPorts.join(", ")}; take another.`,
      );
    } else if (containerPort < 0 || containerPort > 65535) {
      findings.add(join(at, "containerPort"), `${containerPort} is not from 0 to 65535.`);
    }
    if (role === "init") {
      return;
    }
    if (!["", "TCP"].includes(protocol)) {
      findings.add(
        join(at, "protocol"),
        `"${protocol}" is not TCP, which is all that Knative serves.`,
      );
    }
    if (!["", "h2c", "http1"].includes(name)) {
      findings.add(
        join(at, "name"),
        `"${name}" is neither http1 nor h2c, by which Knative knows what the container speaks; write one of them, or leave it out.`,
      );
    }
  });
}

function checkSecurity(findings: Findings, path: string, security: ContainerSecurity): void {
  const { capabilities = {} } = security;
  const { securePodDefaults } = findings.settings;
  const forLowPorts =
    securePodDefaults !== "disabled" && capabilities.add?.join() === "NET_BIND_SERVICE";
  if (capabilities.add !== undefined && !forLowPorts) {
    const at = join(path, "capabilities.add");
    findings.needs(at, "kubernetes.containerspec-addcapabilities", false);
  }
  if (capabilities.drop?.[0] === "all" && securePodDefaults === "disabled") {
    findings.warn(join(path, "capabilities.drop"), '"all" drops nothing; write it as "ALL".');
  }
  checkIds(findings, path, security, ["runAsUser", "runAsGroup"]);
}

/** The security context of a revision's pod. */
export function checkPodSecurity(findings: Findings, path: string, security?: PodSecurity): void {
  if (security === undefined) {
    return;
  }
  const { seccompProfile, ...others } = security;
  // With secure-pod-defaults, Services may choose between its profile and none without the flag.
  const isOptOut =
    findings.settings.securePodDefaults !== "disabled" &&
    Object.keys(others).length === 0 &&
    seccompProfile?.localhostProfile === undefined &&
    ["RuntimeDefault", "Unconfined"].includes(seccompProfile?.type ?? "RuntimeDefault");
  if (!isOptOut) {
    findings.needs(path, "kubernetes.podspec-securitycontext", true);
  }
  checkIds(findings, path, security, ["runAsUser", "runAsGroup", "fsGroup"]);
  (security.supplementalGroups ?? []).forEach((group, index) =>
    checkId(findings, `${path}.supplementalGroups[${index}]`, group),
  );
}

function checkIds<Name extends string>(
  findings: Findings,
  path: string,
  ids: { [Id in Name]?: number },
  names: Name[],
): void {
  for (const name of names) {
    checkId(findings, join(path, name), ids[name]);
  }
}

function checkId(findings: Findings, path: string, id = 0): void {
  if (id < 0 || id > 2 ** 31 - 1) {
    findings.add(path, `${id} is not from 0 to ${2 ** 31 - 1}.`);
  }
}

function checkMounts(
  findings: Findings,
  path: string,
  mounts: VolumeMount[],
  role: ContainerRole,
  volumes: Volume[],
): void {
  const seen = new Set<string>();
  mounts.forEach((mount, index) => {
    const at = `${path}[${index}]`;
    const { name = "", mountPath = "", mountPropagation = "None" } = mount;
    const volume = volumes.find((each) => each.name === name);
    if (volume === undefined) {
      findings.add(join(at, "name"), `spec.template.spec.volumes has no volume "${name}".`);
    }
    const place = posix.normalize(mountPath).replace(/(.)\/$/, "$1");
    if (["/", "/dev", "/dev/log"].includes(place)) {
      findings.add(join(at, "mountPath"), `nothing can be mounted at ${place}; take another path.`);
    } else if (!posix.isAbsolute(mountPath)) {
      findings.add(join(at, "mountPath"), `"${mountPath}" is not an absolute path.`);
    } else if (seen.has(place)) {
      findings.add(join(at, "mountPath"), `another volume is mounted at ${place} too.`);
    }
    seen.add(place);
    checkReadOnly(findings, join(at, "readOnly"), mount, role, volume);
    if (!["None", "HostToContainer"].includes(mountPropagation)) {
      findings.add(
        join(at, "mountPropagation"),
        `"${mountPropagation}" is neither None nor HostToContainer.`,
      );
    }
  });
}

function checkReadOnly(
  findings: Findings,
  path: string,
  { readOnly = false }: VolumeMount,
  role: ContainerRole,
  volume: Volume = {},
): void {
  const { emptyDir, persistentVolumeClaim, ephemeral } = volume;
  const isWritable = (emptyDir ?? persistentVolumeClaim ?? ephemeral) !== undefined;
  // Knative itself sets the field, but not in init containers.
  if (!isWritable && role === "init" && !readOnly) {
    findings.add(path, "must be true for a volume of this kind.");
  }
  if (persistentVolumeClaim?.readOnly && !readOnly) {
    findings.add(path, "must be true, since the volume is read-only.");
  }
}
