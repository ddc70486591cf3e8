/** Services that Knative's webhook admits or refuses, each of its rules at least once. */

type Json = Record<string, unknown>;

/** A Service, and what is said to it. */
export interface AdmissionCase {
  what: string;
  service: Json;
  /** Paths of what is refused; none where the Service is admitted. */
  refused: string[];
  /** Flags of config-features that it needs. */
  features: string[];
  /** What the user sets in Knative's ConfigMaps. */
  configMaps: Record<string, Record<string, string>>;
}

const image = "ghcr.io/knative/helloworld-go:latest";
const inRevision = "spec.template.spec";
const inContainer = `${inRevision}.containers[0]`;
const inTemplate = "spec.template.metadata";

/** A Service with other fields than the sample's. */
function service(fields: { metadata?: Json; template?: Json; revision?: Json; traffic?: unknown }) {
  const { metadata, template, revision, traffic } = fields;
  return {
    apiVersion: "serving.knative.dev/v1",
    kind: "Service",
    metadata: { name: "hello", namespace: "default", ...metadata },
    spec: {
      template: {
        ...(template && { metadata: template }),
        spec: { containers: [{ image }], ...revision },
      },
      ...(traffic !== undefined && { traffic }),
    },
  };
}

const withRevision = (revision: Json): Json => service({ revision });
const withContainer = (container: Json): Json =>
  withRevision({ containers: [{ image, ...container }] });
const withAnnotations = (annotations: Json): Json => service({ template: { annotations } });
const scaled = (name: string, value: unknown): Json =>
  withAnnotations({ [`autoscaling.knative.dev/${name}`]: value });
const withVolume = (source: Json, mount: Json = { readOnly: true }): Json =>
  withRevision({
    containers: [{ image, volumeMounts: [{ name: "data", mountPath: "/data", ...mount }] }],
    volumes: [{ name: "data", ...source }],
  });
const user = { image, ports: [{ containerPort: 8080 }] };
const sidecar = { image: "docker.io/library/busybox:1" };
const withSidecar = (fields: Json): Json =>
  withRevision({ containers: [user, { ...sidecar, ...fields }] });
const withInit = (fields: Json): Json =>
  withRevision({ initContainers: [{ ...sidecar, ...fields }] });

const annotation = (name: string): string => `${inTemplate}.annotations.${name}`;
const autoscaling = (name: string): string => annotation(`autoscaling.knative.dev/${name}`);
const podspec = (name: string): string => `kubernetes.podspec-${name}`;
const flag = (name: string, value: string) => ({ "config-features": { [name]: value } });

type Expected = Partial<Pick<AdmissionCase, "features" | "configMaps">>;

/** By topic: what it is, the Service, where it is refused, and what else is expected. */
const cases: Record<
  string,
  [what: string, service: Json, refused?: string | string[], Expected?][]
