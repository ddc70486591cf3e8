import { isRecord } from "../../../lib/json";
import { Problem } from "../../../lib/problem";
import { KubernetesObject } from "../../cluster/kubernetesObject";
import { Findings } from "../admission/findings";
import { join } from "../admission/schema";
import { Workload, workload as workloadSchema, WorkloadContainer } from "./scoreSchema";

/** True for a workload by the Score specification. */
export function isScore(document: Record<string, unknown>): boolean {
  return String(document.apiVersion).startsWith("score.dev/");
}

/**
 * Makes a Knative Service of a Score workload. The first container answers requests, at the workload's port. A resource of
 * type `volume` is an empty folder that goes with the pod; others the program does not make.
 * @param document The workload, of whatever shape.
 * @param given Names of the variables and paths of the files of the first container that the stack gives: what the workload says
 * of them is no matter.
 * @returns The Service with the files of that container, or what it cannot be, by paths of the workload.
 */
export function scoreService(
  document: unknown,
  given: readonly string[],
): { service: KubernetesObject; files: Record<string, string> } | { problems: Problem[] } {
  const findings = new Findings({});
  const workload = workloadSchema(findings, "", document);
  if (workload === undefined || findings.problems.length > 0) {
    return { problems: findings.problems };
  }
  const conversion = new Conversion(findings, workload, given);
  const service = conversion.service();
  const { files } = conversion;
  return findings.problems.length > 0 ? { problems: findings.problems } : { service, files };
}

class Conversion {
  /** Names of the resources that something refers to. */
  private readonly used = new Set<string>();
  /** Files of the first container, by path. */
  public readonly files: Record<string, string> = {};

  constructor(
    private readonly findings: Findings,
    private readonly workload: Workload,
    private readonly given: readonly string[],
  ) {}

  public service(): KubernetesObject {
    const { apiVersion, containers = {}, metadata = {} } = this.workload;
    if (apiVersion !== "score.dev/v1b1") {
      this.findings.add("apiVersion", `"${apiVersion}" is not score.dev/v1b1.`);
    }
    const port = this.port();
    const made = Object.entries(containers).map(([name, container], index) => ({
      ...this.container(`containers.${name}`, container, index === 0),
      name,
      ...(index === 0 && port !== undefined && { ports: [{ containerPort: port }] }),
    }));
    const volumes = Object.entries(this.workload.resources ?? {})
      .filter(([name, { type }]) => type === "volume" && this.used.has(name))
      .map(([name]) => ({ name, emptyDir: {} }));
    this.checkResources();
    const { name, annotations } = metadata;
    if (typeof name !== "string") {
      this.findings.add("metadata.name", "is missing.");
    }
    return {
      apiVersion: "serving.knative.dev/v1",
      kind: "Service",
      metadata: { name, ...(isRecord(annotations) && { annotations }) },
      spec: {
        template: { spec: { containers: made, ...(volumes.length > 0 && { volumes }) } },
      },
    } as unknown as KubernetesObject;
  }

  /** The port at which the workload listens. */
  private port(): number | undefined {
    const ports = Object.entries(this.workload.service?.ports ?? {});
    for (const [name, { protocol = "TCP" }] of ports) {
      if (protocol !== "TCP") {
        this.findings.add(
          `service.ports.${name}.protocol`,
          `"${protocol}" is not TCP, and Knative serves HTTP alone.`,
        );
      }
    }
    if (ports.length > 1) {
      this.findings.add(
        "service.ports",
        `has ${ports.length} ports, and a Knative Service has one; leave one of them.`,
      );
    }
    const [first] = ports;
    return first?.[1].targetPort ?? first?.[1].port;
  }

