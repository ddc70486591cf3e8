/**
 * Facts about the releases that the tests use: which objects each has, and the fields of them that the program or a test
 * reads. test/support/releaseObjects.ts makes objects of them; test/lab/releases.test.ts compares those with the real ones.
 */

/** One object: `Kind name` or `Kind namespace/name`, and what else is known of it. */
export type Fact = string | [object: string, more: More];

/** What a fact says of an object besides its name. */
export interface More {
  /** Of the object; Knative's own are in {@link ReleaseFacts}. */
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  /** Of a ClusterRole whose rules the API server fills in: the label that it looks for. */
  aggregates?: string;
  /** Of a CustomResourceDefinition: `Kind version,version`; the last version is the stored one. */
  serves?: string;
  /** Of a ConfigMap: keys that its `_example` explains. */
  explains?: string;
  data?: Record<string, string>;
  /** Of a workload. */
  pod?: PodFacts;
  spec?: object;
  /** Of a webhook configuration: names of its webhooks. */
  webhooks?: string[];
}

/** The pod of a workload, which has one container in all releases. */
export interface PodFacts {
  /** `key=value` of its labels that the workload selects it by. */
  selector: string;
  container: string;
  image: string;
  /** Requests and limits as `cpu/memory cpu/memory`. */
  resources?: string;
  args?: string[];
  /** The container's GOGC. */
  gogc?: string;
  terminationGracePeriodSeconds?: number;
  hostNetwork?: boolean;
  /** Of the workload's spec beside the pod: replicas, strategy. */
  workload?: object;
}

/** The facts of one release. */
export interface ReleaseFacts {
  /** Labels that all its objects have, but for those whose facts have other ones. */
  labels?: Record<string, string>;
  /** By file. */
  files: Record<string, Fact[]>;
}

/** Folder of a release in a manifestsDir, and its facts. */
export function releaseFacts(): Record<string, ReleaseFacts> {
  return {
    "knative-1.22.1": serving("1.22.1"),
    "knative-1.23.0": serving("1.23.0"),
    "net-kourier-1.22.1": kourier("1.22.1"),
    "net-kourier-1.23.0": kourier("1.23.0"),
    "metallb-v0.15.3": metalLb("v0.15.3"),
    "metallb-v0.16.1": metalLb("v0.16.1"),
  };
}

type KnativeVersion = "1.22.1" | "1.23.0";

/** The sha256 of the images, by version and program. */
const digests: Record<KnativeVersion, Record<string, string>> = {
  "1.22.1": {
    queue: "b1af8bda6c1d32b1cf5fbf8f1f6068c5007a5cebf091039fdea83b88b1fd87f4",
    activator: "5deaef961fef8d1417f6d4a4dfae2fc338f2d30d72c4ad58c3ab392b2c04705b",
    autoscaler: "5bae38655d87df86b041083fbe51791816473245f752432ba9b85a7b12f73cd5",
    controller: "94329d85200c2fc31ed1166a26568ca1357376c149c147e71f400cf28be3c816",
    webhook: "8470456be214e93a84e3c7b79a632aa9978bd8ecda553feaa47878a2c24ab84d",
    kourier: "01abd2070ccf8680885c47990e42c05c09e30bc8595d9246f4dcd37f2220a2a2",
  },
  "1.23.0": {
    queue: "a3cc71ce80dbc6df8781f15eac2cf3531a4c9815271799afd8776bef9e6aeaf2",
    activator: "e5ab46f3b73fa2e3898fe47f6a3a0c2bd765596f4fb36ceb4c28c35d0a74b2e5",
    autoscaler: "879da127b23db65d862cafa6b23fb987381d0e44150f0027d44e1f5aee83bde2",
    controller: "ca5062ece0329d002a81940cf4268d7898866434d70049bb93f27d3a786d3292",
    webhook: "3846e9a416665c5b9ec2e4de246cfcb5c4ab0d01ba19348aa008caf30144b650",
    kourier: "eedfe3938f1efa93230863099f96400a0567909d383a585021f8727fa3a6cf0b",
  },
};

const knativeLabels = (version: string): Record<string, string> => ({
  "app.kubernetes.io/name": "knative-serving",
  "app.kubernetes.io/version": version,
});

