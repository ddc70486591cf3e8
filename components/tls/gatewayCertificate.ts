import * as pulumi from "@pulumi/pulumi";
import { orderCertificate } from "./acme";
import { Cluster, clusterOptions, withCluster } from "../cluster/cluster";
import { Manifest } from "../cluster/manifest";
import { ServingSteps } from "../ingress/ingress";
import { CertificateFacts, certificateFacts, factAnnotations } from "./certificateFacts";
import { caName, certificateNamespace } from "./certificateSecret";
import { KeyPair, keyPairOf, tlsData } from "./keyPair";
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
  /** The facts of the certificate in the state, which stays. By default one is issued. */
  kept?: CertificateFacts;
  /** Whether the program's own CA in the state stays. Defaults to false. */
  keepsCa?: boolean;
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

    const ca =
      issuer.kind === "ca"
        ? new TlsSecret(
            `${name}-ca`,
            { name: caName },
            args.keepsCa ? undefined : madeInUp(() => makeCa(pulumi.getStack())),
            life,
          )
        : undefined;
    const placed = pulumi.all(dependsOn.map(({ urn }) => urn));
    const pair = kept === undefined ? issued(args, placed, ca) : undefined;
    this.facts =
      pair === undefined
        ? pulumi.output(kept as CertificateFacts)
        : plain(pair.apply((known) => certificateFacts(known, issuer, names)));
    const secret = new TlsSecret(
      `${name}-gateway`,
      { name: secretName, annotations: this.facts.apply(factAnnotations) },
      pair,
      life,
    );
    const own = ca && plain(ca.pair.apply(({ certificate }) => certificate));
    const trusted = [own, args.ca].filter((each) => each !== undefined);
    this.ca = trusted.length === 0 ? undefined : pulumi.concat(...trusted);
    this.ready = [secret];
    this.registerOutputs({});
  }
}

/** A Secret with a certificate and its key. */
class TlsSecret extends Manifest {
  /** Its data, in base64. Secret. */
  declare public readonly data: pulumi.Output<Record<string, string>>;

  /** @param pair By default what is in the state stays. */
  constructor(
    name: string,
    metadata: { name: string; annotations?: pulumi.Input<Record<string, string>> },
    pair: pulumi.Output<KeyPair> | undefined,
    opts: pulumi.CustomResourceOptions,
  ) {
    super(
      name,
      {
        apiVersion: "v1",
        kind: "Secret",
        type: "kubernetes.io/tls",
        metadata: { ...metadata, namespace: certificateNamespace } as never,
        data: pair && pulumi.secret(pair.apply(tlsData)),
      },
      {
        ...opts,
        additionalSecretOutputs: ["data"],
        ignoreChanges: pair === undefined ? ["data"] : [],
      },
    );
  }

  /** Its certificate and key. Secret. */
  public get pair(): pulumi.Output<KeyPair> {
    return pulumi.secret(this.data.apply(keyPairOf));
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
  ca: TlsSecret | undefined,
): pulumi.Output<KeyPair> {
  switch (issuer.kind) {
    case "given":
      return pulumi.secret(issuer.pair);
    case "acme":
      return placed.apply(() =>
        madeInUp(() => orderCertificate(issuer, names, (line) => void pulumi.log.info(line))),
      );
    case "ca":
      return pulumi
        .output(ca?.pair)
        .apply((own) => madeInUp(() => issueByCa(own as KeyPair, names)));
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
