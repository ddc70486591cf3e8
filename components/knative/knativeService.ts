import * as pulumi from "@pulumi/pulumi";
import { Cluster, clusterOptions, withCluster } from "../cluster/cluster";
import { withAwait } from "../cluster/awaits";
import { ServiceSpec } from "./serviceSpec";
import { knativeService } from "./serviceObject";
import { Manifest } from "../cluster/manifest";
import { timeouts } from "../cluster/timeouts";

/** What goes into the object. */
type ServiceSpecInputs = Omit<ServiceSpec, "readyTimeoutSeconds" | "probe">;

/** Every field of a service as a Pulumi input; what each means stands at ServiceSpec in components/knative/serviceSpec.ts. */
export type KnativeServiceArgs = {
  [Field in keyof ServiceSpecInputs]: pulumi.Input<ServiceSpecInputs[Field]>;
} & {
  /** The cluster that it is put into. */
  cluster: Cluster;
  /** How long it may take to become Ready, in seconds. Defaults to 600. */
  readyTimeoutSeconds?: number;
  /** Name of the Service object. Defaults to the resource's name. */
  serviceName?: string;
  /** Its namespace, which must be there. Defaults to `default`. */
  namespace?: string;
  /** Domain that its URL is made of. By default the URL is what the object's status said when it was last written. */
  domain?: pulumi.Input<string>;
};

/** A Knative Service, waited for until it is Ready. */
export class KnativeService extends pulumi.ComponentResource {
  /** The URL that Knative gives it. */
  public readonly url: pulumi.Output<string>;
  /** The Service object. */
  public readonly service: Manifest;

  constructor(name: string, args: KnativeServiceArgs, opts: pulumi.ComponentResourceOptions) {
    super("knative-edge:index:KnativeService", name, {}, clusterOptions(args.cluster, opts));
    const {
      cluster,
      serviceName = name,
      namespace = "default",
      domain,
      readyTimeoutSeconds,
      ...fields
    } = args;
    const object = pulumi
      .output(fields)
      .apply((spec) => withAwait(knativeService(serviceName, namespace, spec as ServiceSpec)));
    this.service = new Manifest(
      `${name}-service`,
      {
        apiVersion: "serving.knative.dev/v1",
        kind: "Service",
        metadata: object.apply(({ metadata }) => metadata),
        spec: object.apply(({ spec }) => spec),
      },
      {
        ...withCluster(cluster),
        parent: this,
        dependsOn: opts.dependsOn,
        customTimeouts: timeouts(readyTimeoutSeconds),
      },
    );
    // Another domain changes the URL and not the object, so that what is known of its status would be out of date.
    this.url =
      domain === undefined
        ? this.service.status.apply((status) => (status as { url: string }).url)
        : pulumi.interpolate`http://${serviceName}.${namespace}.${domain}`;
    this.registerOutputs({ url: this.url });
  }
}