> = {
  metadata: [
    ["the sample", service({})],
    [
      "labels and annotations",
      service({ metadata: { labels: { team: "edge" }, annotations: { note: "x" } } }),
    ],
    ["no name", service({ metadata: { name: "" } }), "metadata.name"],
    ["a name that begins with a digit", service({ metadata: { name: "1st" } }), "metadata.name"],
    ["another namespace", service({ metadata: { namespace: "apps" } })],
    [
      "a namespace that cannot be",
      service({ metadata: { namespace: "my.apps" } }),
      "metadata.namespace",
    ],
    ["a name in capitals", service({ metadata: { name: "Hello" } }), "metadata.name"],
    ["a name of 64 characters", service({ metadata: { name: "a".repeat(64) } }), "metadata.name"],
    [
      "a label's value that is none",
      service({ metadata: { labels: { a: "b c" } } }),
      "metadata.labels.a",
    ],
    [
      "an annotation's key that is none",
      service({ metadata: { annotations: { "a b": "c" } } }),
      "metadata.annotations.a b",
    ],
    ["a label that is a number", service({ metadata: { labels: { a: 1 } } }), "metadata.labels.a"],
    [
      "min-scale on the Service",
      service({ metadata: { annotations: { "autoscaling.knative.dev/min-scale": "1" } } }),
      "metadata.annotations.autoscaling.knative.dev/min-scale",
    ],
    [
      "a rollout duration",
      service({ metadata: { annotations: { "serving.knative.dev/rollout-duration": "380s" } } }),
    ],
    [
      "a rollout duration that is none",
      service({ metadata: { annotations: { "serving.knative.dev/rollout-duration": "soon" } } }),
      "metadata.annotations.serving.knative.dev/rollout-duration",
    ],
    [
      "a rollout duration of parts of a second",
      service({ metadata: { annotations: { "serving.knative.dev/rolloutDuration": "1500ms" } } }),
      "metadata.annotations.serving.knative.dev/rolloutDuration",
    ],
    [
      "a rollout duration below 0",
      service({ metadata: { annotations: { "serving.knative.dev/rollout-duration": "-1s" } } }),
      "metadata.annotations.serving.knative.dev/rollout-duration",
    ],
  ],
  "the template's name": [
    ["a revision's name", service({ template: { name: "hello-v1" } })],
    [
      "another Service's revision",
      service({ template: { name: "hallo-v1" } }),
      `${inTemplate}.name`,
    ],
    [
      "a revision's name in capitals",
      service({ template: { name: "hello-V1" } }),
      `${inTemplate}.name`,
    ],
    [
      "a revision's name of 64 characters",
      service({ template: { name: `hello-${"a".repeat(58)}` } }),
      `${inTemplate}.name`,
    ],
    ["a prefix for names", service({ template: { generateName: "hello-" } })],
    [
      "a prefix that begins no name",
      service({ template: { generateName: "-hello" } }),
      `${inTemplate}.generateName`,
    ],
  ],
  "the template's annotations": [
    [
      "scales",
      withAnnotations({
        "autoscaling.knative.dev/min-scale": "1",
        "autoscaling.knative.dev/max-scale": "3",
      }),
    ],
    ["a scale that is a number", scaled("min-scale", 1), autoscaling("min-scale")],
    ["a scale below 0", scaled("min-scale", "-1"), autoscaling("min-scale")],
    ["a scale that is no number", scaled("maxScale", "many"), autoscaling("maxScale")],
    ["a scale above 32 bits", scaled("max-scale", "2147483648"), autoscaling("max-scale")],
    [
      "min-scale above max-scale",
      withAnnotations({
        "autoscaling.knative.dev/min-scale": "3",
        "autoscaling.knative.dev/max-scale": "1",
      }),
      autoscaling("min-scale"),
    ],
    [
      "no max-scale under a limit",
      scaled("max-scale", "0"),
      autoscaling("max-scale"),
      { configMaps: limited(5) },
    ],
    [
      "max-scale above the limit",
      scaled("max-scale", "6"),
      autoscaling("max-scale"),
      { configMaps: limited(5) },
    ],
    ["max-scale within the limit", scaled("max-scale", "5"), [], { configMaps: limited(5) }],
    ["activation-scale", scaled("activation-scale", "2")],
    ["activation-scale 1", scaled("activation-scale", "1"), autoscaling("activation-scale")],
    [
      "activation-scale above max-scale",
      withAnnotations({
        "autoscaling.knative.dev/activation-scale": "4",
        "autoscaling.knative.dev/max-scale": "3",
      }),
      autoscaling("activation-scale"),
    ],
    [
      "activation-scale below min-scale",
      withAnnotations({
        "autoscaling.knative.dev/activation-scale": "4",
        "autoscaling.knative.dev/min-scale": "5",
      }),
      autoscaling("activation-scale"),
    ],
    ["initial-scale 0", scaled("initial-scale", "0"), autoscaling("initial-scale")],
    [
      "initial-scale 0 where it is allowed",
      scaled("initial-scale", "0"),
      [],
      { configMaps: { "config-autoscaler": { "allow-zero-initial-scale": "true" } } },
    ],
    ["initial-scale below 0", scaled("initialScale", "-1"), autoscaling("initialScale")],
    [
      "a class of Knative's that it has not",
      scaled("class", "vpa.autoscaling.knative.dev"),
      autoscaling("class"),
    ],
    ["a class of somebody else's", scaled("class", "keda.example.com")],
    ["a metric", scaled("metric", "rps")],
    ["a metric of another class", scaled("metric", "cpu"), autoscaling("metric")],
    [
      "an algorithm that is none",
      withAnnotations({
        "autoscaling.knative.dev/class": "kpa.autoscaling.knative.dev",
        "autoscaling.knative.dev/metric-aggregation-algorithm": "median",
      }),
      autoscaling("metric-aggregation-algorithm"),
    ],
    ["a target", scaled("target", "0.01")],
    ["a target below the least", scaled("target", "0"), autoscaling("target")],
    ["a target that is no number", scaled("target", "ten"), autoscaling("target")],
    [
      "a utilization above 100 %",
      scaled("target-utilization-percentage", "101"),
      autoscaling("target-utilization-percentage"),
    ],
    ["a burst capacity without bound", scaled("target-burst-capacity", "-1")],
    [
      "a burst capacity below 0",
      scaled("targetBurstCapacity", "-2"),
      autoscaling("targetBurstCapacity"),
    ],
    [
      "a panic window out of range",
      scaled("panic-window-percentage", "0.5"),
      autoscaling("panic-window-percentage"),
    ],
    [
      "a panic threshold out of range",
      scaled("panic-threshold-percentage", "100"),
      autoscaling("panic-threshold-percentage"),
    ],
    ["a window", scaled("window", "1m30s")],
    ["a window that is too short", scaled("window", "5s"), autoscaling("window")],
    ["a window with parts of a second", scaled("window", "6500ms"), autoscaling("window")],
    ["a window without a unit", scaled("window", "60"), autoscaling("window")],
    ["a retention", scaled("scale-to-zero-pod-retention-period", "1500ms")],
    [
      "a retention above an hour",
      scaled("scale-to-zero-pod-retention-period", "61m"),
      autoscaling("scale-to-zero-pod-retention-period"),
    ],
    ["a delay", scaled("scale-down-delay", "15m")],
    [
      "a delay with parts of a second",
      scaled("scale-down-delay", "1.5s"),
      autoscaling("scale-down-delay"),
    ],
    [
      "an ingress class",
      withAnnotations({
        "networking.knative.dev/ingress-class": "kourier.ingress.networking.knative.dev",
      }),
    ],
    [
      "the visibility on the template",
      withAnnotations({ "networking.knative.dev/visibility": "cluster-local" }),
      annotation("networking.knative.dev/visibility"),
    ],
    [
      "requests of queue-proxy",
      withAnnotations({ "queue.sidecar.serving.knative.dev/cpu-resource-request": "10m" }),
    ],
    [
      "requests of queue-proxy that are none",
      withAnnotations({ "queue.sidecar.serving.knative.dev/memory-resource-limit": "much" }),
      annotation("queue.sidecar.serving.knative.dev/memory-resource-limit"),
    ],
    [
      "a share of queue-proxy",
      withAnnotations({ "queue.sidecar.serving.knative.dev/resource-percentage": "20" }),
    ],
    [
      "a share of queue-proxy that is too small",
      withAnnotations({ "queue.sidecar.serving.knative.dev/resource-percentage": "0" }),
      annotation("queue.sidecar.serving.knative.dev/resource-percentage"),
    ],
    ["a progress deadline", withAnnotations({ "serving.knative.dev/progress-deadline": "5m" })],
    [
      "a progress deadline that is none",
      withAnnotations({ "serving.knative.dev/progress-deadline": "5" }),
      annotation("serving.knative.dev/progress-deadline"),
    ],
  ],
  traffic: [
    ["traffic to the latest", service({ traffic: [{ latestRevision: true, percent: 100 }] })],
    ["no target", service({ traffic: [] })],
    [
      "traffic to two, with a tag",
      service({
        traffic: [
          { revisionName: "hello-v1", percent: 80 },
          { latestRevision: true, percent: 20, tag: "next" },
        ],
      }),
    ],
    [
      "percents that add to 90",
      service({ traffic: [{ latestRevision: true, percent: 90 }] }),
      "spec.traffic",
    ],
    [
      "percents out of range",
      service({
        traffic: [
          { latestRevision: true, percent: 150 },
          { revisionName: "hello-v1", percent: -50 },
        ],
      }),
      ["spec.traffic[0].percent", "spec.traffic[1].percent"],
    ],
    [
      "a tag in capitals",
      service({ traffic: [{ latestRevision: true, percent: 100, tag: "Next" }] }),
      "spec.traffic[0].tag",
    ],
    [
      "a tag of 64 characters",
      service({ traffic: [{ latestRevision: true, percent: 100, tag: "a".repeat(64) }] }),
      "spec.traffic[0].tag",
    ],
    [
      "the same tag twice",
      service({
        traffic: [
          { latestRevision: true, percent: 100, tag: "a" },
          { revisionName: "hello-v1", tag: "a" },
        ],
      }),
      "spec.traffic[1].tag",
    ],
    [
      "a revision that cannot be",
      service({ traffic: [{ revisionName: "hello v1", percent: 100 }] }),
      "spec.traffic[0].revisionName",
    ],
    [
      "a revision and the latest",
      service({ traffic: [{ revisionName: "hello-v1", latestRevision: true, percent: 100 }] }),
      "spec.traffic[0].latestRevision",
    ],
    [
      "neither a revision nor the latest",
      service({ traffic: [{ latestRevision: false, percent: 100 }] }),
      "spec.traffic[0].latestRevision",
    ],
    [
      "a configuration",
      service({ traffic: [{ configurationName: "hello", percent: 100 }] }),
      "spec.traffic[0].configurationName",
    ],
    [
      "a URL",
      service({ traffic: [{ latestRevision: true, percent: 100, url: "http://a.example" }] }),
      "spec.traffic[0].url",
    ],
    [
      "a percent that is a text",
      service({ traffic: [{ latestRevision: true, percent: "100" }] }),
      ["spec.traffic[0].percent", "spec.traffic"],
    ],
  ],
  "fields of a revision": [
    [
      "what a revision has",
      withRevision({
        containerConcurrency: 10,
        timeoutSeconds: 60,
        responseStartTimeoutSeconds: 30,
        idleTimeoutSeconds: 0,
        serviceAccountName: "runner",
        enableServiceLinks: false,
        imagePullSecrets: [{ name: "login" }],
      }),
    ],
    ["no template", { ...service({}), spec: {} }, `${inRevision}.containers`],
    ["no containers", withRevision({ containers: [] }), `${inRevision}.containers`],
    [
      "a concurrency below 0",
      withRevision({ containerConcurrency: -1 }),
      `${inRevision}.containerConcurrency`,
    ],
    [
      "a concurrency above the limit",
      withRevision({ containerConcurrency: 1001 }),
      `${inRevision}.containerConcurrency`,
    ],
    [
      "a concurrency within a higher limit",
      withRevision({ containerConcurrency: 1001 }),
      [],
      { configMaps: { "config-defaults": { "container-concurrency-max-limit": "2000" } } },
    ],
    [
      "a concurrency of 0 where it is not allowed",
      withRevision({ containerConcurrency: 0 }),
      `${inRevision}.containerConcurrency`,
      {
        configMaps: {
          "config-defaults": {
            "allow-container-concurrency-zero": "false",
            "container-concurrency": "10",
          },
        },
      },
    ],
    [
      "a timeout above the limit",
      withRevision({ timeoutSeconds: 601 }),
      `${inRevision}.timeoutSeconds`,
    ],
    [
      "a timeout within a higher limit",
      withRevision({ timeoutSeconds: 601 }),
      [],
      { configMaps: { "config-defaults": { "max-revision-timeout-seconds": "900" } } },
    ],
    [
      "a ServiceAccount that cannot be",
      withRevision({ serviceAccountName: "a b" }),
      `${inRevision}.serviceAccountName`,
    ],
    ["no token of the ServiceAccount", withRevision({ automountServiceAccountToken: false })],
    [
      "a token of the ServiceAccount by force",
      withRevision({ automountServiceAccountToken: true }),
      `${inRevision}.automountServiceAccountToken`,
    ],
    [
      "the same pull secret twice",
      withRevision({ imagePullSecrets: [{ name: "a" }, { name: "a" }] }),
      `${inRevision}.imagePullSecrets[1].name`,
    ],
    [
      "a field of pods that Knative does not take",
      withRevision({ terminationGracePeriodSeconds: 10 }),
      `${inRevision}.terminationGracePeriodSeconds`,
    ],
    [
      "a misspelled field",
      withRevision({ containerConcurency: 10 }),
      `${inRevision}.containerConcurency`,
    ],
  ],
  "fields of a pod that need a flag": [
    [
      "affinity",
      withRevision({
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [{ matchExpressions: [{ key: "a", operator: "Exists" }] }],
            },
          },
        },
      }),
      [],
      { features: [podspec("affinity")] },
    ],
    [
      "spread constraints",
      withRevision({
        topologySpreadConstraints: [
          { maxSkew: 1, topologyKey: "a", whenUnsatisfiable: "DoNotSchedule" },
        ],
      }),
      [],
      { features: [podspec("topologyspreadconstraints")] },
    ],
    [
      "host aliases",
      withRevision({ hostAliases: [{ ip: "192.0.2.1", hostnames: ["a"] }] }),
      [],
      { features: [podspec("hostaliases")] },
    ],
    [
      "a node selector",
      withRevision({ nodeSelector: { arch: "arm64" } }),
      [],
      { features: [podspec("nodeselector")] },
    ],
    [
      "a runtime class",
      withRevision({ runtimeClassName: "crun" }),
      [],
      { features: [podspec("runtimeclassname")] },
    ],
    [
      "tolerations",
      withRevision({ tolerations: [{ key: "a", operator: "Exists" }] }),
      [],
      { features: [podspec("tolerations")] },
    ],
    [
      "no tolerations at all",
      withRevision({ tolerations: [] }),
      [],
      { features: [podspec("tolerations")] },
    ],
    [
      "a security context",
      withRevision({
        securityContext: { runAsUser: 1000, fsGroup: 1000, supplementalGroups: [5] },
      }),
      [],
      { features: [podspec("securitycontext")] },
    ],
    [
      "a security context with ids that cannot be",
      withRevision({
        securityContext: { runAsUser: -1, fsGroup: 2 ** 31, supplementalGroups: [-5] },
      }),
      [
        `${inRevision}.securityContext.runAsUser`,
        `${inRevision}.securityContext.fsGroup`,
        `${inRevision}.securityContext.supplementalGroups[0]`,
      ],
      { features: [podspec("securitycontext")] },
    ],
    [
      "a security context that Knative does not take",
      withRevision({ securityContext: { sysctls: [] } }),
      `${inRevision}.securityContext.sysctls`,
      { features: [podspec("securitycontext")] },
    ],
    [
      "a seccomp profile beside secure defaults",
      withRevision({ securityContext: { seccompProfile: { type: "Unconfined" } } }),
      [],
      { configMaps: flag("secure-pod-defaults", "enabled") },
    ],
    [
      "a shared process namespace",
      withRevision({ shareProcessNamespace: true }),
      [],
      { features: [podspec("shareprocessnamespace")] },
    ],
    [
      "a priority class",
      withRevision({ priorityClassName: "low" }),
      [],
      { features: [podspec("priorityclassname")] },
    ],
    [
      "a scheduler",
      withRevision({ schedulerName: "mine" }),
      [],
      { features: [podspec("schedulername")] },
    ],
    [
      "a DNS policy and its settings",
      withRevision({
        dnsPolicy: "None",
        dnsConfig: { nameservers: ["192.0.2.1"], options: [{ name: "ndots", value: "1" }] },
      }),
      [],
      { features: [podspec("dnsconfig"), podspec("dnspolicy")] },
    ],
    [
      "the host's namespaces",
      withRevision({ hostNetwork: true, hostPID: true, hostIPC: true }),
      [],
      { features: [podspec("hostipc"), podspec("hostnetwork"), podspec("hostpid")] },
    ],
    ["not the host's namespaces", withRevision({ hostNetwork: false, dnsPolicy: "" })],
    [
      "a node selector that the user switched off",
      withRevision({ nodeSelector: { a: "b" } }),
      `${inRevision}.nodeSelector`,
      { configMaps: flag(podspec("nodeselector"), "Disabled") },
    ],
    [
      "a node selector that the user allows",
      withRevision({ nodeSelector: { a: "b" } }),
      [],
      { configMaps: flag(podspec("nodeselector"), "allowed") },
    ],
    [
      "a node selector of numbers",
      withRevision({ nodeSelector: { a: 1 } }),
      `${inRevision}.nodeSelector.a`,
      { features: [podspec("nodeselector")] },
    ],
  ],
  containers: [
    [
      "what a container has",
      withContainer({
        name: "app",
        command: ["/app"],
        args: ["-v"],
        workingDir: "/",
        imagePullPolicy: "Always",
        terminationMessagePath: "/log",
        terminationMessagePolicy: "File",
        resources: { requests: { cpu: "10m", memory: 33554432 }, limits: { cpu: 1 } },
      }),
    ],
    ["no image", withRevision({ containers: [{}] }), `${inContainer}.image`],
    ["an image that is none", withContainer({ image: "docker.io/a b" }), `${inContainer}.image`],
    ["an image with capitals", withContainer({ image: "docker.io/App:1" }), `${inContainer}.image`],
    ["an image of one letter", withContainer({ image: "a" }), `${inContainer}.image`],
    [
      "an image by digest",
      withContainer({ image: `localhost:5000/app:1@sha256:${"a".repeat(64)}` }),
    ],
    [
      "an image by half a digest",
      withContainer({ image: "app@sha256:aa" }),
      `${inContainer}.image`,
    ],
    ["the name of queue-proxy", withContainer({ name: "queue-proxy" }), `${inContainer}.name`],
    [
      "lifecycle hooks",
      withContainer({ lifecycle: { preStop: { exec: { command: ["sleep", "1"] } } } }),
      `${inContainer}.lifecycle`,
    ],
    ["stdin", withContainer({ stdin: true }), `${inContainer}.stdin`],
    [
      "a termination message policy that is none",
      withContainer({ terminationMessagePolicy: "Logs" }),
      `${inContainer}.terminationMessagePolicy`,
    ],
    ["arguments that are numbers", withContainer({ args: [1] }), `${inContainer}.args[0]`],
    [
      "a request that is no quantity",
      withContainer({ resources: { requests: { cpu: "much" } } }),
      `${inContainer}.resources.requests.cpu`,
    ],
    [
      "resource claims",
      withContainer({ resources: { claims: [{ name: "gpu" }] } }),
      `${inContainer}.resources.claims`,
    ],
  ],
  environment: [
    ["variables", withContainer({ env: [{ name: "A", value: "b" }, { name: "C" }] })],
    [
      "a variable without a name",
      withContainer({ env: [{ value: "b" }] }),
      `${inContainer}.env[0].name`,
    ],
    [
      "a variable of Knative's own",
      withContainer({ env: [{ name: "PORT", value: "80" }] }),
      `${inContainer}.env[0].name`,
    ],
    [
      "a variable that is a number",
      withContainer({ env: [{ name: "A", value: 1 }] }),
      `${inContainer}.env[0].value`,
    ],
    [
      "a variable twice",
      withContainer({
        env: [
          { name: "A", value: "1" },
          { name: "A", value: "2" },
        ],
      }),
      `${inContainer}.env[1].name`,
    ],
    [
      "variables from a Secret and a ConfigMap",
      withContainer({
        env: [
          { name: "A", valueFrom: { secretKeyRef: { name: "s", key: "k" } } },
          { name: "B", valueFrom: { configMapKeyRef: { name: "c", key: "k" } } },
        ],
      }),
    ],
    [
      "a key of a Secret that is missing",
      withContainer({ env: [{ name: "A", valueFrom: { secretKeyRef: { name: "s" } } }] }),
      `${inContainer}.env[0].valueFrom.secretKeyRef.key`,
    ],
    [
      "variables from fields of the pod",
      withContainer({
        env: [
          { name: "A", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
          { name: "B", valueFrom: { resourceFieldRef: { resource: "limits.cpu" } } },
        ],
      }),
      [],
      { features: [podspec("fieldref")] },
    ],
    [
      "all of a Secret and of a ConfigMap",
      withContainer({
        envFrom: [{ secretRef: { name: "s" } }, { prefix: "C_", configMapRef: { name: "c" } }],
      }),
    ],
    [
      "neither a Secret nor a ConfigMap",
      withContainer({ envFrom: [{ prefix: "C_" }] }),
      `${inContainer}.envFrom[0]`,
    ],
    [
      "both a Secret and a ConfigMap",
      withContainer({ envFrom: [{ secretRef: { name: "s" }, configMapRef: { name: "c" } }] }),
      `${inContainer}.envFrom[0]`,
    ],
  ],
  ports: [
    ["a port", withContainer({ ports: [{ name: "h2c", containerPort: 9000, protocol: "TCP" }] })],
    [
      "two ports",
      withContainer({ ports: [{ containerPort: 8080 }, { containerPort: 8081 }] }),
      `${inRevision}.containers`,
    ],
    [
      "a port of queue-proxy",
      withContainer({ ports: [{ containerPort: 8012 }] }),
      `${inContainer}.ports[0].containerPort`,
    ],
    [
      "a port that cannot be",
      withContainer({ ports: [{ containerPort: 65536 }] }),
      `${inContainer}.ports[0].containerPort`,
    ],
    [
      "a port of UDP",
      withContainer({ ports: [{ containerPort: 53, protocol: "UDP" }] }),
      `${inContainer}.ports[0].protocol`,
    ],
    [
      "a port with a name of its own",
      withContainer({ ports: [{ name: "web", containerPort: 80 }] }),
      `${inContainer}.ports[0].name`,
    ],
    [
      "a port of the host",
      withContainer({ ports: [{ containerPort: 80, hostPort: 80 }] }),
      `${inContainer}.ports[0].hostPort`,
    ],
  ],
  probes: [
    [
      "probes",
      withContainer({
        ports: [{ name: "http1", containerPort: 8080 }],
        livenessProbe: {
          httpGet: { path: "/", port: 8080, httpHeaders: [{ name: "A", value: "b" }] },
        },
        readinessProbe: { tcpSocket: { port: "http1" } },
        startupProbe: { exec: { command: ["true"] } },
      }),
    ],
    ["a probe by gRPC", withContainer({ readinessProbe: { grpc: { port: 8080 } } })],
    [
      "a readiness probe without an action",
      withContainer({ readinessProbe: { initialDelaySeconds: 3 } }),
    ],
    [
      "a liveness probe without an action",
      withContainer({ livenessProbe: { initialDelaySeconds: 3 } }),
      `${inContainer}.livenessProbe`,
    ],
    [
      "a probe with two actions",
      withContainer({ livenessProbe: { exec: { command: ["true"] }, tcpSocket: { port: 8080 } } }),
      `${inContainer}.livenessProbe`,
    ],
    [
      "a probe of another port",
      withContainer({ livenessProbe: { httpGet: { path: "/", port: "admin" } } }),
      `${inContainer}.livenessProbe.httpGet.port`,
    ],
    [
      "a probe of the port in quotes",
      withContainer({ readinessProbe: { tcpSocket: { port: "8080" } } }),
      `${inContainer}.readinessProbe.tcpSocket.port`,
    ],
    [
      "times of a readiness probe",
      withContainer({
        readinessProbe: {
          periodSeconds: 5,
          timeoutSeconds: 2,
          failureThreshold: 2,
          successThreshold: 2,
        },
      }),
    ],
    [
      "a timeout without a period",
      withContainer({ readinessProbe: { timeoutSeconds: 2, failureThreshold: 3 } }),
      [
        `${inContainer}.readinessProbe.timeoutSeconds`,
        `${inContainer}.readinessProbe.failureThreshold`,
      ],
    ],
    [
      "times below 0",
      withContainer({
        readinessProbe: { periodSeconds: -1, initialDelaySeconds: -1, successThreshold: -1 },
      }),
      ["periodSeconds", "initialDelaySeconds", "successThreshold"].map(
        (name) => `${inContainer}.readinessProbe.${name}`,
      ),
    ],
    [
      "a grace period of a probe",
      withContainer({
        livenessProbe: { exec: { command: ["true"] }, terminationGracePeriodSeconds: 5 },
      }),
      `${inContainer}.livenessProbe.terminationGracePeriodSeconds`,
    ],
  ],
  "security of a container": [
    [
      "a security context",
      withContainer({
        securityContext: {
          runAsUser: 1000,
          runAsGroup: 1000,
          runAsNonRoot: true,
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          privileged: false,
          capabilities: { drop: ["ALL"] },
          seccompProfile: { type: "RuntimeDefault" },
        },
      }),
    ],
    [
      "privileges",
      withContainer({ securityContext: { privileged: true } }),
      `${inContainer}.securityContext.privileged`,
    ],
    [
      "a user that cannot be",
      withContainer({ securityContext: { runAsUser: 2 ** 31, runAsGroup: -1 } }),
      [`${inContainer}.securityContext.runAsUser`, `${inContainer}.securityContext.runAsGroup`],
    ],
    [
      "more capabilities",
      withContainer({ securityContext: { capabilities: { add: ["NET_ADMIN"] } } }),
      [],
      { features: ["kubernetes.containerspec-addcapabilities"] },
    ],
    [
      "more capabilities where they are only allowed",
      withContainer({ securityContext: { capabilities: { add: ["NET_ADMIN"] } } }),
      `${inContainer}.securityContext.capabilities.add`,
      { configMaps: flag("kubernetes.containerspec-addcapabilities", "allowed") },
    ],
    [
      "the capability for low ports beside secure defaults",
      withContainer({ securityContext: { capabilities: { add: ["NET_BIND_SERVICE"] } } }),
      [],
      { configMaps: flag("secure-pod-defaults", "AllowRootBounded") },
    ],
    [
      "capabilities dropped in lower case",
      withContainer({ securityContext: { capabilities: { drop: ["all"] } } }),
    ],
    [
      "a seccomp profile without a type",
      withContainer({ securityContext: { seccompProfile: {} } }),
      `${inContainer}.securityContext.seccompProfile.type`,
    ],
    [
      "options of SELinux",
      withContainer({ securityContext: { seLinuxOptions: {} } }),
      `${inContainer}.securityContext.seLinuxOptions`,
    ],
  ],
  volumes: [
    [
      "a Secret",
      withVolume({
        secret: { secretName: "s", items: [{ key: "k", path: "p" }], defaultMode: 0o400 },
      }),
    ],
    ["a ConfigMap, not said to be read-only", withVolume({ configMap: { name: "c" } }, {})],
    [
      "a projection",
      withVolume({
        projected: {
          sources: [
            { secret: { name: "s" } },
            { configMap: { name: "c", items: [{ key: "k", path: "p" }] } },
            { serviceAccountToken: { path: "token", expirationSeconds: 600 } },
            {
              downwardAPI: {
                items: [{ path: "labels", fieldRef: { fieldPath: "metadata.labels" } }],
              },
            },
          ],
        },
      }),
    ],
    [
      "a projection of nothing",
      withVolume({ projected: { sources: [{}] } }),
      `${inRevision}.volumes[0].projected.sources[0]`,
    ],
    [
      "a projection without a name",
      withVolume({ projected: { sources: [{ secret: {} }] } }),
      `${inRevision}.volumes[0].projected.sources[0].secret.name`,
    ],
    [
      "a token without a path",
      withVolume({ projected: { sources: [{ serviceAccountToken: { path: "" } }] } }),
      `${inRevision}.volumes[0].projected.sources[0].serviceAccountToken.path`,
    ],
    [
      "a field of the pod that is not said",
      withVolume({ projected: { sources: [{ downwardAPI: { items: [{ path: "a" }] } }] } }),
      `${inRevision}.volumes[0].projected.sources[0].downwardAPI.items[0]`,
    ],
    [
      "an item without a path",
      withVolume({ secret: { secretName: "s", items: [{ key: "k", path: "" }] } }),
      `${inRevision}.volumes[0].secret.items[0].path`,
    ],
    ["an empty folder", withVolume({ emptyDir: { medium: "Memory", sizeLimit: "10Mi" } }, {})],
    [
      "an empty folder that the user switched off",
      withVolume({ emptyDir: {} }, {}),
      `${inRevision}.volumes[0].emptyDir`,
      { configMaps: flag(podspec("volumes-emptydir"), "disabled") },
    ],
    [
      "an empty folder on a disk that is none",
      withVolume({ emptyDir: { medium: "Disk" } }, {}),
      `${inRevision}.volumes[0].emptyDir.medium`,
    ],
    [
      "an empty folder below 0",
      withVolume({ emptyDir: { sizeLimit: "-1Mi" } }, {}),
      `${inRevision}.volumes[0].emptyDir.sizeLimit`,
    ],
    [
      "a claim",
      withVolume({ persistentVolumeClaim: { claimName: "p" } }, {}),
      [],
      { features: [podspec("persistent-volume-claim"), podspec("persistent-volume-write")] },
    ],
    [
      "a claim to read",
      withVolume({ persistentVolumeClaim: { claimName: "p", readOnly: true } }),
      [],
      { features: [podspec("persistent-volume-claim")] },
    ],
    [
      "a claim to read, mounted to write",
      withVolume({ persistentVolumeClaim: { claimName: "p", readOnly: true } }, {}),
      `${inRevision}.containers[0].volumeMounts[0].readOnly`,
      { features: [podspec("persistent-volume-claim")] },
    ],
    [
      "a folder of the host",
      withVolume({ hostPath: { path: "/srv" } }, { readOnly: true }),
      [],
      { features: [podspec("volumes-hostpath")] },
    ],
    [
      "a volume of a driver",
      withVolume({ csi: { driver: "a.example" } }),
      [],
      { features: [podspec("volumes-csi")] },
    ],
    [
      "a claim for the pod's life",
      withVolume(
        {
          ephemeral: {
            volumeClaimTemplate: {
              spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
            },
          },
        },
        {},
      ),
      [],
      { features: [podspec("volumes-ephemeral")] },
    ],
    [
      "an image",
      withVolume({ image: { reference: "a.example/data:1" } }),
      [],
      { features: [podspec("volumes-image")] },
    ],
    [
      "an image without a name",
      withVolume({ image: { pullPolicy: "Sometimes" } }),
      [`${inRevision}.volumes[0].image.reference`, `${inRevision}.volumes[0].image.pullPolicy`],
      { features: [podspec("volumes-image")] },
    ],
    [
      "a volume of another kind",
      withVolume({ nfs: { server: "a", path: "/" } }),
      [`${inRevision}.volumes[0].nfs`, `${inRevision}.volumes[0]`],
    ],
    [
      "two kinds of volume in one",
      withVolume({ secret: { secretName: "s" }, configMap: { name: "c" } }),
      `${inRevision}.volumes[0]`,
    ],
    [
      "a volume that no container mounts",
      withRevision({ volumes: [{ name: "data", emptyDir: {} }] }),
      `${inRevision}.volumes[0].name`,
    ],
    [
      "a volume's name that cannot be",
      withRevision({
        volumes: [{ name: "my data", emptyDir: {} }],
        containers: [{ image, volumeMounts: [{ name: "my data", mountPath: "/data" }] }],
      }),
      `${inRevision}.volumes[0].name`,
    ],
    [
      "the same volume twice",
      withRevision({
        volumes: [
          { name: "data", emptyDir: {} },
          { name: "data", emptyDir: {} },
        ],
        containers: [{ image, volumeMounts: [{ name: "data", mountPath: "/data" }] }],
      }),
      `${inRevision}.volumes[1].name`,
    ],
    [
      "a volume that is not there",
      withContainer({ volumeMounts: [{ name: "data", mountPath: "/data", readOnly: true }] }),
      `${inContainer}.volumeMounts[0].name`,
    ],
    [
      "the root as the place",
      withVolume({ emptyDir: {} }, { mountPath: "/./" }),
      `${inContainer}.volumeMounts[0].mountPath`,
    ],
    [
      "a place that is not absolute",
      withVolume({ emptyDir: {} }, { mountPath: "data" }),
      `${inContainer}.volumeMounts[0].mountPath`,
    ],
    [
      "no place",
      withVolume({ emptyDir: {} }, { mountPath: "" }),
      `${inContainer}.volumeMounts[0].mountPath`,
    ],
    [
      "the same place twice",
      withRevision({
        volumes: [{ name: "data", emptyDir: {} }],
        containers: [
          {
            image,
            volumeMounts: [
              { name: "data", mountPath: "/data" },
              { name: "data", mountPath: "/data/", subPath: "b" },
            ],
          },
        ],
      }),
      `${inContainer}.volumeMounts[1].mountPath`,
    ],
    [
      "a propagation",
      withVolume({ emptyDir: {} }, { mountPropagation: "HostToContainer" }),
      [],
      { features: [podspec("volumes-mount-propagation")] },
    ],
    [
      "a propagation that Knative does not take",
      withVolume({ emptyDir: {} }, { mountPropagation: "Bidirectional" }),
      `${inContainer}.volumeMounts[0].mountPropagation`,
      { features: [podspec("volumes-mount-propagation")] },
    ],
    [
      "a path of variables",
      withVolume({ emptyDir: {} }, { subPathExpr: "$(A)" }),
      `${inContainer}.volumeMounts[0].subPathExpr`,
    ],
  ],
  "several containers": [
    ["a sidecar", withSidecar({ name: "log", env: [{ name: "PORT", value: "1" }] })],
    [
      "a sidecar where the user switched it off",
      withSidecar({}),
      `${inRevision}.containers`,
      { configMaps: flag("multi-container", "disabled") },
    ],
    [
      "no port in any",
      withRevision({ containers: [{ image }, sidecar] }),
      `${inRevision}.containers`,
    ],
    [
      "a port in each",
      withSidecar({ ports: [{ containerPort: 9000 }] }),
      `${inRevision}.containers`,
    ],
    [
      "the same name",
      withRevision({
        containers: [
          { ...user, name: "a" },
          { ...sidecar, name: "a" },
        ],
      }),
      `${inRevision}.containers[1].name`,
    ],
    [
      "a variable of Knative's own in a sidecar",
      withSidecar({ env: [{ name: "K_SERVICE", value: "a" }] }),
      `${inRevision}.containers[1].env[0].name`,
    ],
    [
      "a probe of a sidecar",
      withSidecar({ livenessProbe: { httpGet: { port: 9000 } } }),
      [],
      { features: ["multi-container-probing"] },
    ],
    [
      "a probe of a sidecar without a port",
      withSidecar({ livenessProbe: { httpGet: { path: "/" } } }),
      `${inRevision}.containers[1].livenessProbe.httpGet.port`,
      { features: ["multi-container-probing"] },
    ],
    [
      "a probe of a sidecar that the user switched off",
      withSidecar({ readinessProbe: { tcpSocket: { port: 9000 } } }),
      `${inRevision}.containers[1].readinessProbe`,
      { configMaps: flag("multi-container-probing", "disabled") },
    ],
    [
      "a readiness probe of a sidecar without an action",
      withSidecar({ readinessProbe: { periodSeconds: 3 } }),
      `${inRevision}.containers[1].readinessProbe`,
      { features: ["multi-container-probing"] },
    ],
  ],
  "init containers": [
    [
      "an init container",
      withInit({
        command: ["true"],
        env: [{ name: "PORT", value: "1" }],
        ports: [{ name: "any", containerPort: 1 }],
      }),
      [],
      { features: [podspec("init-containers")] },
    ],
    [
      "an init container where it is only allowed",
      withInit({}),
      `${inRevision}.initContainers`,
      { configMaps: flag(podspec("init-containers"), "allowed") },
    ],
    [
      "an init container that stays",
      withInit({ restartPolicy: "Always" }),
      `${inRevision}.initContainers[0].restartPolicy`,
      { features: [podspec("init-containers")] },
    ],
    [
      "an init container with a probe",
      withInit({ livenessProbe: { exec: { command: ["true"] } } }),
      `${inRevision}.initContainers[0].livenessProbe`,
      { features: [podspec("init-containers")] },
    ],
    [
      "an init container on a port of queue-proxy",
      withInit({ ports: [{ containerPort: 8022 }] }),
      `${inRevision}.initContainers[0].ports[0].containerPort`,
      { features: [podspec("init-containers")] },
    ],
    [
      "an init container with the other's name",
      withRevision({
        containers: [{ image, name: "a" }],
        initContainers: [{ ...sidecar, name: "a" }],
      }),
      `${inRevision}.initContainers[0].name`,
      { features: [podspec("init-containers")] },
    ],
    [
      "a Secret in an init container, not said to be read-only",
      withRevision({
        initContainers: [{ ...sidecar, volumeMounts: [{ name: "s", mountPath: "/s" }] }],
        volumes: [{ name: "s", secret: { secretName: "s" } }],
      }),
      `${inRevision}.initContainers[0].volumeMounts[0].readOnly`,
      { features: [podspec("init-containers")] },
    ],
  ],
};

function limited(limit: number) {
  return { "config-autoscaler": { "max-scale-limit": String(limit), "max-scale": "1" } };
}

/** All cases. */
export const admissionCases: AdmissionCase[] = Object.entries(cases).flatMap(([topic, rows]) =>
  rows.map(([what, one, refused = [], { features = [], configMaps = {} } = {}]) => ({
    what: `${topic}: ${what}`,
    service: one,
    refused: [refused].flat(),
    features,
    configMaps,
  })),
);
