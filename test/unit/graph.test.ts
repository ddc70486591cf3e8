import { strict as assert } from "node:assert";
import { generateKeyPairSync } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { Graph, Registration, runProgram } from "../../cli/recording/recorder";
import { project } from "../support/config";
import { recordedGraph } from "../support/record";
import { manifestsDir } from "../support/releases";

const privateKey = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  privateKeyEncoding: { type: "pkcs1", format: "pem" },
  publicKeyEncoding: { type: "spki", format: "pem" },
}).privateKey;
const kubeconfigToken = "a-token-that-must-not-leak";

const config: Record<string, string> = {
  host: "192.0.2.10",
  sshPrivateKey: privateKey,
  sshHostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJX8Wb3bkCz2Fh0sB6bG1rJ0rkqVJq0gqgF3xmYv8n2T",
  loadBalancerPool: "192.0.2.200-192.0.2.209",
  // Every policy fits in it.
  hostMemoryMiB: "2048",
  manifestsDir,
};

const kubeconfig = JSON.stringify({
  apiVersion: "v1",
  kind: "Config",
  clusters: [{ name: "local", cluster: { server: "https://localhost:6443" } }],
  users: [{ name: "user", user: { token: kubeconfigToken } }],
  contexts: [{ name: "Default", context: { cluster: "local", user: "user" } }],
  "current-context": "Default",
});

function stdout(name: string): string {
  return name === "host-kubeconfig" ? kubeconfig : JSON.stringify({ seconds: 1 });
}

/** The Service with the address, and Knative's ConfigMap of domains, of the cluster on the host. */
const gateway = "kourier-kourier-system/kourier@test@192.0.2.10#1";
const domains = "knative-knative-serving/config-domain@test@192.0.2.10#1";

const kubernetes = ({ type }: Registration): boolean =>
  type.startsWith("kubernetes:") && !type.startsWith("pulumi:");

