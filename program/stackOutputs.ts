import * as pulumi from "@pulumi/pulumi";
import { K0sHost } from "../components/host/k0sHost";
import { Ingress } from "../components/ingress/ingress";
import { HttpProbe } from "../components/knative/httpProbe";
import { KnativeService } from "../components/knative/knativeService";
import { budgetOutput } from "../stack/budget/budget";
import { releaseVersions } from "../stack/releases/releases";
import { nodeAddresses } from "../stack/render/transforms";
import { GatewayCertificate } from "../components/tls/gatewayCertificate";
import { StackPlan } from "./planStack";

/** A service of the stack, and who asked it; undefined where nobody does. */
export interface StackService {
  name: string;
  service: KnativeService;
  domains: { name: string }[];
  probe: HttpProbe | undefined;
}

/** What the outputs are taken from. */
export interface StackParts {
  host: K0sHost;
  ingress: Ingress;
  services: StackService[];
  /** Absent in a stack without HTTPS. */
  certificate?: GatewayCertificate;
}

/** The stack's outputs. docs/operations.md says what each is for. */
export function stackOutputs(
  { config, budget }: StackPlan,
  { host, ingress, services, certificate }: StackParts,
) {
  const byName = <Value>(value: (each: StackService) => Value): Record<string, Value> =>
    Object.fromEntries(services.map((each) => [each.name, value(each)]));
  const [first] = services;
  const domains = services.flatMap((each) => each.domains);
  const record = pulumi.interpolate`A ${ingress.address}`;
  return {
    ...(first && { url: first.service.url }),
    services: byName(({ service }) => service.url),
    loadBalancerIp: ingress.address,
    // Each of several nodes answers at its own; names lead to the first.
    ...(config.loadBalancer.kind === "nodeIp" &&
      config.workers.length > 0 && { addresses: nodeAddresses(config) }),
    // The DNS record that each needs.
    ...(domains.length > 0 && {
      domains: Object.fromEntries(domains.map(({ name }) => [name, record])),
    }),
    ...(certificate && {
      certificate: certificate.facts.apply(({ issuer, names, ends }) => ({ issuer, names, ends })),
      ...(certificate.ca && { ca: certificate.ca }),
    }),
    kubeconfig: host.kubeconfig,
    versions: releaseVersions(config),
    seconds: {
      ready: host.readySeconds,
      answer: byName(({ probe }): pulumi.Output<number> | undefined => probe?.result.seconds),
    },
    budget: budgetOutput(budget),
  };
}