function image(version: KnativeVersion, path: string): string {
  const program = path.replace(/.*\//, "");
  return `gcr.io/knative-releases/knative.dev/${path}@sha256:${digests[version][program]}`;
}

function serving(version: KnativeVersion): ReleaseFacts {
  const cmd = (program: string): string => image(version, `serving/cmd/${program}`);
  return {
    labels: knativeLabels(version),
    files: {
      "serving-crds.yaml": servingDefinitions,
      "serving-core.yaml": [
        "Namespace knative-serving",
        "Role knative-serving/knative-serving-activator",
        "ClusterRole knative-serving-activator-cluster",
        [
          "ClusterRole knative-serving-aggregated-addressable-resolver",
          { aggregates: "duck.knative.dev/addressable" },
        ],
        "ClusterRole knative-serving-addressable-resolver",
        "ClusterRole knative-serving-namespaced-admin",
        "ClusterRole knative-serving-namespaced-edit",
        "ClusterRole knative-serving-namespaced-view",
        "ClusterRole knative-serving-core",
        "ClusterRole knative-serving-podspecable-binding",
        "ServiceAccount knative-serving/controller",
        ["ClusterRole knative-serving-admin", { aggregates: "serving.knative.dev/controller" }],
        "ClusterRoleBinding knative-serving-controller-admin",
        "ClusterRoleBinding knative-serving-controller-addressable-resolver",
        "ServiceAccount knative-serving/activator",
        "RoleBinding knative-serving/knative-serving-activator",
        "ClusterRoleBinding knative-serving-activator-cluster",
        ...servingDefinitions,
        // The one object without Knative's labels, and the one that Knative's own webhook must admit.
        [
          "Certificate knative-serving/routing-serving-certs",
          {
            labels: { "networking.knative.dev/certificate-type": "system-internal" },
            annotations: {
              "networking.knative.dev/certificate.class":
                "cert-manager.certificate.networking.knative.dev",
            },
            spec: {
              dnsNames: ["kn-routing", "data-plane.knative.dev"],
              secretName: "routing-serving-certs",
            },
          },
        ],
        ["Image knative-serving/queue-proxy", { spec: { image: cmd("queue") } }],
        ...configMaps(version),
        ...autoscaled("knative-serving", "activator", 20),
        [
          "Deployment knative-serving/activator",
          {
            pod: {
              selector: "app=activator role=activator",
              container: "activator",
              image: cmd("activator"),
              resources: "300m/60Mi 1000m/600Mi",
              gogc: "500",
              terminationGracePeriodSeconds: 600,
            },
          },
        ],
        service(
          "knative-serving/activator-service",
          "app=activator",
          "9090 8008 80:8012 81:8013 443:8112",
          "ClusterIP",
        ),
        [
          "Deployment knative-serving/autoscaler",
          {
            pod: {
              selector: "app=autoscaler",
              container: "autoscaler",
              image: cmd("autoscaler"),
              resources: "100m/100Mi 1000m/1000Mi",
              workload: {
                replicas: 1,
                strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0 } },
              },
            },
          },
        ],
        service("knative-serving/autoscaler", "app=autoscaler", "9090 8008 8080"),
        [
          "Deployment knative-serving/controller",
          {
            pod: {
              selector: "app=controller",
              container: "controller",
              image: cmd("controller"),
              resources: "100m/100Mi 1000m/1000Mi",
            },
          },
        ],
        service("knative-serving/controller", "app=controller", "9090 8008"),
        ...autoscaled("knative-serving", "webhook", 5),
        [
          "Deployment knative-serving/webhook",
          {
            pod: {
              selector: "app=webhook role=webhook",
              container: "webhook",
              image: cmd("webhook"),
              resources: "100m/100Mi 500m/500Mi",
              terminationGracePeriodSeconds: 300,
            },
          },
        ],
        service("knative-serving/webhook", "app=webhook role=webhook", "9090 8008 443:8443"),
        ...[
          "ValidatingWebhookConfiguration config.webhook.serving.knative.dev",
          "MutatingWebhookConfiguration webhook.serving.knative.dev",
          "ValidatingWebhookConfiguration validation.webhook.serving.knative.dev",
        ].map((object): Fact => [object, { webhooks: object.split(" ").slice(1) }]),
        "Secret knative-serving/webhook-certs",
      ],
      "serving-default-domain.yaml": [
        [
          "Job knative-serving/default-domain",
          {
            pod: {
              selector: "app=default-domain",
              container: "default-domain",
              image: `gcr.io/knative-releases/knative.dev/serving/cmd/default-domain:v${version}`,
              resources: "100m/100Mi 1000m/1000Mi",
              args: ["-magic-dns=sslip.io"],
              workload: { backoffLimit: 10 },
            },
          },
        ],
        service(
          "knative-serving/default-domain-service",
          "app=default-domain",
          "80:8080",
          "ClusterIP",
        ),
      ],
    },
  };
}

