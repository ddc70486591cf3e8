import * as pulumi from "@pulumi/pulumi";
import { JsonObject } from "../../lib/json";
import { KubernetesObject } from "../cluster/kubernetesObject";
import { Manifest } from "../cluster/manifest";
import { withTemplateSpec } from "../cluster/workloads";
import { dockerHub, Login } from "./registry";

/** A login at a registry. */
export interface RegistryLogin extends Login {
  /** Host of the registry, as image names begin. */
  registry: string;
}

/** A Secret with which the kubelet pulls the images of registries. Its data are secret. */
export function pullSecret(
  name: string,
  logins: pulumi.Input<RegistryLogin>[],
  metadata: KubernetesObject["metadata"],
  opts: pulumi.CustomResourceOptions,
): Manifest {
  const data = pulumi
    .secret(pulumi.all(logins))
    .apply((known) => ({ ".dockerconfigjson": base64(JSON.stringify(dockerConfig(known))) }));
  const type = "kubernetes.io/dockerconfigjson";
  return new Manifest(name, { apiVersion: "v1", kind: "Secret", type, metadata, data }, opts);
}

/** A Knative Service's object whose images are pulled with that Secret. */
export function withPullSecret(object: KubernetesObject, secret: string): KubernetesObject {
  return withTemplateSpec(object, (pod) => ({
    ...pod,
    imagePullSecrets: [...((pod.imagePullSecrets ?? []) as JsonObject[]), { name: secret }],
  }));
}

/** Logins as Docker's config.json has them. */
function dockerConfig(logins: RegistryLogin[]): object {
  const auths = logins.map(({ registry, username, password }) => {
    // The kubelet looks Docker Hub up by its index (pkg/credentialprovider/keyring.go in Kubernetes).
    const host = registry === dockerHub ? `https://index.${dockerHub}/v1/` : registry;
    return [host, { username, password, auth: base64(`${username}:${password}`) }];
  });
  return { auths: Object.fromEntries(auths) as object };
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
