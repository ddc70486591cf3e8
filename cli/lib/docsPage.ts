import * as path from "node:path";
import { format } from "prettier";
import { measuresBelowMiB, memoryMeasures } from "../../components/host/lowMemory";
import { severalNodesMeasures } from "../../stack/resources/severalNodes";
import { coldStartMeasures } from "../../components/knative/service/coldStart";
import { policies } from "../../stack/resources/policies";
import { singleNodeTweaks } from "../../stack/resources/singleNodeTweaks";
import { ConfigKey, readSchema, secretKeys } from "../../stack/config/schema";
import { typeFields } from "./typeFields";
import { releasedComponents, ReleasedComponent } from "../../stack/releases/releaseTable";

/** The repository's name, also in a project that `pulumi new` made under another one: it leaves the page as it is. */
const project = "knative-edge";

/** The text of docs/configuration.md: every key of Pulumi.yaml's schema, the fields of a service, and how the structured keys look. */
export async function configurationPage(): Promise<string> {
  const { keys } = readSchema();
  const rows = Object.entries(keys).map(
    ([name, key]) =>
      `| \`${name}\` | ${typeOf(name, key)} | ${defaultOf(key)} | ${key.description} |`,
  );
  const page = `<!-- Written by cli/docs.ts from the schema in Pulumi.yaml; change it there. -->

# Configuration

Each key is set for a stack, with \`pulumi config set <key> <value>\` or in \`Pulumi.<stack>.yaml\` below
\`${project}:<key>\`; if your project has another name, that name stands in front. The whole configuration is checked
before anything is done, and all problems are reported together, each with its key and what to do. A value of "" is the
same as none. Required are \`host\`, \`sshPrivateKey\`, \`sshHostKey\` and, unless \`loadBalancer\` is \`nodeIp\`,
\`loadBalancerPool\`. Only the keys marked as secret are kept so, and another one is refused encrypted: put the secrets
of services into \`serviceSecrets\`, and keep them out of the rest, which previews and the state show. Of \`registries\` only
the passwords are kept secret, and of \`tls\` the private keys.

| key | type | default | what it is |
|---|---|---|---|
${rows.join("\n")}

## Releases

| key | releases, with the Kubernetes they run on |
|---|---|
${Object.entries(releasedComponents).map(releaseRow).join("\n")}

A release is downloaded once and kept in \`$XDG_CACHE_HOME/knative-edge/manifests\` (\`~/.cache\` by default). Its files
are checked each time, against the digests in stack/releases/table.json or, where that has none, against the digest of the first
download, which is kept beside the file. Files in \`manifestsDir\` are used as they are.

## Resource policies

Overrides of single containers come on top of each. docs/footprint.md shows what each comes to.

| \`resourcePolicy\` | what containers request and may use |
|---|---|
${tableOf(policies)}

## Measures for a single node

Keys of \`oneNode\`. All are on; with the policy \`upstream\`, which leaves the releases as they are, none is until it is
switched on.

| key | why |
|---|---|
${tableOf(reasonsOf(singleNodeTweaks))}

## Measures for several nodes

Keys of \`severalNodes\`. Where there are workers all are on; with the policy \`upstream\` none is until it is switched on.
Those of \`oneNode\` stay on, but for \`removeDisruptionBudgets\`. \`answerLocally\` is off before Kubernetes
1.34.

| key | why |
|---|---|
${tableOf(reasonsOf(severalNodesMeasures))}

## Measures for a shorter cold start

Keys of \`coldStart\`, which concern the pods of services. All are on; with the policy \`upstream\` none is until it is
switched on.

| key | why |
|---|---|
${tableOf(reasonsOf(coldStartMeasures))}

## Measures for a host with little memory

Keys of \`lowMemory\`. Where \`hostMemoryMiB\` is below ${measuresBelowMiB} all are on, whatever the resource policy; on a
larger host none is until it is switched on. What is set in \`k0sEnvironment\` and the like counts before them.
docs/footprint.md has what each saves.

| key | why |
|---|---|
${tableOf(reasonsOf(memoryMeasures))}

## Fields of a worker

Fields of each item of \`workers\`. [scaling.md](scaling.md) explains them.

${fieldTable(["WorkerEntry"], "../stack/config/workers.ts")}

## Fields of a service

Fields of \`services.<name>\`. Required is \`image\` or \`from\`; what is left out is the file's, or Knative's own default.
docs/services.md has examples.

${fieldTable(["ServiceSource", "ServiceSpec"])}

Fields of \`services.<name>.autoscaling\`:

${fieldTable(["AutoscalingSpec"])}

Fields of each target in \`services.<name>.traffic\`, which has either \`revisionName\` or \`latestRevision: true\`:

${fieldTable(["TrafficTarget"])}

## Fields of a registry

Fields of \`registries["<host>"]\`, by which images are pulled: by the host, and where Pulumi runs for \`resolveDigests\`.

${fieldTable(["Registry"], "registry/registry.ts")}

## Fields of a namespace

Fields of \`namespaces.<name>\`, a namespace that services of the stack are in.

${fieldTable(["NamespaceTraits"], "knative/namespaceTraits.ts")}

Fields of its \`quota\`:

${fieldTable(["NamespaceQuota"], "knative/namespaceTraits.ts")}

## Fields of tls

HTTPS, which [services.md](services.md#https) explains. \`domain\` must be known beforehand: set it, or take the load balancer
\`nodeIp\`.

${fieldTable(["TlsEntry"], "tls/tlsConfig.ts")}

## Structured keys

Texts that YAML would take for numbers or booleans stand in quotes.

\`\`\`yaml
config:
  ${project}:imageBundles:
    - url: https://files.example.com/images.tar
      sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
  ${project}:resourceOverrides:
    activator/activator:
      requests: { memory: 64Mi }
    metallb-system/speaker/speaker:
      limits: { memory: 96Mi }
  ${project}:oneNode:
    removeDisruptionBudgets: false
  ${project}:lowMemory:
    removeMetricsServer: false
  ${project}:workers:
    - name: shelf
      host: 192.168.56.11
      sshHostKey: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJmm6B0gBS1nkNYm2XtHSlaNJSw5L7RxDCfMGXCu6hFX
      cpus: "1"
      memoryMiB: 1536
  ${project}:severalNodes:
    noticeLostNodes: false
  ${project}:k0sEnvironment:
    HTTPS_PROXY: http://proxy.example.com:3128
    KINE_GOGC: "100"
  ${project}:apiServerArgs:
    event-ttl: 15m
  ${project}:knativeConfig:
    config-gc:
      min-non-active-revisions: "0"
      max-non-active-revisions: "2"
    config-autoscaler:
      scale-to-zero-pod-retention-period: 5m
  ${project}:imageMirrors:
    gcr.io/knative-releases: registry.example.com/knative
    docker.io/envoyproxy: registry.example.com/envoyproxy
  ${project}:registries:
    docker.io:
      mirrors: [mirror.example.com/hub]
    registry.example.com:5000:
      plainHttp: true
  ${project}:services:
    greeter:
      image: registry.example.com/greeter:1.4
      env: { GREETING: Hello }
      port: 8080
      protocol: h2c
      requests: { cpu: 25m, memory: 32Mi }
      limits: { memory: 64Mi }
      containerConcurrency: 10
      timeoutSeconds: 60
      readyTimeoutSeconds: 300
      autoscaling:
        class: kpa
        metric: concurrency
        target: 5
        minScale: 0
        maxScale: 3
        window: 30s
        retention: 5m
      revisionName: greeter-v2
      traffic:
        - { revisionName: greeter-v1, percent: 80 }
        - { revisionName: greeter-v2, percent: 20, tag: next }
      probe: false
\`\`\`

At the end of \`pulumi up\` each service is asked for \`probe\`, a path, by default \`/\`, until it answers: with a status
below 400, or with 401, 403, 405, 415 or 426, which only the service itself gives. A service that knows no such path, as
many that speak gRPC, needs another one or \`false\`. One with the label \`networking.knative.dev/visibility:
cluster-local\` is never asked, since it answers only inside the cluster.

A registry's login and CA are set with \`--path\`, the password as a secret:

\`\`\`sh
pulumi config set --path 'registries["ghcr.io"].username' edge
pulumi config set --path 'registries["ghcr.io"].password' --secret
pulumi config set --path 'registries["registry.example.com"].ca' registry-ca.pem
\`\`\`

In \`imageMirrors\` the longest prefix that ends at \`/\`, \`:\`, \`@\` or the name's end counts, and what follows it is kept.
A replacement that ends in a tag gives its tag to the images, in place of their tag or digest.
`;
  return format(page, { parser: "markdown" });
}

