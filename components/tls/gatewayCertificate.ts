import * as pulumi from "@pulumi/pulumi";
import { orderCertificate } from "./acme";
import { Cluster, clusterOptions, withCluster } from "../cluster/cluster";
import { ServingSteps } from "../ingress/ingress";
import { CertificateFacts, certificateFacts, factAnnotations } from "./certificateFacts";
import { caName, certificateNamespace } from "./certificateSecret";
import { KeyPair } from "./keyPair";
import { issueByCa, makeCa } from "./ownCa";
import { Issuer } from "./tlsConfig";
import { tlsSecret } from "./tlsSecret";

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
    const secretLife = { ...life, additionalSecretOutputs: ["data"] };
    const namespace = certificateNamespace;

    const caPair = issuer.kind === "ca" ? ownCa(args.keptCa) : undefined;
    if (caPair !== undefined) {
      tlsSecret(`${name}-ca`, { name: caName, namespace }, caPair, secretLife);
    }
    const placed = pulumi.all(dependsOn.map(({ urn }) => urn));
    const pair = kept === undefined ? issued(args, placed, caPair) : pulumi.secret(kept.pair);
    this.facts =
      kept === undefined
        ? pulumi.unsecret(pair.apply((known) => certificateFacts(known, issuer, names)))
        : pulumi.output(kept.facts);
    const secret = tlsSecret(
      `${name}-gateway`,
      { name: secretName, namespace, annotations: this.facts.apply(factAnnotations) },
      pair,
      secretLife,
    );
    const own = caPair && pulumi.unsecret(caPair.apply(({ certificate }) => certificate));
    const trusted = [own, args.ca].filter((each) => each !== undefined);
    this.ca = trusted.length === 0 ? undefined : pulumi.concat(...trusted);
    this.ready = [secret];
    this.registerOutputs({});
  }
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

/** The CA that stays, or another one. Secret. */
function ownCa(kept: KeyPair | undefined): pulumi.Output<KeyPair> {
  return kept === undefined ? madeInUp(() => makeCa(pulumi.getStack())) : pulumi.secret(kept);
}

/** What only `up` makes, and is secret: a preview does not know it. */
function madeInUp<Value>(make: () => Promise<Value>): pulumi.Output<Value> {
  return pulumi.secret(
    pulumi.runtime.isDryRun() ? (pulumi.unknown as unknown as Value) : make(),
  ) as pulumi.Output<Value>;
}
