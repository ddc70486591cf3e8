// A certificate of an ACME server to which the gateway itself proves the names, from a bare host on.
import { strict as assert } from "node:assert";
import { LabAcme } from "../../../lab/acme";
import { pulumi, type StackConfig } from "../../../lab/engine";
import { get } from "../../../lab/http";
import { hostPool } from "../../../lab/paths";
import { getHttps } from "../../support/https";
import { changedNames, eventually, loadBalancer } from "../../support/lab";
import { LabStack } from "../../support/labStack";

const lab = new LabStack("edge17");
const address = hostPool(lab.host).split("-")[0] ?? "";
const domain = "edge.example.com";
const hello = `hello.default.${domain}`;
const own = "api.example.com";
const api = {
  image: "ghcr.io/knative/helloworld-go:latest",
  domains: [own],
  requests: { cpu: "5m", memory: "16Mi" },
};

const gatewayPods = (): Promise<string> =>
  lab.kubectl("-n kourier-system get pods -l app=3scale-kourier-gateway -o name");

/** The ports of the gateway's pods at which its Service leads. */
const targetPorts = (): Promise<string> =>
  lab.kubectl("-n kourier-system get service kourier -o jsonpath={.spec.ports[*].targetPort}");

/** What nobody but the account may know. */
async function accountKey(): Promise<string> {
  const { stdout } = await pulumi(["stack", "export", "--show-secrets"], { stack: lab.stack });
  return /"account\.key": *"([^"]+)"/.exec(stdout.replaceAll("\\", ""))?.[1] ?? "";
}

describe("HTTPS by an ACME server that asks the gateway", () => {
  let acme: LabAcme;
  let config: (changed?: StackConfig) => StackConfig;

  before(async () => {
    acme = await LabAcme.create();
    const { directory: server, serverCa } = acme;
    const tls = { issuer: "acme", server, serverCa, ca: await acme.root() };
    config = (changed = {}) => ({ domain, tls, ...changed });
    await lab.create();
  });
  after(async () => {
    await acme.remove();
    await lab.remove();
  });

  it("says that a name leads elsewhere, when all else is up", async () => {
    await lab.configure(config());
    await lab.fails(
      new RegExp(`issued no certificate for ${hello}: .*well-known/acme-challenge/.* refused`),
    );
    assert.equal((await get(address, hello)).body, "Hello Edge!!\n");
  });

  it("is there once the names lead to the gateway, with no pod more and HTTP beside it", async () => {
    const pods = await gatewayPods();
    await acme.resolveTo(address);
    await lab.up();
    const { status, body } = await getHttps(address, hello, await acme.root());
    assert.deepEqual([status, body], [200, "Hello Edge!!\n"]);
    assert.equal((await get(address, hello)).body, "Hello Edge!!\n");
    assert.equal(await gatewayPods(), pods);
    assert.deepEqual(await changedNames(lab.stack), []);
    const { text } = await lab.run("up", "--refresh", "--yes", "--skip-preview");
    assert.match(text, /\d+ unchanged/);
    assert.doesNotMatch(text, /[~+-] \d+ (updated|created|deleted)/);
  });

  it("has another service's names too, by the same account and gateway, and sends HTTP on", async () => {
    const [pods, key] = [await gatewayPods(), await accountKey()];
    assert.ok(key.length > 100);
    const { tls } = config() as { tls: object };
    await lab.configure({ ...config(), tls: { ...tls, redirect: true }, services: { api } });
    await lab.up();
    const root = await acme.root();
    for (const name of [hello, `api.default.${domain}`, own])
      await eventually(`a certificate for ${name}`, 60, async () => {
        return (await getHttps(address, name, root)).status === 200;
      });
    assert.equal((await get(address, own)).status, 301);
    assert.equal(await gatewayPods(), pods);
    assert.equal(await accountKey(), key);
    assert.ok(!lab.printed.join().includes(key));
    assert.deepEqual(await changedNames(lab.stack), []);
  });

  it("goes without a trace", async () => {
    await lab.configure({ domain, tls: undefined, services: undefined });
    await lab.up();
    assert.equal(await targetPorts(), "8080 8443");
    const settings = await lab.kubectl("-n knative-serving get configmap config-kourier -o yaml");
    assert.doesNotMatch(settings, /^ {2}certs-secret-name:/m);
    assert.equal((await get(await loadBalancer(lab.host), hello)).body, "Hello Edge!!\n");
    await assert.rejects(getHttps(address, hello, await acme.root()));
    assert.deepEqual(await changedNames(lab.stack), []);
  });
});