function reasonsOf(all: Record<string, { reason: string }>): Record<string, string> {
  return Object.fromEntries(Object.entries(all).map(([name, { reason }]) => [name, reason]));
}

function tableOf(texts: Record<string, string>): string {
  return Object.entries(texts)
    .map(([name, text]) => `| \`${name}\` | ${text} |`)
    .join("\n");
}

/** The types of a service's fields in the terms of Pulumi's schema; any other is a union of values, shown as it is. */
const schemaTypes: Record<string, string> = {
  number: "number",
  string: "string",
  boolean: "boolean",
  "Record<string, string>": "object",
  AutoscalingSpec: "object, see below",
  "TrafficTarget[]": "array, see below",
  "string[]": "array",
};

/**
 * A table of the fields of types.
 * @param file Where the types are, below components.
 */
function fieldTable(types: string[], file = "knative/service/serviceSpec.ts"): string {
  const source = path.join(__dirname, "../../components", file);
  const rows = types
    .flatMap((type) => typeFields(source, type))
    .map((field) => {
      const values = field.type.replaceAll('"', "").replaceAll(" | ", " or ");
      return `| \`${field.name}\` | ${schemaTypes[field.type] ?? values} | ${field.description} |`;
    });
  return ["| field | type | what it is |", "|---|---|---|", ...rows].join("\n");
}

function typeOf(name: string, { type }: ConfigKey): string {
  return secretKeys.has(name) ? `${type}, secret` : type;
}

function defaultOf({ default: value }: ConfigKey): string {
  return value === "" ? "" : `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;
}

function releaseRow([key, { title, releases }]: [string, ReleasedComponent]): string {
  const list = Object.entries(releases).map(([version, { kubernetes }]) => {
    const last =
      kubernetes.lastMinor === undefined ? " and newer" : ` to 1.${kubernetes.lastMinor}`;
    return `\`${version}\` (1.${kubernetes.minor}${last})`;
  });
  return `| \`${key}\` | ${title}: ${list.join(", ")} |`;
}
