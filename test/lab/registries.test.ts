// A private registry: the program resolves its tags, and the host pulls from it, by password and by token.
import { strict as assert } from "node:assert";
import { randomBytes } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { pulumi } from "../../lab/engine";
import { get } from "../../lab/http";
import { stackFile, type StackConfig } from "../../lab/labConfig";
import { dirs, hostAddress, network } from "../../lab/paths";
import { waitFor } from "../../lab/process";
import { LabRegistry, type Door } from "../../lab/registry";
import { hostFile, startPulumi } from "../support/faults";
import { changedNames, eventually, hostnameOf, loadBalancer } from "../support/lab";
import { LabStack } from "../support/labStack";
import { filesWith, ProcessWatch } from "../support/secretWatch";

const lab = new LabStack("edge17");
const login = { username: "edge", password: `planted-${randomBytes(12).toString("hex")}` };
const begun = new Date();

/** Where the host has containerd's files. */
const directory = "/etc/k0s/containerd.d/knative-edge";

let registry: LabRegistry;
let watch: ProcessWatch;

/** The stack's settings with the sample and two services of a user's from a door of the registry. */
function settings(door: Door): StackConfig {
  const host = registry.host(door);
  const { imageMirrors } = stackFile() as { imageMirrors: Record<string, string> };
  return {
    // The sample is under the name of its release, from where the stack's mirror has it.
    imageMirrors: { ...imageMirrors, "ghcr.io/knative": `${host}/samples:v1` },
    services: {
      orders: { image: `${host}/team/orders:1`, readyTimeoutSeconds: 120 },
      billing: { image: `${host}/team/billing:1` },
    },
    registries: { [host]: { username: login.username, ca: registry.caFile } },
  };
}

/** Sets a password as a user does, by standard input. */
async function setPassword(door: Door, password: string): Promise<void> {
  const key = `registries["${registry.host(door)}"].password`;
  const args = ["config", "set", "--secret", "--path", key];
  await pulumi(args, { stack: lab.stack, input: password });
}

/** Sets the configuration, and the right password with it. */
async function configure(config: StackConfig): Promise<void> {
  await lab.configure(config);
  await setPassword("password", login.password);
}

async function up(): Promise<string> {
  const { code, text } = await lab.run("up", "--yes", "--skip-preview");
  assert.equal(code, 0, text);
  return text;
}

/** The service answers so, from outside and within two minutes. */
async function answers(service: string, body: string): Promise<void> {
  const [address, name] = [await loadBalancer(lab.host), await hostnameOf(lab.host, service)];
  await eventually(`${body} from ${name}`, 120, async () =>
    isDeepStrictEqual(await get(address, name), { status: 200, body: `${body}\n` }),
  );
}

async function allAnswer(orders = "orders"): Promise<void> {
  await answers("hello", "Hello Edge!!");
  await answers("orders", `Hello ${orders}!`);
  await answers("billing", "Hello billing!");
}

/** The image in a Service's object. */
function imageOf(service: string): Promise<string> {
  const field = "{.spec.template.spec.containers[0].image}";
  return lab.kubectl(`get services.serving.knative.dev ${service} -o jsonpath=${field}`);
}

/** The blobs and manifests that the host got from a door. */
function pulls(door: Door, repository: string): string[] {
  return registry
    .requests(door, hostAddress(lab.host))
    .filter((line) => line.includes(`"GET /v2/${repository}/`) && / 200 \d+ /.test(line));
}

/** A text as it stands in base64, wherever it begins in what was encoded. */
function encoded(text: string): string[] {
  return [0, 1, 2].map((before) => {
    const whole = Buffer.from("x".repeat(before) + text).toString("base64");
    // The first and the last digits depend on what is beside it.
    return whole.slice(4, -4);
  });
}