const servingDefinitions: Fact[] = [
  definition("certificates.networking.internal.knative.dev", "Certificate v1alpha1"),
  definition("configurations.serving.knative.dev", "Configuration v1"),
  definition("clusterdomainclaims.networking.internal.knative.dev", "ClusterDomainClaim v1alpha1"),
  definition("domainmappings.serving.knative.dev", "DomainMapping v1beta1"),
  definition("ingresses.networking.internal.knative.dev", "Ingress v1alpha1"),
  definition("metrics.autoscaling.internal.knative.dev", "Metric v1alpha1"),
  definition("podautoscalers.autoscaling.internal.knative.dev", "PodAutoscaler v1alpha1"),
  definition("revisions.serving.knative.dev", "Revision v1"),
  definition("routes.serving.knative.dev", "Route v1"),
  definition("serverlessservices.networking.internal.knative.dev", "ServerlessService v1alpha1"),
  definition("services.serving.knative.dev", "Service v1"),
  definition("images.caching.internal.knative.dev", "Image v1alpha1"),
];

/** Knative Serving's ConfigMaps, each with the keys that its `_example` explains. */
function configMaps(version: KnativeVersion): Fact[] {
  const of = (name: string, explains: string, data?: Record<string, string>): Fact => [
    `ConfigMap knative-serving/config-${name}`,
    { explains, ...(data && { data }) },
  ];
  return [
    of(
      "autoscaler",
      "container-concurrency-target-percentage container-concurrency-target-default " +
        "requests-per-second-target-default target-burst-capacity stable-window " +
        "panic-window-percentage panic-threshold-percentage max-scale-up-rate " +
        "max-scale-down-rate enable-scale-to-zero scale-to-zero-grace-period " +
        "scale-to-zero-pod-retention-period pod-autoscaler-class activator-capacity " +
        "initial-scale allow-zero-initial-scale min-scale max-scale scale-down-delay " +
        "max-scale-limit",
    ),
    of("certmanager", "issuerRef clusterLocalIssuerRef systemInternalIssuerRef"),
    of(
      "defaults",
      "revision-timeout-seconds max-revision-timeout-seconds " +
        "revision-response-start-timeout-seconds revision-idle-timeout-seconds " +
        "revision-cpu-request revision-memory-request " +
        "revision-ephemeral-storage-request revision-cpu-limit revision-memory-limit " +
        "revision-ephemeral-storage-limit container-name-template " +
        "init-container-name-template container-concurrency " +
        "container-concurrency-max-limit allow-container-concurrency-zero " +
        "enable-service-links",
    ),
    of(
      "deployment",
      "registries-skipping-tag-resolving digest-resolution-timeout progress-deadline " +
        "queue-sidecar-cpu-request queue-sidecar-cpu-limit queue-sidecar-memory-request " +
        "queue-sidecar-memory-limit queue-sidecar-ephemeral-storage-request " +
        "queue-sidecar-ephemeral-storage-limit queue-sidecar-token-audiences " +
        "queue-sidecar-rootca queue-sidecar-tls-min-version " +
        "queue-sidecar-tls-max-version queue-sidecar-tls-cipher-suites " +
        "queue-sidecar-tls-curve-preferences runtime-class-name " +
        "pod-is-always-schedulable",
      { "queue-sidecar-image": image(version, "serving/cmd/queue") },
    ),
    of("domain", "svc.cluster.local example.com example.org"),
    of(
      "features",
      "secure-pod-defaults multi-container multi-container-probing " +
        "kubernetes.podspec-affinity kubernetes.podspec-topologyspreadconstraints " +
        "kubernetes.podspec-hostaliases kubernetes.podspec-nodeselector " +
        "kubernetes.podspec-tolerations kubernetes.podspec-fieldref " +
        "kubernetes.podspec-runtimeclassname kubernetes.podspec-dnspolicy " +
        "kubernetes.podspec-dnsconfig kubernetes.podspec-securitycontext " +
        "kubernetes.podspec-shareprocessnamespace kubernetes.podspec-hostipc " +
        "kubernetes.podspec-hostpid kubernetes.podspec-hostnetwork " +
        "kubernetes.podspec-priorityclassname kubernetes.podspec-schedulername " +
        "kubernetes.containerspec-addcapabilities tag-header-based-routing " +
        "autodetect-http2 kubernetes.podspec-volumes-emptydir " +
        "kubernetes.podspec-volumes-image kubernetes.podspec-volumes-hostpath " +
        "kubernetes.podspec-volumes-csi kubernetes.podspec-init-containers " +
        "kubernetes.podspec-persistent-volume-claim " +
        "kubernetes.podspec-persistent-volume-write " +
        "kubernetes.podspec-volumes-mount-propagation queueproxy.mount-podinfo " +
        "queueproxy.resource-defaults" +
        (version === "1.22.1" ? "" : " kubernetes.podspec-volumes-ephemeral"),
    ),
    of(
      "gc",
      "retain-since-create-time retain-since-last-active-time " +
        "min-non-active-revisions max-non-active-revisions",
    ),
    of("leader-election", "lease-duration renew-deadline retry-period buckets"),
    of(
      "logging",
      "zap-logger-config loglevel.controller loglevel.autoscaler loglevel.queueproxy " +
        "loglevel.webhook loglevel.activator loglevel.hpaautoscaler " +
        "loglevel.net-istio-controller loglevel.net-contour-controller " +
        "loglevel.net-kourier-controller loglevel.net-gateway-api-controller",
    ),
    of(
      "network",
      "ingress-class certificate-class namespace-wildcard-cert-selector " +
        "domain-template tag-template auto-tls external-domain-tls " +
        "cluster-local-domain-tls internal-encryption system-internal-tls http-protocol " +
        "rollout-duration autocreate-cluster-domain-claims " +
        "enable-mesh-pod-addressability mesh-compatibility-mode default-external-scheme",
    ),
    of(
      "observability",
      "logging.enable-var-log-collection logging.revision-url-template " +
        "logging.request-log-template logging.enable-request-log " +
        "logging.enable-probe-request-log metrics-protocol metrics-endpoint " +
        "metrics-export-interval request-metrics-protocol request-metrics-endpoint " +
        "request-metrics-export-interval runtime-profiling tracing-protocol " +
        "tracing-endpoint tracing-sampling-rate",
    ),
    of("tracing", ""),
  ];
}

