// Knative Serving with Kourier and one service, on a cluster that is already there and gives load balancers an address.
import * as pulumi from "@pulumi/pulumi";
import {
  clusterProvider,
  KnativeService,
  KnativeServing,
  Kourier,
  servingSteps,
} from "knative-edge";
import { loadReleases } from "knative-edge/releases";

export = async () => {
  const config = new pulumi.Config();
  const releases = await loadReleases({
    loadBalancer: { kind: "nodeIp" }, // no MetalLB
    knative: { version: "1.23.0", kourierVersion: "1.23.0", domain: config.require("domain") },
    manifestsDir: config.get("manifestsDir"),
  });
  // Another identifier is another cluster, where everything is made anew.
  const identifier = config.require("cluster");
  const kubeconfig = config.requireSecret("kubeconfig");
  const cluster = { identifier, provider: clusterProvider("cluster", { identifier, kubeconfig }) };

  const knative = new KnativeServing("knative", {
    cluster,
    objects: servingSteps(releases.serving),
    domain: config.require("domain"),
  });
  const ingress = new Kourier("kourier", { cluster, knative, objects: releases.kourier });
  const hello = new KnativeService("hello", {
    cluster,
    ingress,
    // Another image, where the cluster does not reach this one's registry.
    image: config.get("image") ?? "ghcr.io/knative/helloworld-go:latest",
  });
  return { address: ingress.address, url: hello.url };
};
