// k0s on a bare Linux host that is reached by SSH, and its kubeconfig.
import * as pulumi from "@pulumi/pulumi";
import { hostConnection, type ImageBundle, K0sHost, renderK0sConfig } from "knative-edge";
import { k0sDownload } from "knative-edge/releases";

const config = new pulumi.Config();
const address = config.require("host");

const version = config.get("k0sVersion") ?? "v1.35.7+k0s.0";
const download = k0sDownload(version);
const podCidr = "10.244.0.0/16";
const serviceCidr = "10.96.0.0/12";

const host = new K0sHost("host", {
  connection: hostConnection({
    address,
    port: config.getNumber("sshPort") ?? 22,
    user: config.get("sshUser") ?? "root",
    privateKey: config.require("sshPrivateKey"),
    hostKey: config.require("sshHostKey"),
    nodeAddress: address,
  }),
  owner: `${pulumi.getStack()}@${address}`,
  nodeAddress: address,
  hostSize: { cpus: "1", memoryMiB: 1450 },
  // A later change of these that would lose data is refused.
  facts: {
    host: address,
    hostGeneration: 1,
    k0sVersion: version,
    storage: "kine",
    dataDir: "/var/lib/k0s",
    podCidr,
    serviceCidr,
  },
  version,
  ...download,
  // For a host that reaches neither k0s' releases nor a registry: where it finds the binary and its images instead.
  url: config.get("k0sUrl") ?? download.url,
  sha256: config.get("k0sSha256"),
  imageBundles: config.getObject<ImageBundle[]>("imageBundles"),
  k0sYaml: renderK0sConfig({
    host: { address, nodeAddress: address },
    apiEndpoint: `https://${address}:6443`,
    k0s: { podCidr, serviceCidr },
  }),
});

export const kubeconfig = host.kubeconfig;
