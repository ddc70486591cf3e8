import * as pulumi from "@pulumi/pulumi";
import { orderCertificate } from "./acme";
import { Cluster, clusterOptions, withCluster } from "../cluster/cluster";
import { Manifest } from "../cluster/manifest";
import { ServingSteps } from "../ingress/ingress";
import { CertificateFacts, certificateFacts, factAnnotations } from "./certificateFacts";
import { caName, certificateNamespace } from "./certificateSecret";
import { KeyPair, tlsData } from "./keyPair";
import { issueByCa, makeCa } from "./ownCa";
import { Issuer } from "./tlsConfig";

/** What the certificate is made of. */
export interface GatewayCertificateArgs {
  /** The cluster that its Secret is put into. */
  cluster: Cluster;
  /** Knative Serving, whose namespace it is put into. By default it is in the cluster already. */
  knative?: ServingSteps;
  /** Name of its Secret. Another certificate needs another name, because Kourier looks at no changed Secret. */
  secretName: string;
  /** Who issues it. */
  issuer: Issuer;
  /** The names that it is for, wildcards among them. */
  names: string[];
  /** CA that clients trust besides their system's and the program's own, in PEM. Defaults to none. */
  ca?: string;
  /** The certificate that stays. By default one is issued. */
  kept?: { pair: KeyPair; facts: CertificateFacts };
  /** The program's own CA that stays. By default one is made, if it issues. */
  keptCa?: KeyPair;
}

/** The certificate with which the gateway serves HTTPS, in a Secret, and the CA that the program keeps for it. */
export class GatewayCertificate extends pulumi.ComponentResource {
  /** Name of its Secret. */
  public readonly secretName: string;
  /** The CA that clients must trust besides their system's, in PEM; undefined where there is none. */
  public readonly ca: pulumi.Output<string> | undefined;
  /** What is known of it; unknown in the preview of a new one. */
  public readonly facts: pulumi.Output<CertificateFacts>;
  /** The gateway can be told of it once these are there. */
  public readonly ready: pulumi.Resource[];

  constructor(name: string, args: GatewayCertificateArgs, opts?: pulumi.ComponentResourceOptions) {
    const { cluster, knative, secretName, issuer, names, kept } = args;
    super("knative-edge:index:GatewayCertificate", name, {}, clusterOptions(cluster, opts));
    this.secretName = secretName;
    const dependsOn = knative?.definitions ?? [];
    const life = { ...withCluster(cluster), parent: this, dependsOn };

    const caPair =
      issuer.kind === "ca"
        ? args.keptCa === undefined
          ? madeInUp(() => makeCa(pulumi.getStack()))
          : pulumi.secret(args.keptCa)
        : undefined;
    if (caPair !== undefined) {
      tlsSecret(`${name}-ca`, { name: caName }, caPair, life);
    }
    const placed = pulumi.all(dependsOn.map(({ urn }) => urn));
    const pair = kept === undefined ? issued(args, placed, caPair) : pulumi.secret(kept.pair);
    this.facts =
      kept === undefined
        ? plain(pair.apply((known) => certificateFacts(known, issuer, names)))
        : pulumi.output(kept.facts);
    const secret = tlsSecret(
      `${name}-gateway`,
      { name: secretName, annotations: this.facts.apply(factAnnotations) },
      pair,
      life,
    );
    const own = caPair && plain(caPair.apply(({ certificate }) => certificate));
    const trusted = [own, args.ca].filter((each) => each !== undefined);
    this.ca = trusted.length === 0 ? undefined : pulumi.concat(...trusted);
    this.ready = [secret];
    this.registerOutputs({});
  }
}

/** A Secret with a certificate and its key. */
function tlsSecret(
  name: string,
  metadata: { name: string; annotations?: pulumi.Input<Record<string, string>> },
  pair: pulumi.Output<KeyPair>,
  opts: pulumi.CustomResourceOptions,
): Manifest {
  return new Manifest(
    name,
    {
      apiVersion: "v1",
      kind: "Secret",
      type: "kubernetes.io/tls",
      metadata: { ...metadata, namespace: certificateNamespace } as never,
      data: pulumi.secret(pair.apply(tlsData)),
    },
    { ...opts, additionalSecretOutputs: ["data"] },
  );
}

/**
 * A certificate by its issuer. Secret.
 * @param placed Known once there is a place for it: of ACME a certificate is ordered only then, because servers issue only a
 * few for the same names.
 * @param ca The program's own CA, where it is the issuer.
 */
function issued(
  { issuer, names }: GatewayCertificateArgs,
  placed: pulumi.Output<unknown>,
  ca: pulumi.Output<KeyPair> | undefined,
): pulumi.Output<KeyPair> {
  switch (issuer.kind) {
    case "given":
      return pulumi.secret(issuer.pair);
    case "acme":
      return placed.apply(() =>
        madeInUp(() => orderCertificate(issuer, names, (line) => void pulumi.log.info(line))),
      );
    case "ca":
      return pulumi.output(ca).apply((own) => madeInUp(() => issueByCa(own as KeyPair, names)));
  }
}

/** What only `up` makes, and is secret: a preview does not know it. */
function madeInUp<Value>(make: () => Promise<Value>): pulumi.Output<Value> {
  return pulumi.secret(
    pulumi.runtime.isDryRun() ? (pulumi.unknown as unknown as Value) : make(),
  ) as pulumi.Output<Value>;
}

/** What anybody may see of a secret. */
function plain<Value>(value: pulumi.Output<Value>): pulumi.Output<Value> {
  return pulumi.unsecret(value);
}