describe("private registries", () => {
  const digests: Record<string, string> = {};

  before(async () => {
    await lab.create();
    registry = await LabRegistry.create(login);
    digests.hello = await registry.push("samples/helloworld-go:v1", "Edge!");
    digests.orders = await registry.push("team/orders:1", "orders");
    digests.billing = await registry.push("team/billing:1", "billing");
    watch = new ProcessWatch(100);
  });

  after(async () => {
    watch.stop();
    await lab.remove();
    await registry.remove();
  });

  it("are refused before anything is made: a login that is missing or wrong, a CA that is unknown, nobody there", async () => {
    const host = registry.host("password");
    const key = `registries\\["${host}"\\]`;
    await lab.configure(settings("password"));
    await setPassword("password", `not-${login.password}`);
    await lab.fails(new RegExp(`${host} refuses the user name and password.*correct ${key}\\.`));
    const { username } = login;
    await lab.configure({ registries: { [host]: { ca: registry.caFile } } });
    await lab.fails(
      new RegExp(`to nobody without a login.*set username and password in ${key}\\.`),
    );
    await configure({ registries: { [host]: { username } } });
    await lab.fails(
      new RegExp(`a CA that is not trusted.*put the CA's certificate into ${key}\\.ca\\.`),
    );
    await configure({ registries: { [host]: { username, plainHttp: true } } });
    await lab.fails(new RegExp(`${host} speaks TLS.*unset ${key}\\.plainHttp\\.`));
    await configure(settings("password"));
    await offline(() =>
      lab.fails(new RegExp(`${host} cannot be reached \\(connect ECONNREFUSED .*check the name`)),
    );
    const { stdout } = await pulumi(["stack", "--show-urns"], { stack: lab.stack });
    assert.doesNotMatch(stdout, /host-preflight/);
  });

  it("give the host the sample and two services, by digest and with login and CA", async () => {
    await up();
    await allAnswer();
    const host = registry.host("password");
    for (const [service, repository] of Object.entries({
      hello: "samples/helloworld-go",
      orders: "team/orders",
      billing: "team/billing",
    })) {
      assert.equal(await imageOf(service), `${host}/${repository}@${digests[service]}`);
      // Manifest, configuration and layer.
      assert.equal(pulls("password", repository).length, 3, repository);
    }
    const file = await lab.ssh(`cat '${directory}/${host}/hosts.toml'`);
    assert.ok(file.startsWith(`server = "https://${host}"\nca = "${directory}/${host}/ca.crt"\n`));
    assert.deepEqual(await changedNames(lab.stack), []);
  });

  it("show a moved tag as a line of the preview, and up runs it", async () => {
    const before = digests.orders;
    digests.orders = await registry.push("team/orders:1", "moved");
    assert.notEqual(digests.orders, before);
    const { text } = await lab.run("preview", "--diff");
    const image = `${registry.host("password")}/team/orders@`;
    assert.ok(text.includes(`image: "${image}${before}" => "${image}${digests.orders}"`), text);
    assert.deepEqual(await changedNames(lab.stack), ["orders-service"]);
    await answers("orders", "Hello orders!");
    await up();
    await allAnswer("moved");
  });

  it("refuse a wrong password of a running stack, and nothing is lost", async () => {
    await setPassword("password", `not-${login.password}`);
    await lab.fails(/refuses the user name and password/);
    const { code, text } = await lab.run("preview");
    assert.notEqual(code, 0);
    assert.match(text, /refuses the user name and password/);
    await setPassword("password", login.password);
    await allAnswer("moved");
    assert.deepEqual(await changedNames(lab.stack), []);
  });

  it("that cannot be reached leave preview and up the digests in the state, and that is said", async () => {
    const kept =
      /cannot be reached.* Until then these services keep the images that they run: (billing|hello|orders)(, (billing|hello|orders)){2}\./;
    await offline(async () => {
      const preview = await lab.run("preview", "--diff");
      assert.equal(preview.code, 0, preview.text);
      assert.match(preview.text, kept);
      assert.doesNotMatch(preview.text, /=> "/);
      await configure(changed());
      assert.deepEqual(await changedNames(lab.stack), ["billing-service"]);
      assert.match(await up(), kept);
      await answers("billing", "Hello offline!");
      const image = `${registry.host("password")}/team/billing@${digests.billing}`;
      assert.equal(await imageOf("billing"), image);
    });
  });

  it("are not needed for the start of a pod whose image the host has", async () => {
    await offline(async () => {
      await lab.kubectl("delete pods -l serving.knative.dev/service=hello");
      await answers("hello", "Hello Edge!!");
      await answers("orders", "Hello moved!");
      await answers("billing", "Hello offline!");
    });
  });

  it("that cannot be reached are in the way of a service without a state alone", async () => {
    const extra = { image: `${registry.host("password")}/team/extra:1` };
    await offline(async () => {
      await configure({ ...changed(), services: { ...servicesOf(changed()), extra } });
      await lab.fails(/services\.extra\.image: .* cannot be reached/);
      await configure(changed());
      assert.deepEqual(await changedNames(lab.stack), []);
    });
  });

  it("that go down in the middle of an up leave the old revision at work, and the next up goes on", async () => {
    await configure(settings("password"));
    await up();
    digests.orders = await registry.push("team/orders:1", "late");
    const asked = (): number =>
      registry
        .requests("password", network.gateway)
        .filter((line) => /HEAD \/v2\/team\/.* 200 /.test(line)).length;
    const before = asked();
    const running = await startPulumi(["up", "--yes", "--skip-preview"], lab.stack);
    await waitFor(
      () => asked() >= before + 2,
      120,
      () => `not asked: ${running.output()}`,
    );
    await registry.close("password");
    assert.notEqual(await running.ended, 0, running.output());
    lab.printed.push(running.output());
    assert.match(running.output(), /orders.*(ErrImagePull|ImagePullBackOff|Unable to fetch image)/);
    await answers("orders", "Hello moved!");
    await registry.open("password");
    await up();
    await allAnswer("late");
  });

  it("that ask for a token give it to program and host", async () => {
    await lab.configure(settings("token"));
    await setPassword("token", `not-${login.password}`);
    await lab.fails(
      new RegExp(`${registry.host("token")} refuses the user name and password \\(401 from `),
    );
    await setPassword("token", login.password);
    // New layers, for the host keeps those that it has under other names.
    digests.orders = await registry.push("team/orders:1", "token");
    await up();
    await allAnswer("token");
    const host = registry.host("token");
    assert.equal(await imageOf("orders"), `${host}/team/orders@${digests.orders}`);
    assert.equal(pulls("token", "team/orders").length, 3);
    const granted = registry.tokenRequests().filter((line) => line.endsWith(" 200"));
    // The program's, and the host's.
    assert.ok(granted.filter((line) => line.includes("repository:team/orders:pull")).length >= 2);
    // The other registry's files went with its key.
    const files = await lab.ssh(`cd ${directory} && find . -type f | sort`);
    assert.equal(files, `./${host}/ca.crt\n./${host}/hosts.toml\n`);
  });

  it("have their passwords nowhere in plain text", async () => {
    const pair = `${login.username}:${login.password}`;
    const inConfig = Buffer.from(pair).toString("base64");
    const secrets = [login.password, ...[login.password, pair, inConfig].flatMap(encoded)];
    const found = (text: string): boolean => secrets.some((secret) => text.includes(secret));
    // With everything that Pulumi logs below properties.
    await lab.run("preview", "--diff", "--logtostderr", "--logflow", "-v=8");
    await lab.run("preview", "--json");
    assert.deepEqual(lab.printed.filter(found), []);
    for (const folder of [dirs.state, dirs.project, dirs.pulumiHome])
      assert.deepEqual(filesWith(folder, secrets, new Date(0)), []);
    watch.stop();
    assert.ok(watch.commands.some((command) => command.includes("sh -s create")));
    assert.deepEqual(
      watch.sightings(secrets).filter(({ where, isPublic }) => where === "cmdline" || isPublic),
      [],
    );
    const root = hostFile(lab.host, "/");
    // Where Kubernetes keeps them: what would not be found here would be found nowhere.
    assert.ok(filesWith(root, secrets, begun).some((file) => /k0s\/db\/state\.db/.test(file)));
    assert.deepEqual(filesWith(root, secrets, begun, true), []);
    const recent = readdirSync(os.tmpdir())
      .map((name) => path.join(os.tmpdir(), name))
      .filter((entry) => (statSync(entry, { throwIfNoEntry: false })?.mtime ?? 0) >= begun);
    for (const entry of recent) assert.deepEqual(filesWith(entry, secrets, begun, true), []);
  });

  it("leave nothing on the host when their key goes", async () => {
    await lab.configure({ registries: undefined, services: undefined });
    await up();
    await answers("hello", "Hello Edge!!");
    assert.equal(await lab.ssh("ls /etc/k0s/containerd.d"), "");
    assert.equal(await lab.kubectl("get secrets -o name"), "");
    // k0s has restarted containerd, which starts pods as before.
    await eventually("containerd without the registries", 60, async () => {
      const config = await lab.ssh("cat /etc/k0s/containerd.toml && k0s ctr version");
      return !config.includes("config_path");
    });
    await lab.kubectl("delete pods -l serving.knative.dev/service=hello --wait=false");
    await answers("hello", "Hello Edge!!");
    assert.deepEqual(await changedNames(lab.stack), []);
  });

  /** Does something while the registry cannot be reached. */
  async function offline(action: () => Promise<void>): Promise<void> {
    await registry.close("password");
    try {
      await action();
    } finally {
      await registry.open("password");
    }
  }

  const servicesOf = (config: StackConfig) => config.services as Record<string, object>;

  /** The settings with a variable in one service. */
  function changed(): StackConfig {
    const { billing, ...others } = servicesOf(settings("password"));
    const env = { TARGET: "offline" };
    return { ...settings("password"), services: { ...others, billing: { ...billing, env } } };
  }
});
