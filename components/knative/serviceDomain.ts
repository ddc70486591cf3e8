import * as pulumi from "@pulumi/pulumi";
import { Cluster, clusterOptions, nameInCluster, withCluster } from "../cluster/cluster";
import { Manifest } from "../cluster/manifest";
import { KeyPair } from "../tls/keyPair";
import { tlsSecret } from "../tls/tlsSecret";
import { KnativeService } from "./knativeService";

/** A domain of a service's own. */
export interface ServiceDomainArgs {
  /** The cluster that the service is in. */
  cluster: Cluster;
  /** The service that answers there. */
  service: Pick<KnativeService, "service" | "target">;
  /** Its certificate. By default HTTPS is served with the gateway's, if that has one. */
  certificate?: KeyPair;
}

/**
 * A further domain at which a Knative Service answers: a DomainMapping, and the claim that lets the service's namespace have
 * the domain. The component's name is the domain: so it is the same mapping if another service takes the domain over.
 */
export class ServiceDomain extends pulumi.ComponentResource {
  constructor(name: string, args: ServiceDomainArgs, opts?: pulumi.ComponentResourceOptions) {
    const { cluster, service, certificate } = args;
    super("knative-edge:index:ServiceDomain", name, {}, clusterOptions(cluster, opts));
    const life = { ...withCluster(cluster), parent: this };
    const claim = new Manifest(
      `${name}-claim`,
      {
        apiVersion: "networking.internal.knative.dev/v1alpha1",
        kind: "ClusterDomainClaim",
        metadata: { name },
        spec: { namespace: service.target.namespace },
      },
      { ...life, dependsOn: service.service },
    );
    const secret =
      certificate &&
      tlsSecret(
        `${name}-certificate`,
        { name: `${name}-certificate`, namespace: service.target.namespace },
        certificate,
        { ...life, dependsOn: service.service },
      );
    new Manifest(
      nameInCluster(`${name}-mapping`, cluster),
      {
        apiVersion: "serving.knative.dev/v1beta1",
        kind: "DomainMapping",
        metadata: {
          name,
          namespace: service.target.namespace,
          annotations: { "pulumi.com/waitFor": "condition=Ready" },
        },
        spec: {
          ref: { apiVersion: "serving.knative.dev/v1", kind: "Service", name: service.target.name },
          ...(secret && { tls: { secretName: `${name}-certificate` } }),
        },
      },
      // In another namespace it is another object, and Kourier refuses a second one for the domain.
      {
        ...life,
        dependsOn: [service.service, claim, ...(secret ? [secret] : [])],
        deleteBeforeReplace: true,
        // Its name in stacks of an earlier version.
        aliases: [{ name: `${name}-mapping` }],
      },
    );
    this.registerOutputs({});
  }
}
