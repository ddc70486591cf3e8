import * as pulumi from "@pulumi/pulumi";
import { Manifest, ManifestMetadata } from "../cluster/manifest";
import { KeyPair, tlsData } from "./keyPair";

/** A Secret with a certificate and its key. Its data are secret. */
export function tlsSecret(
  name: string,
  metadata: ManifestMetadata,
  pair: pulumi.Input<KeyPair>,
  opts: pulumi.CustomResourceOptions,
): Manifest {
  const data = pulumi.secret(pulumi.output(pair).apply(tlsData));
  const type = "kubernetes.io/tls";
  return new Manifest(name, { apiVersion: "v1", kind: "Secret", type, metadata, data }, opts);
}
