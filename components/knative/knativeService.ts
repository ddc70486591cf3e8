import * as pulumi from "@pulumi/pulumi";
import { Cluster, clusterOptions, withCluster } from "../cluster/cluster";
import { withAwait } from "../cluster/awaits";
import { pullSecret, RegistryLogin, withPullSecret } from "../registry/pullSecret";
import { AddressSource } from "../metallb/addressSource";
import { Ingress } from "../ingress/ingress";
import { serviceUrl } from "./service/configuredService";
import { ServiceSpec } from "./service/serviceSpec";
import { knativeService } from "./service/serviceObject";
import { filesName } from "./service/serviceFiles";
import { secretName } from "./service/serviceSecrets";
import { KubernetesObject } from "../cluster/kubernetesObject";
import { Manifest } from "../cluster/manifest";
import { timeouts } from "../cluster/timeouts";

/** What goes into the object. */
type ServiceSpecInputs = Omit<ServiceSpec, "readyTimeoutSeconds" | "probe">;

/** Where a service goes, and what it waits for. */
interface Placement {
  /** The cluster that it is put into. */
  cluster: Cluster;
  /** How long it may take to become Ready, in seconds. Defaults to 600. */
  readyTimeoutSeconds?: number;
  /** The domain, which it waits for. By default there is one already. */
  domain?: { readonly domain: pulumi.Output<string>; readonly ready: pulumi.Resource[] };
  /** The ingress, which it waits for. By default it is in the cluster already. */
  ingress?: Ingress;
  /** What gives the ingress its address, which it waits for. By default nothing. */
  addresses?: AddressSource;
  /** The logins with which the host pulls its images. By default it pulls without one. */
  registryLogins?: pulumi.Input<RegistryLogin>[];
  /** What the Secret `<service>-secrets` holds, in base64: see {@link withSecrets}. By default there is no such Secret. */
  secretData?: pulumi.Input<Record<string, string>>;
  /** What its ConfigMap `<service>-files` holds: see {@link withFiles}. By default there is no such ConfigMap. */
  fileData?: pulumi.Input<Record<string, string>>;
  /** Namespaces of this stack, which it waits for. By default its own is there already. */
  namespaces?: pulumi.Resource[];
  /**
   * Whether its URL is `<scheme>://<service>.<namespace>.<domain>`, see {@link hasPlainUrls}. Otherwise, and without `domain`, the
   * URL is what the object's status said when it was last written. Defaults to true.
   */
  plainUrl?: boolean;
  /** How its URL begins, if it answers outside of the cluster. Defaults to `http`. */
  scheme?: "http" | "https";
}

/** Every field of a service as a Pulumi input; ServiceSpec in components/knative/service/serviceSpec.ts says what each means. */
export type KnativeServiceArgs = Placement & {
  [Field in keyof ServiceSpecInputs]: pulumi.Input<ServiceSpecInputs[Field]>;
} & {
  /** Name of the Service object. Defaults to the resource's name. */
  serviceName?: string;
  /** Its namespace, which must be there. Defaults to `default`. */
  namespace?: string;
};

/** A Service whose object is there already, as {@link knativeService} and {@link withAwait} make it. */
export type RenderedServiceArgs = Placement & { object: KubernetesObject };

/** A Knative Service, waited for until it is Ready. */
export class KnativeService extends pulumi.ComponentResource {
  /** The URL that Knative gives it. */
  public readonly url: pulumi.Output<string>;
  /** The Service object. */
  public readonly service: Manifest;
  /** Its name and namespace. */
  public readonly target: { name: string; namespace: string };

  constructor(
    name: string,
    args: KnativeServiceArgs | RenderedServiceArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    const {
      cluster,
      domain,
      ingress,
      addresses,
      plainUrl = true,
      scheme = "http",
      readyTimeoutSeconds,
      registryLogins = [],
      secretData,
      fileData,
      namespaces = [],
      ...fields
    } = args;
    const dependsOn = [
      ...[domain, ingress, addresses].flatMap((part) => part?.ready ?? []),
      ...namespaces,
    ];
    const options = clusterOptions(cluster, pulumi.mergeOptions({ dependsOn }, opts));
    super("knative-edge:index:KnativeService", name, {}, options);
    const made = "object" in fields ? rendered(fields.object) : render(name, fields);
    const { serviceName, namespace, labels } = made;
    this.target = { name: serviceName, namespace };
    const life = { ...withCluster(cluster), parent: this };
    const besideLife = { ...life, dependsOn: namespaces };
    const pullName = `${serviceName}-pull`;
    const pull =
      registryLogins.length === 0
        ? undefined
        : pullSecret(`${name}-pull`, registryLogins, { name: pullName, namespace }, besideLife);
    const secrets =
      secretData &&
      new Manifest(
        `${name}-secrets`,
        {
          apiVersion: "v1",
          kind: "Secret",
          metadata: { name: secretName(serviceName), namespace },
          data: pulumi.secret(secretData),
        },
        besideLife,
      );
    const files =
      fileData &&
      new Manifest(
        `${name}-files`,
        {
          apiVersion: "v1",
          kind: "ConfigMap",
          metadata: { name: filesName(serviceName), namespace },
          data: fileData,
        },
        besideLife,
      );
    const object = pull ? made.object.apply((open) => withPullSecret(open, pullName)) : made.object;
    this.service = new Manifest(
      `${name}-service`,
      {
        apiVersion: "serving.knative.dev/v1",
        kind: "Service",
        metadata: object.apply(({ metadata }) => metadata),
        spec: object.apply(({ spec }) => spec),
      },
      pulumi.mergeOptions(
        {
          ...life,
          dependsOn: options.dependsOn,
          customTimeouts: timeouts(readyTimeoutSeconds),
        },
        { dependsOn: [pull, secrets, files].filter((each) => each !== undefined) },
      ),
    );
    // Another domain changes the URL and not the object, so that what is known of its status would be out of date.
    this.url =
      domain === undefined || !plainUrl
        ? this.service.status.apply((status) => (status as { url: string }).url)
        : pulumi
            .all([domain.domain, labels])
            .apply(([its, known]) => serviceUrl({ serviceName, namespace }, known, its, scheme));
    this.registerOutputs({ url: this.url });
  }
}

/** A Service's object, with what its URL is made of: known at preview even where a field of the object is not. */
interface ServiceObject {
  serviceName: string;
  namespace: string;
  labels: pulumi.Input<Record<string, string> | undefined>;
  object: pulumi.Output<KubernetesObject>;
}

function rendered(object: KubernetesObject): ServiceObject {
  const { name, namespace = "default", labels } = object.metadata;
  return { serviceName: name, namespace, labels, object: pulumi.output(name).apply(() => object) };
}

function render(name: string, args: Omit<KnativeServiceArgs, keyof Placement>): ServiceObject {
  const { serviceName = name, namespace = "default", ...fields } = args;
  const object = pulumi
    .output(fields)
    .apply((spec) => withAwait(knativeService(serviceName, namespace, spec as ServiceSpec)));
  return { serviceName, namespace, labels: fields.labels, object };
}
