import * as pulumi from "@pulumi/pulumi";
import { K0sHost } from "../components/host/k0sHost";
import { Ingress } from "../components/ingress/ingress";
import { HttpProbe } from "../components/knative/httpProbe";
import { KnativeService } from "../components/knative/knativeService";
import { budgetOutput } from "../stack/budget/budget";
import { releaseVersions } from "../stack/releases/releases";
import { StackPlan } from "./planStack";

/** A service of the stack, and who asked it; undefined where nobody does. */
export interface StackService {
  name: string;
  service: KnativeService;
  domains: string[];
  probe: HttpProbe | undefined;
}

/** The stack's outputs. docs/operations.md says what each is for. */
export function stackOutputs(
  { config, budget }: StackPlan,
  { host, ingress, services }: { host: K0sHost; ingress: Ingress; services: StackService[] },
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
    // The DNS record that each needs.
    ...(domains.length > 0 && {
      domains: Object.fromEntries(domains.map((domain) => [domain, record])),
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
