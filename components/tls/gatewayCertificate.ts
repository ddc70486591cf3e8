import * as pulumi from "@pulumi/pulumi";
import { orderCertificate } from "./acme";
import { Cluster, clusterOptions, withCluster } from "../cluster/cluster";
import { Ingress, ServingSteps } from "../ingress/ingress";
import { Manifest, ManifestPatch } from "../cluster/manifest";
import { accountData, AcmeAccountKey } from "./acmeAccount";
import { answersChallenges } from "./challengeAnswer";
import { CertificateFacts, certificateFacts, factAnnotations } from "./certificateFacts";
import { accountName, caName, certificateNamespace } from "./certificateSecret";
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
  /** The ingress, whose gateway serves it. */
  ingress: Pick<Ingress, "kind" | "ready" | "address">;
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
  /** The account for whose challenges the gateway answers, if an ACME server asks it for a proof of each name. */
  account?: AcmeAccountKey;
}

/**
 * The certificate with which the gateway serves HTTPS, in a Secret, and the CA or the account that the program keeps for it. The
 * ingress is told of it when it runs already: Kourier does not start without the certificate that it is told of, and an ACME
 * server may ask the gateway for a proof before there is one.
 */
export class GatewayCertificate extends pulumi.ComponentResource {
  /** Name of its Secret. */
  public readonly secretName: string;
  /** The CA that clients must trust besides their system's, in PEM; undefined where there is none. */
  public readonly ca: pulumi.Output<string> | undefined;
  /** What is known of it; unknown in the preview of a new one. */
  public readonly facts: pulumi.Output<CertificateFacts>;
  /** The gateway serves it once these are there. */
  public readonly ready: pulumi.Resource[];

  constructor(name: string, args: GatewayCertificateArgs, opts?: pulumi.ComponentResourceOptions) {
    const { cluster, knative, ingress, secretName, issuer, names, kept, account } = args;
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
    if (account !== undefined) {
      accountSecret(`${name}-account`, account, secretLife);
    }
    const before = account === undefined ? dependsOn : ingress.ready;
    const placed = pulumi.all(before.map(({ urn }) => urn));
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
    const settings = new ManifestPatch(
      `${name}-settings`,
      {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: ingress.kind.settings, namespace },
        data: ingress.kind.certificateSettings({ name: secretName, namespace }),
      },
      { ...withCluster(cluster), parent: this, dependsOn: [...ingress.ready, secret] },
    );
    this.ready = [settings];
    this.registerOutputs({});
  }
}

/** The account's key, kept for the next order: the gateway answers for this one only. */
function accountSecret(
  name: string,
  account: AcmeAccountKey,
  opts: pulumi.CustomResourceOptions,
): Manifest {
  const metadata = { name: accountName, namespace: certificateNamespace };
  const data = pulumi.secret(accountData(account));
  return new Manifest(name, { apiVersion: "v1", kind: "Secret", metadata, data }, opts);
}

/**
 * A certificate by its issuer. Secret.
 * @param placed Known once there is a place for it, and who proves the names is there: of ACME a certificate is ordered only
 * then, because servers issue only a few for the same names.
 * @param ca The program's own CA, where it is the issuer.
 */
function issued(
  { issuer, names, account, ingress }: GatewayCertificateArgs,
  placed: pulumi.Output<unknown>,
  ca: pulumi.Output<KeyPair> | undefined,
): pulumi.Output<KeyPair> {
  switch (issuer.kind) {
    case "given":
      return pulumi.secret(issuer.pair);
    case "acme":
      // By DNS it needs no gateway.
      return pulumi.all([account && ingress.address, placed]).apply(([address = ""]) =>
        madeInUp(async () => {
          const say = (line: string): void => void pulumi.log.info(line);
          // Servers put off whoever fails too often. Where this machine does not reach the gateway, theirs may.
          if (account !== undefined && !(await answersChallenges(address, account))) {
            say(`The gateway does not answer challenges at ${address}, as seen from this machine.`);
          }
          return orderCertificate(issuer, names, say, account?.key);
        }),
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
