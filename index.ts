// Knative Serving on a bare Linux host: configuration -> host -> cluster -> load balancer -> Knative -> services.
import * as pulumi from "@pulumi/pulumi";
import * as edge from "./components";
import { keepOutputsOutOfDebugLog } from "./program/debugLog";
import { explainFailures } from "./program/failures";
import { tellPolicyMove } from "./program/tellPolicyMove";
import { planStack } from "./program/planStack";
import { watchTroubles } from "./program/troubleWatch";
import { budgetOutput } from "./stack/budget/budget";
import { watchedPods } from "./stack/errors/clusterTroubles";
import { renderK0sConfig } from "./components/host/k0sConfig";
import { hasPlainUrls, probePath, urlDomain } from "./components/knative/serviceSpec";
import { gatewayPorts } from "./components/ingress/nodeIp";
import { releaseVersions } from "./stack/releases/releases";
import { stackIdentity } from "./stack/render/stackIdentity";

export = async () => {
  keepOutputsOutOfDebugLog();
  const { config, objects, budget } = await planStack();
  explainFailures(config, () => host.kubeconfig);
  tellPolicyMove();

  const host = new edge.K0sHost("host", {
    connection: edge.hostConnection(config.host),
    owner: `${pulumi.getStack()}@${config.host.address}`,
    facts: stackIdentity(config),
    allow: config.allow,
    abandoned: config.abandonHost,
    nodeAddress: config.host.nodeAddress,
    hostSize: config.hostSize,
    gatewayPorts: config.loadBalancer.kind === "nodeIp" ? gatewayPorts : [],
    apiEndpoint: config.apiEndpoint,
    k0sYaml: renderK0sConfig(config),
    ...config.k0s,
    providerName: "cluster",
  });
  watchTroubles(host.kubeconfig, watchedPods(config, objects));
  const { cluster } = host;
  const balancer = { cluster, objects: objects.metalLb };
  const metalLb =
    config.loadBalancer.kind === "metallb"
      ? new edge.MetalLb("metallb", { ...balancer, ...config.loadBalancer })
      : { pool: [], ready: [] };
  const knative = { cluster, objects: objects.serving };
  const serving = new edge.KnativeServing("knative", knative);
  // Where not all fits, who comes first finds room: then one after the other, as in the budget.
  const after = serving[budget.requestsFit ? "definitions" : "ready"];
  const before = { after, names: serving.ready, pool: metalLb.pool };
  const ingress = { cluster, objects: objects.kourier, ...before };
  const kourier = new edge.Kourier("kourier", ingress);
  const addressed = kourier[budget.requestsFit ? "addressed" : "ready"];
  const domain = new edge.DefaultDomain(
    "domain",
    {
      cluster,
      objects: objects.defaultDomain,
      domain: config.knative.domain,
      address: kourier.address,
    },
    { dependsOn: [...serving.ready, ...addressed] },
  );
  const versions = releaseVersions(config);
  const services = Object.entries(objects.services).map(([name, spec]) => {
    const plainDomain = urlDomain(spec, domain.domain);
    const args = {
      cluster,
      ...spec,
      domain: hasPlainUrls(config.knative) ? plainDomain : undefined,
    };
    const dependsOn = [...domain.ready, ...kourier.ready, ...metalLb.ready];
    const { url, service } = new edge.KnativeService(name, args, { dependsOn });
    const probe = { cluster, url, path: probePath(spec), address: kourier.address, versions };
    const asked = { dependsOn: service };
    const answer = probe.path && new edge.HttpProbe(`${name}-probe`, probe, asked).result.seconds;
    return { name, url, answer };
  });

  return {
    ...(services[0] && { url: services[0].url }),
    services: Object.fromEntries(services.map(({ name, url }) => [name, url])),
    loadBalancerIp: kourier.address,
    kubeconfig: host.kubeconfig,
    versions,
    seconds: {
      ready: host.readySeconds,
      answer: Object.fromEntries(services.map(({ name, answer }) => [name, answer])),
    },
    budget: budgetOutput(budget),
  };
};
