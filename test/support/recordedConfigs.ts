import { hostKey, leastConfig, privateKey } from "./config";
import { manifestsDir } from "./releases";
import { sshKeyPair } from "./sshKeys";
import { tls } from "./testTls";

const passphrase = "passphrase-of-the-jump-host";
const jumpKey = sshKeyPair({ passphrase, cipher: "aes256-cbc", rounds: 1 }).private;

/** The password of a registry; not a word that something else may have. */
export const registryPassword = "password-of-the-registry";

/** Texts that differ from run to run or are secret, by what the record has in their place. */
export const secretTexts: Record<string, string> = { privateKey, jumpKey, passphrase };

const large = { hostCpus: "4", hostMemoryMiB: "8192" };

const services = {
  api: {
    image: "registry.example/api:1",
    env: { MODE: "edge" },
    requests: { cpu: "20m", memory: "32Mi" },
    limits: { memory: "64Mi" },
    autoscaling: { minScale: 1, maxScale: 2 },
    probe: "/healthz",
    readyTimeoutSeconds: 120,
  },
  split: {
    image: "registry.example/split:2",
    revisionName: "split-v2",
    traffic: [
      { revisionName: "split-v1", percent: 80 },
      { latestRevision: true, percent: 20, tag: "next" },
    ],
  },
  silent: {
    image: "registry.example/silent:1",
    probe: false,
    namespace: "shop",
    domains: ["silent.example.com"],
  },
  local: {
    image: "registry.example/local:1",
    labels: { "networking.knative.dev/visibility": "cluster-local" },
  },
};

/** Configurations whose registrations are recorded, by the name of their file in test/record. */
export const recordedConfigs: Record<string, Record<string, string>> = Object.fromEntries(
  Object.entries<Record<string, string>>({
    // Nothing but what must be set: whatever the defaults are, MetalLB among them.
    default: {},
    scale: { resourcePolicy: "scale" },
    edge: { resourcePolicy: "edge" },
    // Where not all fits, one part comes after the other.
    crowded: { resourcePolicy: "upstream", allowOvercommit: "true", allow: '["memoryShort"]' },
    "upstream-large": { resourcePolicy: "upstream", ...large },
    "node-ip": { loadBalancer: "nodeIp", loadBalancerPool: "" },
    domain: { domain: "edge.example.com" },
    services: {
      resourcePolicy: "edge",
      sample: "false",
      ...large,
      services: JSON.stringify(services),
    },
    mirrors: {
      imageMirrors: JSON.stringify({
        "gcr.io/knative-releases/knative.dev/serving/cmd": "registry.lab/knative:v1.23.0",
        "docker.io": "registry.lab/docker",
        "quay.io/metallb": "registry.lab/metallb",
      }),
    },
    registries: {
      sample: "false",
      registries: JSON.stringify({
        "registry.example": { username: "edge", password: registryPassword, ca: tls.cert },
        "docker.io": { mirrors: ["registry.example/hub", "mirror.example:5000"] },
        "mirror.example:5000": { plainHttp: true },
      }),
      services: JSON.stringify({
        ours: { image: `registry.example/ours@sha256:${"a".repeat(64)}` },
        theirs: { image: `ghcr.io/theirs@sha256:${"b".repeat(64)}` },
      }),
    },
    "older-releases": {
      knativeVersion: "1.22.1",
      kourierVersion: "1.22.1",
      metallbVersion: "v0.15.3",
    },
    workers: {
      loadBalancer: "nodeIp",
      loadBalancerPool: "",
      hostMemoryMiB: "2048",
      workers: JSON.stringify([
        {
          name: "shelf",
          host: "192.168.56.11",
          sshHostKey: hostKey,
          cpus: "1",
          memoryMiB: 2048,
          labels: { disk: "fast" },
          taints: ["gpu=yes:PreferNoSchedule"],
        },
        {
          name: "attic",
          host: "attic.example.com",
          nodeAddress: "192.168.56.12",
          sshHostKey: hostKey,
          jumpHost: "host",
          cpus: 2,
          memoryMiB: 4096,
          generation: 2,
          abandon: true,
        },
      ]),
    },
    "jump-host": {
      sshUser: "edge",
      jumpHost: "198.51.100.1",
      jumpHostKey: hostKey,
      jumpPrivateKey: jumpKey,
      jumpPrivateKeyPassphrase: passphrase,
    },
  }).map(([name, changed]) => [name, { ...leastConfig, manifestsDir, ...changed }]),
);
