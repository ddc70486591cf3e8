// A private registry: the program resolves its tags, and the host pulls from it, by password and by token.
import { strict as assert } from "node:assert";
import { readdirSync, statSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { pulumi } from "../../lab/engine";
import { dirs } from "../../lab/paths";
import { hostFile } from "../support/faults";
import { changedNames, eventually } from "../support/lab";
import { RegistryStack } from "../support/registryStack";
import { filesWith, ProcessWatch } from "../support/secretWatch";

const lab = new RegistryStack("edge17");
const begun = new Date();

/** Where the host has containerd's files. */
const directory = "/etc/k0s/containerd.d/knative-edge";

let watch: ProcessWatch;

/** A text as it stands in base64, wherever it begins in what was encoded. */
function encoded(text: string): string[] {
  return [0, 1, 2].map((before) => {
    const whole = Buffer.from("x".repeat(before) + text).toString("base64");
    // The first and the last digits depend on what is beside it.
    return whole.slice(4, -4);
  });
}

describe("private registries", () => {
  before(async () => {
    await lab.create();
    watch = new ProcessWatch(100);
  });

  after(async () => {
    watch.stop();
    await lab.remove();
  });

  it("are refused before anything is made: a login that is missing or wrong, a CA that is unknown, nobody there", async () => {
    const host = lab.registry.host("password");
    const key = `registries\\["${host}"\\]`;
    await lab.configure(lab.settings("password"));
    await lab.setPassword("password", `not-${lab.login.password}`);
    await lab.fails(new RegExp(`${host} refuses the user name and password.*correct ${key}\\.`));
    const { username } = lab.login;
    await lab.configure({ registries: { [host]: { ca: lab.registry.caFile } } });
    await lab.fails(
      new RegExp(`to nobody without a login.*set username and password in ${key}\\.`),
    );
    await lab.configureWithLogin({ registries: { [host]: { username } } });
    await lab.fails(
      new RegExp(`a CA that is not trusted.*put the CA's certificate into ${key}\\.ca\\.`),
    );
    await lab.configureWithLogin({ registries: { [host]: { username, plainHttp: true } } });
    await lab.fails(new RegExp(`${host} speaks TLS.*unset ${key}\\.plainHttp\\.`));
    await lab.configureWithLogin(lab.settings("password"));
    await lab.offline(() =>
      lab.fails(new RegExp(`${host} cannot be reached \\(connect ECONNREFUSED .*check the name`)),
    );
    const { stdout } = await pulumi(["stack", "--show-urns"], { stack: lab.stack });
    assert.doesNotMatch(stdout, /host-preflight/);
  });

  it("give the host the sample and two services, by digest and with login and CA", async () => {
    await lab.up();
    await lab.allAnswer();
    const host = lab.registry.host("password");
    for (const [service, repository] of Object.entries({
      hello: "samples/helloworld-go",
      orders: "team/orders",
      billing: "team/billing",
    })) {
      assert.equal(await lab.imageOf(service), `${host}/${repository}@${lab.digests[service]}`);
      // Manifest, configuration and layer.
      assert.equal(lab.pulls("password", repository).length, 3, repository);
    }
    const file = await lab.ssh(`cat '${directory}/${host}/hosts.toml'`);
    assert.ok(file.startsWith(`server = "https://${host}"\nca = "${directory}/${host}/ca.crt"\n`));
    assert.deepEqual(await changedNames(lab.stack), []);
  });

  it("show a moved tag as a line of the preview, and up runs it", async () => {
    const before = lab.digests.orders;
    await lab.push("orders", "team/orders:1", "moved");
    assert.notEqual(lab.digests.orders, before);
    const { text } = await lab.run("preview", "--diff");
    const image = `${lab.registry.host("password")}/team/orders@`;
    assert.ok(text.includes(`image: "${image}${before}" => "${image}${lab.digests.orders}"`), text);
    assert.deepEqual(await changedNames(lab.stack), ["orders-service"]);
    await lab.answers("orders", "Hello orders!");
    await lab.up();
    await lab.allAnswer("moved");
  });

  it("refuse a wrong password of a running stack, and nothing is lost", async () => {
    await lab.setPassword("password", `not-${lab.login.password}`);
    await lab.fails(/refuses the user name and password/);
    const { code, text } = await lab.run("preview");
    assert.notEqual(code, 0);
    assert.match(text, /refuses the user name and password/);
    await lab.setPassword("password", lab.login.password);
    await lab.allAnswer("moved");
    assert.deepEqual(await changedNames(lab.stack), []);
  });

  it("that cannot be reached leave preview and up the digests in the state, and that is said", async () => {
    const kept =
      /cannot be reached.* Until then these services keep the images that they run: (billing|hello|orders)(, (billing|hello|orders)){2}\./;
    await lab.offline(async () => {
      const preview = await lab.run("preview", "--diff");
      assert.equal(preview.code, 0, preview.text);
      assert.match(preview.text, kept);
      assert.doesNotMatch(preview.text, /=> "/);
      await lab.configureWithLogin(lab.changed());
      assert.deepEqual(await changedNames(lab.stack), ["billing-service"]);
      assert.match(await lab.up(), kept);
      await lab.answers("billing", "Hello offline!");
      const image = `${lab.registry.host("password")}/team/billing@${lab.digests.billing}`;
      assert.equal(await lab.imageOf("billing"), image);
    });
  });

  it("that ask for a token give it to program and host", async () => {
    await lab.configure(lab.settings("token"));
    await lab.setPassword("token", `not-${lab.login.password}`);
    await lab.fails(
      new RegExp(`${lab.registry.host("token")} refuses the user name and password \\(401 from `),
    );
    await lab.setPassword("token", lab.login.password);
    // New layers, for the host keeps those that it has under other names.
    await lab.push("orders", "team/orders:1", "token");
    await lab.up();
    await lab.allAnswer("token");
    const host = lab.registry.host("token");
    assert.equal(await lab.imageOf("orders"), `${host}/team/orders@${lab.digests.orders}`);
    assert.equal(lab.pulls("token", "team/orders").length, 3);
    const granted = lab.registry.tokenRequests().filter((line) => line.endsWith(" 200"));
    // The program's, and the host's.
    assert.ok(granted.filter((line) => line.includes("repository:team/orders:pull")).length >= 2);
    // The other registry's files went with its key.
    const files = await lab.ssh(`cd ${directory} && find . -type f | sort`);
    assert.equal(files, `./${host}/ca.crt\n./${host}/hosts.toml\n`);
  });

  it("have their passwords nowhere in plain text", async () => {
    const pair = `${lab.login.username}:${lab.login.password}`;
    const inConfig = Buffer.from(pair).toString("base64");
    const secrets = [lab.login.password, ...[lab.login.password, pair, inConfig].flatMap(encoded)];
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
    await lab.up();
    await lab.answers("hello", "Hello Edge!!");
    assert.equal(await lab.ssh("ls /etc/k0s/containerd.d"), "");
    assert.equal(await lab.kubectl("get secrets -o name"), "");
    // k0s has restarted containerd, which starts pods as before.
    await eventually("containerd without the registries", 60, async () => {
      const config = await lab.ssh("cat /etc/k0s/containerd.toml && k0s ctr version");
      return !config.includes("config_path");
    });
    await lab.kubectl("delete pods -l serving.knative.dev/service=hello --wait=false");
    await lab.answers("hello", "Hello Edge!!");
    assert.deepEqual(await changedNames(lab.stack), []);
  });
});
