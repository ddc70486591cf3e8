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
  });
  watchTroubles(host.kubeconfig, watchedPods(config, objects));
  // What resets the host takes everything on it along, so a destroy asks no webhook for leave to delete the webhook, and
  // a rebuild nothing of a cluster that is gone.
  const onCluster = {
    providers: [edge.clusterProvider("cluster", host)],
    deletedWith: host.cluster,
  };

  const { connection, clusterIdentifier: cluster } = host;
  const balancer = { connection, objects: objects.metalLb };
  const metalLb =
    config.loadBalancer.kind === "metallb"
      ? new edge.MetalLb("metallb", { ...balancer, ...config.loadBalancer }, onCluster)
      : { pool: [], ready: [] };
  const knative = { connection, cluster, objects: objects.serving };
  const serving = new edge.KnativeServing("knative", knative, onCluster);
  // Where not all fits, who comes first finds room: then one after the other, as in the budget.
  const after = serving[budget.requestsFit ? "definitions" : "ready"];
  const before = { after, names: serving.ready, pool: metalLb.pool };
  const ingress = { cluster, objects: objects.kourier, ...before };
  const kourier = new edge.Kourier("kourier", ingress, onCluster);
  const addressed = kourier[budget.requestsFit ? "addressed" : "ready"];
  const domain = new edge.DefaultDomain(
    "domain",
    { objects: objects.defaultDomain, domain: config.knative.domain, address: kourier.address },
    { ...onCluster, dependsOn: [...serving.ready, ...addressed] },
  );
  const versions = releaseVersions(config);
  const services = objects.services.map(({ name, spec, object }) => {
    const { readyTimeoutSeconds } = spec;
    const plainDomain = hasPlainUrls(config.knative) ? urlDomain(spec, domain.domain) : undefined;
    const args = { object, readyTimeoutSeconds, domain: plainDomain };
    const dependsOn = [...domain.ready, ...kourier.ready, ...metalLb.ready];
    const { url, service } = new edge.KnativeService(name, args, { ...onCluster, dependsOn });
    const probe = { url, path: probePath(spec), address: kourier.address, versions };
    const asked = { deletedWith: host.cluster, dependsOn: service };
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
