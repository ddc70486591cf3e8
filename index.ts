// Knative Serving on a bare Linux host: configuration -> host and workers -> cluster -> load balancer -> Knative -> services.
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
  const workers = args.workers.map(
    ({ name, ...each }) => new edge.K0sWorker(name, { controller: host.controller, ...each }),
  );
  const cluster = edge.k0sCluster("cluster", { host, workers });
  const addresses = edge.addressSource("metallb", { cluster, ...args.addresses });
  const knative = new edge.KnativeServing("knative", { cluster, ...args.knative });
  const ingress = new edge.Kourier("kourier", { cluster, knative, addresses, ...args.ingress });
  const certificate =
    args.certificate &&
    new edge.GatewayCertificate("certificate", { cluster, knative, ingress, ...args.certificate });
  const domain = new edge.DefaultDomain("domain", { cluster, knative, ingress, ...args.domain });
  const namespaces = args.namespaces.flatMap(({ name, traits }) =>
    edge.serviceNamespace(name, cluster, traits),
  );
  const services = args.services.map(({ name, spec, domains, probe }) => {
    const placement = { cluster, domain, ingress, addresses, namespaces };
    const service = new edge.KnativeService(name, { ...placement, ...spec });
    for (const own of domains) {
      new edge.ServiceDomain(own.name, { cluster, service, certificate: own.certificate });
    }
    const asked = { cluster, ingress, service, certificate, ...probe };
    return { name, service, domains, probe: probe && new edge.HttpProbe(`${name}-probe`, asked) };
  });
  return stackOutputs(plan, { host, ingress, services, certificate });
};
