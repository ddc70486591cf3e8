import * as pulumi from "@pulumi/pulumi";
import { IngressKind } from "./ingressKind";

/** An ingress of Knative in the cluster, as whatever comes after it sees it. Kourier is one. */
export interface Ingress {
  /** What is known of it beforehand. */
  readonly kind: IngressKind;
  /** The gateway's address. */
  readonly address: pulumi.Output<string>;
  /** The gateway has its address once these are there. */
  readonly addressed: pulumi.Resource[];
  /** The gateway answers once these are there. */
  readonly ready: pulumi.Resource[];
}

/** What an ingress waits for of Knative Serving, which is such a thing. */
export interface ServingSteps {
  /** The namespace and the established definitions, which the controller and its ConfigMap need. */
  readonly definitions: pulumi.Resource[];
  /** Knative's pods are ready. They need names, so CoreDNS, which is k0s' own and no resource of the stack, answers. */
  readonly ready: pulumi.Resource[];
}