describe("the graph of the program", function () {
  let graph: Graph;

  before(async function () {
    graph = await runProgram(config, { stdout });
  });

  const edges: [from: string, to: string, why: string][] = [
    ["host-binary", "host-preflight", "nothing is put on a host that is refused"],
    ["host-config", "host-binary", "the configuration is checked by the binary"],
    ["host-install", "host-config", "the service starts with its configuration"],
    ["host-ready", "host-install", ""],
    ["host-state", "host-ready", "ready tells it what it records"],
    ["host-kubeconfig", "host-state", "what drifted is mended first"],
    ["metallb-metallb-system", "host-kubeconfig", "no object before the cluster"],
    ["metallb-admission", "metallb-metallb-system/controller", "the webhook's pod"],
    ["metallb-metallb-system/edge", "metallb-admission", "the webhook admits the pool"],
    ["knative-services.serving.knative.dev", "knative-knative-serving", ""],
    ["knative-knative-serving/activator", "knative-services.serving.knative.dev", "CRDs first"],
    ["knative-knative-serving/webhook", "knative-knative-serving/config-network", ""],
    ["knative-admission", "knative-knative-serving/webhook", ""],
    ["knative-knative-serving/routing-serving-certs", "knative-admission", ""],
    [
      "kourier-knative-serving/net-kourier-controller",
      "knative-ingresses.networking.internal.knative.dev",
      "",
    ],
    [
      "kourier-kourier-system/3scale-kourier-gateway",
      "knative-knative-serving/activator",
      "Envoy needs names, and the activator is ready once there are",
    ],
    [gateway, "metallb-metallb-system/edge", "an address needs the pool"],
    ["domain-knative-serving/default-domain", gateway, "the Job needs the address"],
    ["domain-knative-serving/default-domain", "knative-knative-serving/routing-serving-certs", ""],
    [
      "hello-service",
      "domain-knative-serving/default-domain",
      "a Ready service without a domain answers 404",
    ],
    ["hello-service", "kourier-kourier-system/3scale-kourier-gateway", ""],
    ["hello-probe-request", "hello-service", "the last node is a request from outside"],
  ];
  for (const [from, to, why] of edges) {
    it(`${from} waits for ${to}${why && `: ${why}`}`, () => {
      assert.ok(graph.waitsFor(named(graph, from), named(graph, to)));
    });
  }

  it("gives the L2Advertisement after the pool, and the load balancer's Service after both", () => {
    const advertisement = graph.find(
      "metallb-metallb-system/edge",
      "kubernetes:metallb.io/v1beta1:L2Advertisement",
    );
    const pool = graph.find(
      "metallb-metallb-system/edge",
      "kubernetes:metallb.io/v1beta1:IPAddressPool",
    );
    const service = graph.find(gateway, "kubernetes:core/v1:Service");
    assert.ok(graph.waitsFor(advertisement, pool));
    assert.ok(graph.waitsFor(service, advertisement));
  });

  it("makes Kourier beside Knative, and the domain beside Envoy, but one after the other where not all fits", async () => {
    const waits = (of: Graph, from: string, to: string): boolean =>
      of.waitsFor(named(of, from), named(of, to));
    const pairs: [string, string][] = [
      ["kourier-knative-serving/net-kourier-controller", "knative-knative-serving/activator"],
      ["domain-knative-serving/default-domain", "kourier-kourier-system/3scale-kourier-gateway"],
    ];
    const crowded = await runProgram(
      { ...config, resourcePolicy: "upstream", allowOvercommit: "true" },
      { stdout },
    );
    for (const [from, to] of pairs) {
      assert.equal(waits(graph, from, to), false);
      assert.equal(waits(crowded, from, to), true);
    }
  });

  it("deletes nothing in the cluster by itself: every object goes with the cluster", () => {
    const cluster = graph.find("host-state");
    const objects = graph.registrations.filter(kubernetes);
    assert.ok(objects.length > 80);
    assert.deepEqual(
      objects.filter(({ deletedWith }) => deletedWith !== cluster.urn).map(({ name }) => name),
      [],
    );
  });

  it("gives every object the stack's own provider", () => {
    const strangers = graph.registrations.filter(
      (each) => kubernetes(each) && !each.provider.includes("::cluster::"),
    );
    assert.deepEqual(
      strangers.map(({ name }) => name),
      [],
    );
  });

  it("registers each object once", () => {
    const urns = graph.registrations.map(({ type, name }) => `${type} ${name}`);
    assert.equal(new Set(urns).size, urns.length);
  });

  it("replaces what it must delete before it makes it anew", () => {
    assert.equal(graph.find("host-install").deleteBeforeReplace, true);
  });

  it("has the private key and the kubeconfig in no request but as secrets", () => {
    const text = JSON.stringify(graph.registrations.map(withoutSecrets));
    assert.ok(!text.includes("PRIVATE KEY"));
    assert.ok(!text.includes(kubeconfigToken));
    const { additionalSecretOutputs, inputs } = graph.find("host-kubeconfig");
    assert.ok(["stdout", "stderr"].every((output) => additionalSecretOutputs.includes(output)));
    assert.equal(inputs.logging, "none");
  });

  it("marks the kubeconfig output as a secret", async () => {
    assert.ok(await pulumi.isSecret(graph.outputs.kubeconfig as pulumi.Output<string>));
  });

  it("keeps the old cluster's host out of a rebuild, and resets one that is left for another", async () => {
    const triggers = async (changed: Record<string, string>): Promise<unknown> =>
      (await runProgram({ ...config, ...changed }, { stdout })).find("host-install").inputs
        .triggers;
    const before = graph.find("host-install").inputs.triggers;
    assert.deepEqual(await triggers({ hostGeneration: "2" }), before);
    const moved = { host: "192.0.2.11", nodeAddress: "192.0.2.11" };
    assert.notDeepEqual(await triggers(moved), before);
  });

  it("installs and starts k0s again, and replaces nothing, when its memory is to be saved", async () => {
    const small = await runProgram({ ...config, hostMemoryMiB: "1536" }, { stdout });
    const script = (from: Graph, name: string) => JSON.stringify(from.find(name).inputs.stdin);
    const saving = "--env=GOGC=";
    for (const name of ["host-install", "host-ready"]) {
      const holds = [graph, small].map((each) => script(each, name).includes(saving));
      assert.deepEqual(holds, [false, true], name);
      assert.deepEqual(small.find(name).inputs.triggers, graph.find(name).inputs.triggers);
    }
  });

  it("retains the installation only where the host was abandoned", async () => {
    assert.equal(graph.find("host-install").retainOnDelete, false);
    const abandoned = await runProgram({ ...config, abandonHost: "true" }, { stdout });
    assert.equal(abandoned.find("host-install").retainOnDelete, true);
  });

  it("opens at most eight SSH connections", () => {
    const commands = graph.registrations.filter(({ type }) => type === "command:remote:Command");
    assert.equal(commands.length, 8);
  });

  describe("with registries that containerd must know", () => {
    let known: Graph;

    before(async () => (known = await recordedGraph("registries")));

    const edges: [from: string, to: string, why: string][] = [
      ["host-registries", "host-install", "a destroy undoes it before the installation"],
      ["host-ready", "host-registries", "a k0s that starts anew reads it"],
      ["ours-service", "host-registries", "no pull before the host knows the CA"],
      ["ours-service", "ours-pull", "no pull before the login is there"],
    ];
    for (const [from, to, why] of edges) {
      it(`${from} waits for ${to}: ${why}`, () => {
        assert.ok(known.waitsFor(known.find(from), known.find(to)));
      });
    }

    it("opens one SSH connection more", () => {
      const commands = (of: Graph): string[] =>
        of.registrations
          .filter(({ type }) => type === "command:remote:Command")
          .map(({ name }) => name);
      const more = commands(known).filter((name) => !commands(graph).includes(name));
      assert.deepEqual(more, ["host-registries"]);
      assert.equal(commands(known).length, 9);
    });
  });

  it("keeps what the host runs free of secrets and of this machine's paths", () => {
    for (const { name, inputs } of graph.registrations.filter(({ type }) =>
      type.startsWith("command:"),
    )) {
      assert.equal(typeof inputs.stdin, "string", name);
      assert.ok(!String(inputs.stdin).includes(process.cwd()), name);
      assert.ok(!String(inputs.create).includes(process.cwd()), name);
    }
  });

  it("with a fixed domain has no Job, and services still wait for the ingress", async () => {
    const fixed = await runProgram({ ...config, domain: "example.com" }, { stdout });
    assert.ok(!fixed.registrations.some(({ type }) => type.includes(":Job")));
    assert.ok(fixed.waitsFor(fixed.find("hello-service"), named(fixed, gateway)));
  });

  it("gives services a URL of the domain, and Knative's own where its settings may say otherwise", async () => {
    const url = (more: Graph): Promise<unknown> => value(more.outputs.url);
    assert.equal(await url(graph), "http://hello.default.192.0.2.200.sslip.io");
    const fixed = await runProgram({ ...config, domain: "example.com" }, { stdout });
    assert.equal(await url(fixed), "http://hello.default.example.com");
    const knativeConfig = JSON.stringify({ "config-network": { "domain-template": "x" } });
    const own = { ...config, domain: "example.com", knativeConfig };
    // The status in the tests' stand-in for Knative.
    assert.equal(
      await url(await runProgram(own, { stdout })),
      "http://hello.default.192.0.2.200.sslip.io",
    );
  });

  it("makes anew what holds a domain or an address that changes, and nothing else", async () => {
    const fixed = await runProgram({ ...config, domain: "example.com" }, { stdout });
    const replaced = fixed.registrations.filter(
      (each) => kubernetes(each) && each.replaceOnChanges.length > 0,
    );
    const domain = 'metadata.annotations["knative-edge/domain"]';
    const pool = 'metadata.annotations["knative-edge/first-of-pool"]';
    assert.deepEqual(
      replaced.map(({ name, replaceOnChanges }) => [name, replaceOnChanges]),
      [
        [domains, [domain, pool]],
        [gateway, [pool]],
      ],
    );
    assert.ok(replaced.every(({ deleteBeforeReplace }) => deleteBeforeReplace));
    const marks = (from: Graph, name: string): unknown => {
      const { annotations = {} } = from.find(name).inputs.metadata as {
        annotations?: Record<string, string>;
      };
      return Object.entries(annotations).filter(([key]) => key.startsWith("knative-edge/"));
    };
    assert.deepEqual(marks(fixed, domains), [["knative-edge/domain", "example.com"]]);
    assert.deepEqual(marks(graph, domains), [["knative-edge/first-of-pool", "192.0.2.200"]]);
    assert.deepEqual(marks(graph, gateway), [["knative-edge/first-of-pool", "192.0.2.200"]]);
    const job = graph.find("domain-knative-serving/default-domain");
    assert.match(JSON.stringify(job.inputs.spec), /"knative-edge\/first-of-pool":"192.0.2.200"/);
  });

  it("records with all that goes with the cluster which one it is, so that a rebuild that was cut off goes on", () => {
    const inCluster = graph.registrations.filter(
      ({ custom, deletedWith }) => custom && deletedWith,
    );
    assert.ok(inCluster.length > 90);
    for (const { name, replacementTrigger } of inCluster) {
      assert.equal(replacementTrigger, "test@192.0.2.10#1", name);
    }
  });

  it("deletes nothing first in a cluster that may be gone: in another one, what is deleted first is another resource", async () => {
    const rebuilt = await runProgram({ ...config, hostGeneration: "2" }, { stdout });
    const deletedFirst = ({ registrations }: Graph) =>
      registrations
        .filter((each) => kubernetes(each) && each.deleteBeforeReplace)
        .map(({ name }) => name);
    assert.equal(deletedFirst(graph).length, 2);
    assert.ok(!deletedFirst(rebuilt).some((name) => deletedFirst(graph).includes(name)));
  });

  it("tells at which addresses several nodes answer", async () => {
    const worker = {
      name: "shelf",
      host: "192.0.2.11",
      sshHostKey: config.sshHostKey,
      cpus: 1,
      memoryMiB: 2048,
    };
    const nodeIp = { loadBalancer: "nodeIp", loadBalancerPool: "" };
    const several = await runProgram(
      { ...config, ...nodeIp, workers: JSON.stringify([worker]) },
      { stdout: (name) => (name.endsWith("-preflight") ? '{"machineId":"a"}' : stdout(name)) },
    );
    assert.deepEqual(several.outputs.addresses, ["192.0.2.10", "192.0.2.11"]);
    assert.equal(graph.outputs.addresses, undefined);
    const nodes = several.registrations.filter(({ type }) => type.endsWith(":WorkerNode"));
    const provider = several.find("cluster");
    assert.deepEqual(
      nodes.map(({ urn }) => provider.dependencies.includes(urn)),
      [true],
    );
  });

  describe("with the node's own address", () => {
    const nodeIp = { ...config, loadBalancer: "nodeIp", loadBalancerPool: "" };
    let own: Graph;

    before(async function () {
      own = await runProgram(nodeIp, { stdout });
    });

    it("has nothing of MetalLB and no Job", () => {
      const leftOver = own.registrations.filter(({ type, name }) =>
        /metallb|:Job$/i.test(type + name),
      );
      assert.deepEqual(leftOver, []);
      assert.deepEqual(Object.keys(own.outputs.versions as object), ["k0s", "knative", "kourier"]);
    });

    it("gives Kourier's Service the address, and its ports to the host alone", () => {
      const { spec } = own.find(gateway, "kubernetes:core/v1:Service").inputs as {
        spec: { type: string; externalIPs: string[]; ports: { port: number }[] };
      };
      assert.equal(spec.type, "ClusterIP");
      assert.deepEqual(spec.externalIPs, ["192.0.2.10"]);
      const ports = spec.ports.map(({ port }) => port).join(" ");
      const preflight = (g: Graph): string => String(g.find("host-preflight").inputs.stdin);
      assert.match(preflight(own), new RegExp(`^GATEWAY_PORTS='${ports}'$`, "m"));
      assert.match(preflight(graph), /^GATEWAY_PORTS=''$/m);
    });

    it("waits with services for the ingress, and with Knative's gate as ever", () => {
      const hello = own.find("hello-service");
      for (const name of [gateway, "knative-admission"]) {
        assert.ok(own.waitsFor(hello, named(own, name)), name);
      }
      assert.ok(own.waitsFor(own.find("hello-probe-request"), hello));
    });

    it("knows address and URL at preview", async () => {
      const { outputs } = await runProgram(nodeIp, { preview: true });
      assert.equal(await value(outputs.loadBalancerIp), "192.0.2.10");
      assert.equal(await value(outputs.url), "http://hello.default.192.0.2.10.sslip.io");
    });
  });

  it("asks a service where it says, and one for the cluster alone not at all", async () => {
    const services = {
      api: { image: "app", probe: "/healthz" },
      quiet: { image: "app", probe: false },
      local: { image: "app", labels: { "networking.knative.dev/visibility": "cluster-local" } },
    };
    const own = await runProgram(
      { ...config, sample: "false", resourcePolicy: "edge", services: JSON.stringify(services) },
      { stdout },
    );
    const { environment } = own.find("api-probe-request").inputs as {
      environment: Record<string, string>;
    };
    assert.equal(environment.PROBE_URL, "http://api.default.192.0.2.200.sslip.io/healthz");
    // Another version is another input, so an upgrade ends with an answer too.
    assert.match(
      environment.PROBE_VERSIONS ?? "",
      /^k0s v\S+, metalLb v\S+, knative \S+, kourier \S+$/,
    );
    const asked = own.registrations.filter(({ name }) => name.endsWith("-probe-request"));
    assert.equal(asked.length, 1);
    const urls = own.outputs.services as Record<string, unknown>;
    assert.equal(await value(urls.local), "http://local.default.svc.cluster.local");
  });

  it("has no url without a service, of which the engine would warn at each run", async () => {
    const { outputs } = await runProgram({ ...config, sample: "false" }, { preview: true });
    assert.equal("url" in outputs, false);
    assert.deepEqual(outputs.services, {});
  });

  it("stops with all problems of a configuration, and registers nothing", async () => {
    const wrong = { ...config, host: "", loadBalancerPool: "nonsense", knatveVersion: "1" };
    await assert.rejects(runProgram(wrong), (error: Error) => {
      assert.ok(pulumi.RunError.isInstance(error));
      for (const key of ["host", "loadBalancerPool", "knatveVersion"]) {
        assert.ok(error.message.includes(`${project}:${key}:`), error.message);
      }
      return true;
    });
  });

  it("refuses a stack that its host has no room for, unless that is allowed", async () => {
    const full = { ...config, resourcePolicy: "upstream" };
    await assert.rejects(runProgram(full), /does not fit the host/);
    await runProgram({ ...full, allowOvercommit: "true" }, { stdout });
  });

  it("refuses a stack that is short of memory, unless that is allowed by its own name", async () => {
    const short = { ...config, resourcePolicy: "edge", hostMemoryMiB: "1280" };
    const refused = /does not fit the host[^]*resident memory[^]*add memoryShort to the list allow/;
    await assert.rejects(runProgram(short), refused);
    await assert.rejects(runProgram({ ...short, allowOvercommit: "true" }), refused);
    const allowed = { ...short, allow: '["memoryShort"]' };
    const { outputs } = await runProgram(allowed, { stdout });
    assert.match(JSON.stringify(outputs.budget), /"fits":false.*"resident":"\d+Mi anonymous/);
    await assert.rejects(
      runProgram({ ...allowed, resourcePolicy: "upstream" }),
      /Pending would be[^]*Or set allowOvercommit to true/,
    );
  });

  it("has the failures of every command and object explained", () => {
    const custom = graph.registrations.filter(
      ({ type }) => type.startsWith("command:") || kubernetes({ type } as Registration),
    );
    assert.ok(custom.length > 50);
    assert.deepEqual(
      custom.filter(({ errorHooks }) => errorHooks.join() !== "explain").map(({ name }) => name),
      [],
    );
  });

  it("gives the node the address that the stack is told", async () => {
    const inner = await runProgram({ ...config, nodeAddress: "192.0.2.7" }, { stdout });
    for (const [found, address] of [
      [graph, "192.0.2.10"],
      [inner, "192.0.2.7"],
    ] as const) {
      for (const name of ["host-install", "host-ready"]) {
        const { stdin } = found.find(name).inputs;
        const told = `--kubelet-extra-args=--node-ip=${address}\\n`;
        assert.ok(JSON.stringify(stdin).includes(told), name);
      }
    }
  });

  it("looks at Knative's activator, and nothing else, for a policy that moves", () => {
    const looked = graph.registrations.filter(({ updateHooks }) => updateHooks.length > 0);
    assert.deepEqual(
      looked.map(({ name, updateHooks }) => [name, ...updateHooks]),
      [["knative-knative-serving/activator", "policy"]],
    );
  });

  it("previews without a host: every resource is registered though nothing is known", async () => {
    const preview = await runProgram(config, { preview: true });
    assert.equal(preview.registrations.length, graph.registrations.length);
  });
});

/** The resource of that name; where a Service shares the name of a workload, the workload. */
function named(graph: Graph, name: string): Registration {
  const found = graph.registrations.filter((each) => each.name === name);
  const preferred = [
    "Deployment",
    "Service",
    "Job",
    "IPAddressPool",
    "CustomResourceDefinition",
    "Namespace",
  ];
  for (const kind of preferred) {
    const match = found.find(({ type }) => type.endsWith(`:${kind}`));
    if (match !== undefined) return match;
  }
  assert.ok(found[0], `no resource is named ${name}`);
  return found[0];
}

/** What an output is, once it is known. */
function value(output: unknown): Promise<unknown> {
  return new Promise((resolve) => (output as pulumi.Output<unknown>).apply(resolve));
}

function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== "object" || value === null) return value;
  return "secret" in value
    ? "[secret]"
    : Object.fromEntries(Object.entries(value).map(([key, field]) => [key, withoutSecrets(field)]));
}
