/** Knative's rules for probes: pkg/apis/serving/k8s_validation.go and v1/revision_defaults.go in knative.dev/serving. */
import type { ContainerRole } from "./containerRules";
import { Findings } from "./findings";
import { join } from "./schema";
import { Container, Probe } from "./serviceSchema";

const probeNames = ["livenessProbe", "readinessProbe", "startupProbe"] as const;

/** The name by which probes know the port that answers requests. */
export function containerPortName(containers: Container[]): string {
  const ports = containers.flatMap(({ ports: [first] = [] }) => first ?? []);
  return ports.at(-1)?.name || "http";
}

/** The probes of a container. */
export function checkProbes(
  findings: Findings,
  path: string,
  container: Container,
  role: ContainerRole,
  portName: string,
): void {
  for (const name of probeNames) {
    const probe = container[name];
    if (probe === undefined) {
      continue;
    }
    const at = join(path, name);
    if (role === "init") {
      findings.add(at, "an init container cannot have a probe; remove it.");
      continue;
    }
    if (role === "sidecar" && Object.keys(probe).length > 0) {
      findings.needs(at, "multi-container-probing", false);
    }
    checkHandler(findings, at, probe, role, portName, name === "readinessProbe");
    if (name === "readinessProbe") {
      checkReadiness(findings, at, probe);
    }
  }
}

function checkHandler(
  findings: Findings,
  path: string,
  { httpGet, tcpSocket, exec, grpc }: Probe,
  role: ContainerRole,
  portName: string,
  isReadiness: boolean,
): void {
  const handlers = Object.entries({ httpGet, tcpSocket, exec, grpc }).filter(([, each]) => each);
  if (handlers.length > 1) {
    const names = handlers.map(([name]) => name).join(" and ");
    findings.add(path, `has ${names}; leave one of them.`);
  } else if (handlers.length === 0 && !(isReadiness && role === "user")) {
    findings.add(path, "must have one of httpGet, tcpSocket, exec and grpc.");
  }
  for (const [name, action] of Object.entries({ httpGet, tcpSocket })) {
    const port = action?.port ?? 0;
    if (action === undefined) {
      continue;
    }
    const at = `${path}.${name}.port`;
    if (role === "user" && typeof port === "string" && port !== "" && port !== portName) {
      findings.add(
        at,
        `"${port}" is not the name of the port that answers requests, ${portName}; leave it out.`,
      );
    } else if (role === "sidecar" && [0, ""].includes(port)) {
      findings.add(
        at,
        "is missing; Knative knows only the port of the container that answers requests.",
      );
    }
  }
}

function checkReadiness(findings: Findings, path: string, probe: Probe): void {
  const { periodSeconds = 0 } = probe;
  for (const name of [
    "periodSeconds",
    "initialDelaySeconds",
    "successThreshold",
    ...(periodSeconds === 0 ? [] : (["timeoutSeconds", "failureThreshold"] as const)),
  ] as const) {
    if (Number(probe[name] ?? 0) < 0) {
      findings.add(join(path, name), `${probe[name]} is below 0.`);
    }
  }
  for (const name of ["timeoutSeconds", "failureThreshold"] as const) {
    if (periodSeconds === 0 && Number(probe[name] ?? 0) !== 0) {
      findings.add(
        join(path, name),
        "does nothing without periodSeconds, where Knative probes many times a second; set that, or remove this.",
      );
    }
  }
}
