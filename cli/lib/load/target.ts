import { isRecord } from "../../../lib/json";
import { suggestion } from "../../../lib/nearest";
import { UserError } from "../../../lib/userError";
import { runPulumi } from "../command";

/** Where a service of a running stack answers, and how its cluster is reached. */
export interface Target {
  /** Name of the Knative Service. */
  service: string;
  /** Its namespace: the second label of its host name, by Knative's own template of domains. */
  namespace: string;
  /** Where every request goes: the load balancer's address, so that no time of name resolution is measured. */
  address: string;
  port: number;
  protocol: "http:" | "https:";
  /** CA to trust besides the system's, in PEM. */
  ca?: string;
  /** The Host header: host name of the service's URL, with its port if it has one. */
  host: string;
  /** Path of every request. */
  path: string;
  /** Of an administrator; secret. */
  kubeconfig: string;
}

/**
 * Where a service of a stack answers, by the stack's outputs.
 * @param service By default the stack's first one.
 * @param project The directory of Pulumi.yaml.
 * @throws UserError if the stack is not up, or has no such service.
 */
export function stackTarget(
  stack: string,
  project: string,
  service: string | undefined,
  path: string,
): Target {
  const args = ["stack", "output", "--json", "--show-secrets", "--stack", stack];
  const { stdout, stderr, status } = runPulumi(args, project);
  if (status !== 0) {
    throw new UserError(`Stack ${stack} cannot be read: ${stderr.trim()}`);
  }
  return targetOf(JSON.parse(stdout) as unknown, stack, service, path);
}

/** The part of {@link stackTarget} that reads the outputs. */
export function targetOf(
  outputs: unknown,
  stack: string,
  service: string | undefined,
  path: string,
): Target {
  const { kubeconfig, loadBalancerIp, services, ca } = isRecord(outputs) ? outputs : {};
  if (typeof kubeconfig !== "string" || typeof loadBalancerIp !== "string" || !isRecord(services)) {
    throw new UserError(`Stack ${stack} is not up: run pulumi up --stack ${stack}.`);
  }
  const names = Object.keys(services);
  const name = service ?? names[0];
  if (name === undefined) {
    throw new UserError(`Stack ${stack} has no service: declare one in its key services.`);
  }
  const url = services[name];
  if (typeof url !== "string") {
    throw new UserError(
      `Stack ${stack} has no service ${name}: ${names.length > 0 ? suggestion(name, names) : "it has none."}`,
    );
  }
  const { host, port, protocol } = new URL(url);
  const isHttps = protocol === "https:";
  return {
    service: name,
    namespace: host.split(".")[1] ?? "default",
    address: loadBalancerIp,
    port: Number(port || (isHttps ? 443 : 80)),
    protocol: isHttps ? "https:" : "http:",
    ...(typeof ca === "string" && { ca }),
    host,
    path,
    kubeconfig,
  };
}
