import { IngressKind } from "./ingressKind";

/** Kourier, as net-kourier's release has it. */
export const kourierKind: IngressKind = {
  ingressClass: "kourier.ingress.networking.knative.dev",
  namespace: "kourier-system",
  settings: "config-kourier",
  certificateSettings: ({ name, namespace }) => ({
    "certs-secret-name": name,
    "certs-secret-namespace": namespace,
  }),
  workloadsAtKnative: ["net-kourier-controller"],
  gatewayContainer: "kourier-gateway",
  idleMebibytes: {
    "3scale-kourier-gateway/kourier-gateway": [20, 60, 190, 330],
    "net-kourier-controller/controller": [90, 170, 340, 430],
  },
};