function kourier(version: KnativeVersion): ReleaseFacts {
  const rolling = {
    strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: "100%" } },
  };
  return {
    labels: knativeLabels(version),
    files: {
      "kourier.yaml": [
        "Namespace kourier-system",
        ["ConfigMap kourier-system/kourier-bootstrap", { data: { "envoy-bootstrap.yaml": "" } }],
        [
          "ConfigMap knative-serving/config-kourier",
          {
            explains:
              "enable-service-access-logging service-access-log-template " +
              "enable-proxy-protocol cluster-cert-secret stream-idle-timeout enable-cryptomb " +
              "trusted-hops-count use-remote-address cipher-suites " +
              "disable-envoy-server-header extauthz-host extauthz-protocol " +
              "extauthz-failure-mode-allow extauthz-max-request-body-bytes extauthz-timeout " +
              "extauthz-path-prefix extauthz-pack-as-byte certs-secret-name " +
              "certs-secret-namespace tracing-endpoint tracing-protocol tracing-sampling-rate " +
              "tracing-service-name",
          },
        ],
        "ServiceAccount knative-serving/net-kourier",
        "ClusterRole net-kourier",
        "ClusterRoleBinding net-kourier",
        [
          "Deployment knative-serving/net-kourier-controller",
          {
            pod: {
              selector: "app=net-kourier-controller",
              container: "controller",
              image: image(version, "net-kourier/cmd/kourier"),
              resources: "200m/200Mi 1/500Mi",
              workload: { replicas: 1, ...rolling },
            },
          },
        ],
        service(
          "knative-serving/net-kourier-controller",
          "app=net-kourier-controller",
          "18000 9090",
          "ClusterIP",
        ),
        [
          "Deployment kourier-system/3scale-kourier-gateway",
          {
            pod: {
              selector: "app=3scale-kourier-gateway",
              container: "kourier-gateway",
              image: "docker.io/envoyproxy/envoy:v1.37-latest",
              resources: "200m/200Mi 1/800Mi",
              args: [
                "--base-id 1",
                "-c /tmp/config/envoy-bootstrap.yaml",
                "--log-level info",
                "--drain-time-s $(DRAIN_TIME_SECONDS)",
                "--drain-strategy immediate",
              ],
              terminationGracePeriodSeconds: 30,
              workload: rolling,
            },
          },
        ],
        service(
          "kourier-system/kourier",
          "app=3scale-kourier-gateway",
          "80:8080 443:8443",
          "LoadBalancer",
        ),
        service(
          "kourier-system/kourier-internal",
          "app=3scale-kourier-gateway",
          "80:8081 443:8444",
          "ClusterIP",
        ),
        ...autoscaled("kourier-system", "3scale-kourier-gateway", 10),
      ],
    },
  };
}

