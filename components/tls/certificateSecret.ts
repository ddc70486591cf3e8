/** Namespace of the certificates' Secrets: Knative's, for it is there before the gateway's settings are. */
export const certificateNamespace = "knative-serving";

/** Name of the Secret with the program's own CA. */
export const caName = "knative-edge-ca";

/** Name of the Secret with the key of the account at an ACME server. */
export const accountName = "knative-edge-acme";

/** What the names of the Secrets with the gateway's certificate begin with. */
export const certificatePrefix = "gateway-certificate-";
