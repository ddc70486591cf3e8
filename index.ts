// Knative Serving on a bare Linux host: configuration -> host -> cluster -> load balancer -> Knative -> services.
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import * as edge from "./components";
import { readConfig } from "./edge/config";
import { renderK0sConfig } from "./edge/k0sConfig";
import { loadReleases } from "./edge/releases";
import { renderStack } from "./edge/stack";

export = async () => {
  const { values, secretKeys } = edge.stackConfig();
  const config = readConfig(values, secretKeys);
  const objects = renderStack(config, await loadReleases(config));

  const host = new edge.K0sHost("host", {
    connection: edge.hostConnection(config.host),
    identity: `${pulumi.getStack()}@${config.host.address}`,
    nodeAddress: config.host.nodeAddress,
    apiEndpoint: config.apiEndpoint,
    k0sYaml: renderK0sConfig(config),
    ...config.k0s,
  });
  const { connection } = host;

  const cluster = new k8s.Provider(
    "cluster",
    {
      kubeconfig: host.kubeconfig,
      // Known at preview, so that a preview needs no host, and a new kubeconfig replaces nothing.
      clusterIdentifier: host.clusterIdentifier,
      // Otherwise a changed ConfigMap is deleted and made anew, under Knative's feet.
      enableConfigMapMutable: true,
      enableSecretMutable: true,
    },
    { deletedWith: host.installed },
  );
  // A reset of the host takes everything on it along, so a destroy asks no webhook for leave to delete the webhook.
  const onCluster = { providers: [cluster], deletedWith: host.installed };

  const metalLb = new edge.MetalLb(
    "metallb",
    { connection, objects: objects.metalLb, addresses: config.loadBalancer.addresses },
    onCluster,
  );
  const serving = new edge.KnativeServing(
    "knative",
    { connection, objects: objects.serving },
    onCluster,
  );
  const kourier = new edge.Kourier(
    "kourier",
    {
      objects: objects.kourier,
      definitions: serving.definitions,
      loadBalancer: metalLb.ready,
    },
    onCluster,
  );
  const domain = new edge.DefaultDomain(
    "domain",
    { objects: objects.defaultDomain },
    { ...onCluster, dependsOn: [...serving.ready, ...kourier.ready] },
  );

  const services = Object.entries(objects.services).map(([name, spec]) => {
    const service = new edge.KnativeService(name, spec, { ...onCluster, dependsOn: domain.ready });
    const probe = new edge.HttpProbe(
      `${name}-probe`,
      { url: service.url, address: kourier.address },
      { deletedWith: host.installed, dependsOn: service.service },
    );
    return { name, url: service.url, probe: probe.result };
  });

  return {
    url: services[0]?.url,
    services: Object.fromEntries(services.map(({ name, url }) => [name, url])),
    loadBalancerIp: kourier.address,
    kubeconfig: host.kubeconfig,
    versions: {
      k0s: config.k0s.version,
      metalLb: config.loadBalancer.version,
      knative: config.knative.version,
      kourier: config.knative.kourierVersion,
    },
    seconds: {
      ready: host.readySeconds,
      answer: Object.fromEntries(services.map(({ name, probe }) => [name, probe.seconds])),
    },
  };
};
