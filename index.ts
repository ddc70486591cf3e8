// Knative Serving on a bare Linux host: configuration -> host -> cluster -> load balancer -> Knative -> services.
import * as edge from "./components";
import { componentArgs } from "./program/componentArgs";
import { keepOutputsOutOfDebugLog } from "./program/debugLog";
import { explainFailures } from "./program/failures";
import { planStack } from "./program/planStack";
import { stackOutputs } from "./program/stackOutputs";
import { tellMoves } from "./program/tellMoves";
import { watchTroubles } from "./program/troubleWatch";
import { watchedPods } from "./stack/errors/clusterTroubles";

export = async () => {
  keepOutputsOutOfDebugLog();
  const plan = await planStack(); // read, checked, loaded, rendered, budgeted: it refuses here
  const args = componentArgs(plan);
  explainFailures(plan.config, () => host.kubeconfig);
  tellMoves(plan.config);

  const host = new edge.K0sHost("host", args.host);
  watchTroubles(host.kubeconfig, watchedPods(plan.config, plan.objects));
  const { cluster } = host;
  const addresses = edge.addressSource("metallb", { cluster, ...args.addresses });
  const knative = new edge.KnativeServing("knative", { cluster, ...args.knative });
  const ingress = new edge.Kourier("kourier", { cluster, knative, addresses, ...args.ingress });
  const domain = new edge.DefaultDomain("domain", { cluster, knative, ingress, ...args.domain });
  const namespaces = args.namespaces.map((name) => edge.serviceNamespace(name, cluster));
  const services = args.services.map(({ name, spec, domains, probe }) => {
    const before = { domain, ingress, addresses, namespaces };
    const service = new edge.KnativeService(name, { cluster, ...before, ...spec });
    for (const own of domains) {
      new edge.ServiceDomain(own, { cluster, service });
    }
    const asked = { cluster, ingress, service, ...probe };
    return { name, service, domains, probe: probe && new edge.HttpProbe(`${name}-probe`, asked) };
  });
  return stackOutputs(plan, { host, ingress, services });
};
