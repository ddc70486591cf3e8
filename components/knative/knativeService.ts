import * as pulumi from "@pulumi/pulumi";
import { withAwait } from "../cluster/awaits";
import { ServiceSpec } from "./serviceSpec";
import { knativeService } from "./serviceObject";
import { KubernetesObject } from "../cluster/kubernetesObject";
import { Manifest } from "../cluster/manifest";
import { timeouts } from "../cluster/timeouts";

/** What goes into the object. */
type ServiceSpecInputs = Omit<ServiceSpec, "readyTimeoutSeconds" | "probe">;

/** Every field of a service as a Pulumi input; what each means stands at ServiceSpec in components/knative/serviceSpec.ts. */
export type KnativeServiceArgs = {
  [Field in keyof ServiceSpecInputs]: pulumi.Input<ServiceSpecInputs[Field]>;
} & {
  /** How long it may take to become Ready, in seconds. Defaults to 600. */
  readyTimeoutSeconds?: number;
  /** Name of the Service object. Defaults to the resource's name. */
  serviceName?: string;
  /** Its namespace, which must be there. Defaults to `default`. */
  namespace?: string;
  /** Domain that its URL is made of. By default the URL is what the object's status said when it was last written. */
  domain?: pulumi.Input<string>;
};

/** A Service whose object is there already, as {@link knativeService} and {@link withAwait} make it. */
export type RenderedServiceArgs = Pick<KnativeServiceArgs, "readyTimeoutSeconds" | "domain"> & {
  object: KubernetesObject;
};

/** A Knative Service, waited for until it is Ready. */
export class KnativeService extends pulumi.ComponentResource {
  /** The URL that Knative gives it. */
  public readonly url: pulumi.Output<string>;
  /** The Service object. */
  public readonly service: Manifest;

  constructor(
    name: string,
    args: KnativeServiceArgs | RenderedServiceArgs,
    opts: pulumi.ComponentResourceOptions,
  ) {
    super("knative-edge:index:KnativeService", name, {}, opts);
    const { domain, readyTimeoutSeconds } = args;
    const { serviceName, namespace, object } =
      "object" in args ? rendered(args.object) : render(name, args);
    this.service = new Manifest(
      `${name}-service`,
      {
        apiVersion: "serving.knative.dev/v1",
        kind: "Service",
        metadata: object.apply(({ metadata }) => metadata),
        spec: object.apply(({ spec }) => spec),
      },
      {
        parent: this,
        deletedWith: opts.deletedWith,
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

/** A Service's object, with what its URL is made of: known at preview even where a field of the object is not. */
interface ServiceObject {
  serviceName: string;
  namespace: string;
  object: pulumi.Output<KubernetesObject>;
}

function rendered(object: KubernetesObject): ServiceObject {
  const { name, namespace = "default" } = object.metadata;
  return { serviceName: name, namespace, object: pulumi.output(name).apply(() => object) };
}

function render(name: string, args: KnativeServiceArgs): ServiceObject {
  const { serviceName = name, namespace = "default", ...fields } = args;
  const object = pulumi
    .output(fields)
    .apply((spec) => withAwait(knativeService(serviceName, namespace, spec as ServiceSpec)));
  return { serviceName, namespace, object };
}
