import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";
import { dump } from "js-yaml";
import { parseManifest } from "../../../components/cluster/manifests";
import { describe as nameOf, KubernetesObject } from "../../../components/cluster/kubernetesObject";
import { parseStackFile, readStackFile, StackFileError } from "../../../cli/lib/stackFile";
import { hostKey, leastConfig, project } from "../../support/config";
import { plan as planned } from "../../../cli/recording/plan";
import { runProgram } from "../../../cli/recording/recorder";
import { writeRelabelled } from "../../support/relabelledReleases";
import { manifestsDir } from "../../support/releases";
import { typeScript } from "../../../lab/paths";

const root = path.join(__dirname, "../../..");

describe("a stack's file", () => {
  const stackFile = (config: object): string =>
    dump({ config, encryptionsalt: "v1:abc=:v1:abc:abc==" });

  it("is read as the engine hands it out, without other projects' keys", () => {
    const { values, encrypted } = parseStackFile(
      stackFile({
        [`${project}:host`]: "192.168.56.10",
        [`${project}:sshPort`]: 22,
        [`${project}:sample`]: false,
        [`${project}:k0sDisabledComponents`]: ["helm"],
        [`${project}:imageMirrors`]: { a: "b" },
        [`${project}:domain`]: null,
        "kubernetes:context": "x",
      }),
      "a",
    );
    assert.deepEqual(values, {
      host: "192.168.56.10",
      sshPort: "22",
      sample: "false",
      k0sDisabledComponents: '["helm"]',
      imageMirrors: '{"a":"b"}',
      domain: "",
    });
    assert.equal(encrypted.size, 0);
  });

  it("has a key made for the occasion in place of an encrypted one, and no passphrase", () => {
    const { values, encrypted } = parseStackFile(
      stackFile({
        [`${project}:sshPrivateKey`]: { secure: "v1:abc" },
        [`${project}:sshPrivateKeyPassphrase`]: { secure: "v1:abc" },
      }),
      "a",
    );
    assert.deepEqual([...encrypted], ["sshPrivateKey", "sshPrivateKeyPassphrase"]);
    assert.match(values.sshPrivateKey ?? "", /^-----BEGIN EC PRIVATE KEY-----/);
    assert.equal(values.sshPrivateKeyPassphrase, undefined);
  });

  it("has a text in place of a registry's encrypted password, and nothing else of it encrypted", () => {
    const secure = { secure: "v1:abc" };
    const registry = (fields: object): string =>
      stackFile({ [`${project}:registries`]: { "ghcr.io": { username: "edge", ...fields } } });
    const { values, encrypted } = parseStackFile(registry({ password: secure }), "a");
    assert.deepEqual([...encrypted], ["registries"]);
    assert.equal(values.registries, '{"ghcr.io":{"username":"edge","password":"encrypted"}}');
    assert.throws(
      () => parseStackFile(registry({ password: secure, ca: secure }), "a"),
      new RegExp(`a: ${project}:registries is encrypted`),
    );
  });

  it("has a text in place of a service's encrypted secret, and base64 in place of a file's bytes", () => {
    const secure = { secure: "v1:abc" };
    const secrets = { api: { TOKEN: secure, "/key": { base64: secure } } };
    const { values, encrypted } = parseStackFile(
      stackFile({ [`${project}:serviceSecrets`]: secrets }),
      "a",
    );
    assert.deepEqual([...encrypted], ["serviceSecrets"]);
    assert.deepEqual(JSON.parse(values.serviceSecrets ?? ""), {
      api: { TOKEN: "encrypted", "/key": { base64: btoa("encrypted") } },
    });
  });

  it("may end in the separator of a document that does not follow", () => {
    const file = `---\nconfig:\n  ${project}:host: a\n---\n# the end\n`;
    assert.deepEqual(parseStackFile(file, "a").values, { host: "a" });
  });

  it("that is not there, or is a directory, is named", () => {
    assert.throws(
      () => readStackFile(__dirname),
      (error) =>
        error instanceof StackFileError &&
        error.message === `${__dirname} is a directory; a stack's file was expected there.`,
    );
    assert.throws(() => readStackFile(`${__dirname}/x`), /\/x is not there; name another stack/);
  });

  // Each line holds the one before ten times.
  const aliasBomb = [
    "config:\n  a0: &a0 []",
    ...Array.from(
      { length: 9 },
      (_, index) =>
        `  a${index + 1}: &a${index + 1} [${Array<string>(10).fill(`*a${index}`).join(", ")}]`,
    ),
  ].join("\n");
  const wrong: [text: string, message: RegExp][] = [
    [
      stackFile({ [`${project}:host`]: { secure: "v1:abc" } }),
      new RegExp(`^a: ${project}:host is encrypted`),
    ],
    [
      stackFile({ [`${project}:services`]: { x: { env: { A: { secure: "v1:abc" } } } } }),
      new RegExp(`^a: ${project}:services is encrypted`),
    ],
    ["config: [", /^a is not one YAML document: .* at line 2\.$/],
    ["config: {}\n---\nconfig: {}\n", /^a is not one YAML document: another .* at line 2\.$/],
    ["# ours\n--- \nconfig: {}\n...\n---\nconfig: {}\n", /another document begins at line 4\.$/],
    ["config: &a { b: *a }", /^a is not one YAML document: an alias in it stands for what/],
    [aliasBomb, /^a is not one YAML document: its aliases make it more than 100000 values\.$/],
    ["- a", /^a is no stack's file/],
    ["config: 1", /^a is no stack's file/],
  ];
  for (const [text, message] of wrong) {
    it(`is refused: ${JSON.stringify(text)}`, () => {
      assert.throws(
        () => parseStackFile(text, "a"),
        (error) => error instanceof StackFileError && message.test(error.message),
      );
    });
  }
});

describe("npm run plan", () => {
  let directory: string;

  before(function () {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), "plan-"));
  });

  after(() => directory && fs.rmSync(directory, { recursive: true }));

  const config = {
    host: "192.168.56.10",
    sshHostKey: hostKey,
    loadBalancerPool: "192.168.56.200-192.168.56.209",
    // Every policy fits in it.
    hostMemoryMiB: "2048",
    manifestsDir,
  };

  /** Writes the stack's file. */
  function write(changed: Record<string, unknown>): void {
    const keys = { ...config, sshPrivateKey: { secure: "v1:abc" }, ...changed };
    const named = Object.entries(keys).map(([key, value]) => [`${project}:${key}`, value]);
    fs.writeFileSync(
      path.join(directory, "Pulumi.test.yaml"),
      dump({ config: Object.fromEntries(named) }),
    );
  }

  /** What the command prints, and its exit code. */
  interface Done {
    code: number;
    stdout: string;
    stderr: string;
  }

  /** Runs the command in an environment that has nothing but Node.js. */
  async function planAlone(changed: Record<string, unknown>, ...args: string[]): Promise<Done> {
    write(changed);
    const script = path.join(root, "cli/plan.ts");
    try {
      const done = await promisify(execFile)(
        process.execPath,
        [...typeScript, script, "--stack", "test", "--project", directory, ...args],
        { env: { PATH: "", HOME: directory, TMPDIR: os.tmpdir() } },
      );
      return { code: 0, ...done };
    } catch (error) {
      return error as Done;
    }
  }

  /** Runs it in this process, which takes a quarter of the time. */
  async function plan(changed: Record<string, unknown>, out?: string): Promise<Done> {
    write(changed);
    const printed = { stdout: "", stderr: "" };
    const { log, error } = console;
    console.log = (...texts: unknown[]) => (printed.stdout += `${texts.join(" ")}\n`);
    console.error = (...texts: unknown[]) => (printed.stderr += `${texts.join(" ")}\n`);
    try {
      return { code: await planned("test", directory, out), ...printed };
    } catch (failure) {
      return { code: 1, ...printed, stderr: `${printed.stderr}${(failure as Error).message}\n` };
    } finally {
      Object.assign(console, { log, error });
    }
  }

  it("prints the graph and the budget", async () => {
    const { code, stdout, stderr } = await planAlone({});
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^host 192.168.56.10: k0s v1.35.7\+k0s.0\n├─ preflight\n/);
    assert.match(stdout, /│ {2}[├└]─ apps\/v1 Deployment knative-serving\/activator\n/);
    assert.match(stdout, /^97 Kubernetes objects$/m);
    assert.match(stdout, /^with 1 service awake +13 +630m +370m /m);
    assert.match(stdout, /^k0s +kube-apiserver +336 +84 +measured on a real k0s$/m);
    assert.match(
      stdout,
      /^Resident memory with 1 service awake: .* hostMemoryMiB is 2048, which is enough\.$/m,
    );
    assert.match(stdout, /^It fits\.$/m);
  });

  it("takes a manifestsDir from where the stack's file is, as the engine does", async () => {
    const relative = path.relative(directory, config.manifestsDir);
    const { code, stderr } = await plan({ manifestsDir: relative });
    assert.equal(code, 0, stderr);
  });

  it("has no MetalLB and no Job with the node's own address", async () => {
    const { code, stdout, stderr } = await plan({ loadBalancer: "nodeIp", loadBalancerPool: "" });
    assert.equal(code, 0, stderr);
    assert.doesNotMatch(stdout, /metallb|default-domain/i);
    assert.match(stdout, /^kourier: Kourier 1\.23\.0 \(after a part of knative\)$/m);
    assert.match(
      stdout,
      /^hello-probe \(after hello\)\n└─ a request from the machine that runs Pulumi$/m,
    );
    const silent = { sample: false, services: { a: { image: "app", probe: false } } };
    assert.doesNotMatch((await plan(silent)).stdout, /probe/);
  });

  it("ends with 2 where the stack does not fit, and with 0 where that is allowed", async () => {
    const refused = await plan({ resourcePolicy: "upstream" });
    assert.equal(refused.code, 2);
    assert.match(
      refused.stdout,
      /The stack does not fit the host \(hostCpus 1, hostMemoryMiB 2048\)/,
    );
    const allowed = await plan({ resourcePolicy: "upstream", allowOvercommit: true });
    assert.equal(allowed.code, 0);
    assert.match(allowed.stdout, /The stack does not fit the host/);
    assert.match(allowed.stdout, /^kourier: Kourier 1\.23\.0 \(after knative\)$/m);
  });

  it("ends with 2 where memory is short, and with 0 where that is allowed", async () => {
    const short = { resourcePolicy: "edge", hostMemoryMiB: 1280 };
    for (const refused of [short, { ...short, allowOvercommit: true }]) {
      const { code, stdout } = await plan(refused);
      assert.equal(code, 2);
      assert.match(stdout, /^ {2}resident memory with 1 service awake: needs a host of \d+ MiB/m);
      assert.doesNotMatch(stdout, /It fits|may stay Pending/);
    }
    const allowed = await plan({ ...short, allow: ["memoryShort"] });
    assert.equal(allowed.code, 0);
    assert.match(allowed.stdout, /^The host is short of memory, and memoryShort is in allow: /m);
    assert.doesNotMatch(allowed.stdout, /It fits/);
    // All requests fit, so Kourier comes beside Knative.
    assert.match(allowed.stdout, /^kourier: Kourier 1\.23\.0 \(after a part of knative\)$/m);
    const typo = await plan({ ...short, allow: ["memoryshort"] });
    assert.equal(typo.code, 1);
    assert.match(
      typo.stderr,
      /allow: there is no "memoryshort" to allow; did you mean "memoryShort"\?/,
    );
  });

  it("warns of a release that the table does not know, where that is allowed", async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "plan-unknown-"));
    fs.cpSync(manifestsDir, folder, { recursive: true });
    writeRelabelled(folder, { "knative-1.23.0": "1.24.0", "net-kourier-1.23.0": "1.24.0" });
    const unknown = { knativeVersion: "1.24.0", kourierVersion: "1.24.0", manifestsDir: folder };
    const refused = await plan(unknown);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /knativeVersion: .*or add unknownRelease to the list allow\.$/m);
    const { code, stderr } = await plan({ ...unknown, allow: ["unknownRelease"] });
    fs.rmSync(folder, { recursive: true });
    assert.equal(code, 0, stderr);
    assert.match(
      stderr,
      /^warning: Knative Serving 1\.24\.0 is not .*\nwarning: net-kourier 1\.24\.0 /,
    );
  });

  it("tells configuration problems, and files that are not there, in a sentence", async () => {
    const { code, stderr, stdout } = await planAlone({ resourceFactor: "0" });
    assert.equal(code, 1);
    assert.equal(stdout, "");
    assert.match(
      stderr,
      new RegExp(`${project}:resourceFactor: 0 leaves containers nothing; .*0\\.5`),
    );
    assert.doesNotMatch(stderr, /at .*\.ts/);
    const other = await planAlone({}, "--stack", "other");
    assert.match(other.stderr, /Pulumi.other.yaml is not there; name another stack/);
  });

  it("leaves out Secrets whose data only the engine reads, and says which", async () => {
    const out = path.join(directory, "without-secrets");
    const serviceSecrets = { hello: { TOKEN: { secure: "v1:abc" } } };
    const { code, stdout } = await plan({ serviceSecrets }, out);
    assert.equal(code, 0, stdout);
    assert.match(
      stdout,
      /^Not written, because only the engine reads .*: Secret default\/hello-secrets$/m,
    );
    const files = fs.readdirSync(out, { recursive: true, encoding: "utf8" });
    assert.ok(files.some((file) => /secret-knative-serving-webhook-certs\.yaml$/.test(file)));
    assert.ok(!files.some((file) => file.includes("hello-secrets")));
  });

  it("writes the very objects that the program applies", async () => {
    const out = path.join(directory, "out");
    const domain = "edge.example.com";
    assert.equal((await plan({ domain }, out)).code, 0);
    const below = path.join(out, "objects");
    const written = fs
      .readdirSync(below, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".yaml"))
      .flatMap((file) => parseManifest(fs.readFileSync(path.join(below, file), "utf8"), file));
    const { registrations } = await runProgram(
      { ...leastConfig, ...config, domain },
      { stdout: (name) => (name === "host-kubeconfig" ? kubeconfig : '{"seconds":1}') },
    );
    const registered = registrations
      .filter(({ type }) => type.startsWith("kubernetes:"))
      .map(({ inputs }) => plain(inputs) as KubernetesObject);
    const byName = (objects: KubernetesObject[]): [string, KubernetesObject][] =>
      objects
        .map((one): [string, KubernetesObject] => [nameOf(one), one])
        .sort(([a], [b]) => a.localeCompare(b));
    assert.ok(written.length > 90);
    assert.deepEqual(byName(written), byName(registered));
    assert.match(
      fs.readFileSync(path.join(out, "host/k0s.yaml"), "utf8"),
      /^kind: ClusterConfig$/m,
    );
    const kinds = fs.readdirSync(below).map((step) => {
      const files = fs.readdirSync(path.join(below, step));
      return [step, [...new Set(files.map((file) => file.split("-")[0]))].sort()] as const;
    });
    const stepOf = (kind: string, component: string): number =>
      kinds.findIndex(([step, found]) => step.endsWith(`-${component}`) && found.includes(kind));
    for (const order of [
      [
        stepOf("namespace", "metallb"),
        stepOf("customresourcedefinition", "metallb"),
        stepOf("deployment", "metallb"),
        stepOf("ipaddresspool", "metallb"),
        stepOf("knative", "hello"),
      ],
      [
        stepOf("namespace", "knative"),
        stepOf("customresourcedefinition", "knative"),
        stepOf("deployment", "knative"),
        stepOf("certificate", "knative"),
        stepOf("knative", "hello"),
      ],
      [stepOf("deployment", "kourier"), stepOf("knative", "hello")],
    ]) {
      assert.ok(!order.includes(-1), String(kinds));
      assert.deepEqual(
        order,
        [...new Set(order)].sort((a, b) => a - b),
        String(kinds),
      );
    }
    const again = await plan({ domain }, out);
    assert.equal(again.code, 1);
    assert.match(again.stderr, /is not empty; name a directory that is, or a new one/);
  });
});

const kubeconfig = JSON.stringify({
  clusters: [{ name: "a", cluster: { server: "https://localhost:6443" } }],
  users: [{ name: "a", user: { token: "a" } }],
  contexts: [{ name: "a", context: { cluster: "a", user: "a" } }],
  "current-context": "a",
});

/** Inputs with secrets in the open: a Secret's data are secret to the engine too. */
function plain(value: unknown): unknown {
  if (typeof value !== "object" || value === null) {
    return value;
  }
  if (Array.isArray(value)) {
    return value.map(plain);
  }
  const entries = Object.entries(value);
  const [[only, secret] = []] = entries;
  return entries.length === 1 && only === "secret"
    ? plain(secret)
    : Object.fromEntries(entries.map(([key, field]) => [key, plain(field)]));
}