function metalLb(version: "v0.15.3" | "v0.16.1"): ReleaseFacts {
  const metrics = version === "v0.15.3" ? "--port=7472" : "--port=9120";
  const tls = version === "v0.15.3" ? ["--tls-min-version=VersionTLS12"] : [];
  const labelled = (object: string): Fact => [object, { labels: { app: "metallb" } }];
  const workload = (kind: string, name: string, pod: Partial<PodFacts>): Fact => [
    `${kind} metallb-system/${name}`,
    {
      labels: { app: "metallb", component: name },
      pod: {
        selector: `app=metallb component=${name}`,
        container: name,
        image: `quay.io/metallb/${name}:${version}`,
        ...pod,
      },
    },
  ];
  return {
    files: {
      "metallb-native.yaml": [
        [
          "Namespace metallb-system",
          {
            labels: Object.fromEntries(
              ["audit", "enforce", "warn"].map((mode) => [
                `pod-security.kubernetes.io/${mode}`,
                "privileged",
              ]),
            ),
          },
        ],
        definition("bfdprofiles.metallb.io", "BFDProfile v1beta1"),
        definition("bgpadvertisements.metallb.io", "BGPAdvertisement v1beta1"),
        definition("bgppeers.metallb.io", "BGPPeer v1beta1,v1beta2"),
        definition("communities.metallb.io", "Community v1beta1"),
        definition("configurationstates.metallb.io", "ConfigurationState v1beta1"),
        definition("ipaddresspools.metallb.io", "IPAddressPool v1beta1"),
        definition("l2advertisements.metallb.io", "L2Advertisement v1beta1"),
        definition("servicebgpstatuses.metallb.io", "ServiceBGPStatus v1beta1"),
        definition("servicel2statuses.metallb.io", "ServiceL2Status v1beta1"),
        ...[
          "ServiceAccount metallb-system/controller",
          "ServiceAccount metallb-system/speaker",
          "Role metallb-system/controller",
          "Role metallb-system/pod-lister",
          "ClusterRole metallb-system:controller",
          "ClusterRole metallb-system:speaker",
          "RoleBinding metallb-system/controller",
          "RoleBinding metallb-system/pod-lister",
          "ClusterRoleBinding metallb-system:controller",
          "ClusterRoleBinding metallb-system:speaker",
        ].map(labelled),
        ["ConfigMap metallb-system/metallb-excludel2", { data: { "excludel2.yaml": "" } }],
        "Secret metallb-system/metallb-webhook-cert",
        service("metallb-system/metallb-webhook-service", "component=controller", "443:9443"),
        workload("Deployment", "controller", {
          args: [metrics, "--log-level=info", ...tls],
          terminationGracePeriodSeconds: 0,
          workload: { revisionHistoryLimit: 3 },
        }),
        workload("DaemonSet", "speaker", {
          args: [metrics, "--log-level=info"],
          terminationGracePeriodSeconds: 2,
          hostNetwork: true,
        }),
        [
          "ValidatingWebhookConfiguration metallb-webhook-configuration",
          {
            webhooks: [
              "bgppeer",
              "bfdprofile",
              "bgpadvertisement",
              "community",
              "ipaddresspool",
              "l2advertisement",
            ].map((kind) => `${kind}${kind === "bgppeer" ? "s" : ""}validationwebhook.metallb.io`),
          },
        ],
      ],
    },
  };
}

function definition(name: string, serves: string): Fact {
  return [`CustomResourceDefinition ${name}`, { serves }];
}

/** A Service with ports as `port` or `port:targetPort`. */
function service(name: string, selector: string, ports: string, type?: string): Fact {
  const spec = {
    ports: ports.split(" ").map((each) => {
      const [port = "", targetPort = port] = each.split(":");
      return { port: Number(port), targetPort: Number(targetPort) };
    }),
    selector: Object.fromEntries(selector.split(" ").map((each) => each.split("="))) as object,
    ...(type && { type }),
  };
  return [`Service ${name}`, { spec }];
}

/** The autoscaler and the disruption budget of a Deployment. */
function autoscaled(namespace: string, name: string, maxReplicas: number): Fact[] {
  return [
    [
      `HorizontalPodAutoscaler ${namespace}/${name}`,
      {
        spec: {
          minReplicas: 1,
          maxReplicas,
          scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name },
          metrics: [
            {
              type: "Resource",
              resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 100 } },
            },
          ],
        },
      },
    ],
    [
      `PodDisruptionBudget ${namespace}/${name}-pdb`,
      { spec: { minAvailable: "80%", selector: { matchLabels: { app: name } } } },
    ],
  ];
}