  private container(path: string, container: WorkloadContainer, isFirst: boolean): object {
    const { args, command, image, livenessProbe, readinessProbe, resources } = container;
    const { variables = {}, volumes = {} } = container;
    this.addFiles(`${path}.files`, container.files ?? {}, isFirst);
    const env = Object.entries(variables)
      .filter(([name]) => !isFirst || !this.given.includes(name))
      .map(([name, value]) => ({ name, value: this.resolved(`${path}.variables.${name}`, value) }));
    const volumeMounts = Object.entries(volumes).map(
      ([mountPath, { source = "", path: subPath, readOnly }]) => ({
        mountPath,
        name: this.volume(`${path}.volumes.${mountPath}.source`, source),
        ...(subPath !== undefined && { subPath }),
        ...(readOnly !== undefined && { readOnly }),
      }),
    );
    return {
      // "." stands for an image that who deploys names.
      ...(image !== "." && { image }),
      ...(command && { command }),
      ...(args && { args }),
      ...(env.length > 0 && { env }),
      ...(volumeMounts.length > 0 && { volumeMounts }),
      ...(resources && { resources }),
      ...(livenessProbe && { livenessProbe }),
      ...(readinessProbe && { readinessProbe }),
    };
  }

  private addFiles(
    path: string,
    files: NonNullable<WorkloadContainer["files"]>,
    isFirst: boolean,
  ): void {
    for (const [file, { content, noExpand = false, ...others }] of Object.entries(files)) {
      const at = `${path}.${file}`;
      const [other] = Object.keys(others);
      if (isFirst && this.given.includes(file)) {
        continue;
      }
      if (!isFirst) {
        this.findings.add(
          at,
          "is of another container than the first, which alone can have files.",
        );
      } else if (other !== undefined) {
        this.findings.add(`${at}.${other}`, "cannot be here; write the text in content.");
      } else if (content === undefined) {
        this.findings.add(`${at}.content`, "is missing.");
      } else {
        this.files[file] = noExpand ? content : this.resolved(`${at}.content`, content);
      }
    }
  }

  /** The name of the volume that a source refers to. */
  private volume(path: string, source: string): string {
    const name =
      /^(?:\$\{resources\.([^.}]+)\}|([^$.{}]+))$/.exec(source)?.slice(1).find(Boolean) ?? "";
    const resource = this.workload.resources?.[name];
    this.used.add(name);
    if (resource?.type !== "volume") {
      this.findings.add(path, `"${source}" is no resource of type volume.`);
    }
    return name;
  }

  /** A text with its placeholders resolved: \`\${metadata.name}\`; \`$$\` is a dollar sign. */
  private resolved(path: string, value: string): string {
    return value.replace(/\$(\$|\{([^}]*)\})/g, (_, what: string, reference = "") =>
      what === "$" ? "$" : this.placeholder(path, reference as string),
    );
  }

  private placeholder(path: string, reference: string): string {
    const [root, ...keys] = reference.split(".");
    const value = keys.reduce<unknown>(
      (found, key) => (isRecord(found) ? found[key] : undefined),
      root === "metadata" ? this.workload.metadata : undefined,
    );
    if (root === "resources") {
      const [name = ""] = keys;
      const type = this.workload.resources?.[name]?.type;
      this.used.add(name);
      this.findings.add(
        path,
        type === undefined
          ? `refers to \${${reference}}, and there is no such resource.`
          : `refers to a resource of type ${type}, which the program does not make; give the variable or the file in the stack, in env, files or serviceSecrets.`,
      );
    } else if (typeof value !== "string") {
      this.findings.add(path, `refers to \${${reference}}, which is not there.`);
    }
    return String(value ?? "");
  }

  /** That nothing counts on a resource that nobody makes. What the stack gives in its place counts as made. */
  private checkResources(): void {
    const replaced = Object.values(this.workload.containers ?? {})
      .slice(0, 1)
      .flatMap(({ variables = {} }) =>
        Object.entries(variables).filter(([name]) => this.given.includes(name)),
      )
      .flatMap(([, value]) =>
        [...value.matchAll(/\$\{resources\.([^.}]+)/g)].map(([, name]) => name),
      );
    // A service has its route and its name by itself; domains says more.
    const made = ["volume", "dns", "route"];
    for (const [name, { type = "" }] of Object.entries(this.workload.resources ?? {})) {
      if (!made.includes(type) && !this.used.has(name) && !replaced.includes(name)) {
        this.findings.add(
          join(`resources.${name}`, "type"),
          `the program makes no ${type}; refer to it in a variable, and set that in the service's env or in serviceSecrets.`,
        );
      }
    }
  }
}
