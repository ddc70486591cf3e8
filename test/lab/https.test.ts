// HTTPS: by the program's own CA, by a certificate that is given, with one for a service's own domain, and its renewal.
import { strict as assert } from "node:assert";
import { pulumi, type StackConfig } from "../../lab/engine";
import { get } from "../../lab/http";
import { dirs } from "../../lab/paths";
import { issueByCa, makeCa } from "../../components/tls/ownCa";
import { KeyPair } from "../../components/tls/keyPair";
import { HttpsAnswer } from "../support/https";
import { HttpsStack } from "../support/httpsStack";
import { certificateFor } from "../support/certificates";
import { changedNames, eventually, loadBalancer, previewSteps } from "../support/lab";
import { filesWith } from "../support/secretWatch";

const lab = new HttpsStack("edge18");
const { domain, hello } = lab;
const own = "api.example.com";
const body = "Hello Edge!!\n";
const api = { image: "ghcr.io/knative/helloworld-go:latest", domains: [own] };

async function setKey(path: string, { key }: KeyPair): Promise<void> {
  const args = ["config", "set", "--secret", "--path", `tls.${path}`];
  await pulumi(args, { stack: lab.stack, input: key });
}

const pods = async (): Promise<number> =>
  (await lab.kubectl("get pods -A --no-headers -o name")).trim().split("\n").length;

const certificates = (): Promise<string> =>
  lab.kubectl("-n knative-serving get secrets --field-selector type=kubernetes.io/tls -o name");

describe("HTTPS", () => {
  const byCa: StackConfig = { domain, tls: { issuer: "ca", redirect: true } };
  let seen = "";
  let podsBefore = 0;
  let answer: HttpsAnswer;

  before(() => lab.create());
  after(() => lab.remove());

  it("needs a domain that is known beforehand", async () => {
    await lab.configure({ tls: byCa.tls });
    await lab.fails(/tls: needs a domain that is known beforehand/);
  });

  it("comes to a stack by a CA of its own, with a redirect and no pod more", async () => {
    await lab.configure({ domain });
    await lab.up();
    podsBefore = await pods();
    await lab.configure(byCa);
    await lab.up();
    const { ca, url, certificate } = await lab.outputs();
    assert.equal(url, `https://${hello}`);
    assert.deepEqual([certificate.issuer, certificate.names], ["ca", `*.default.${domain}`]);
    answer = await lab.ask(hello, ca);
    assert.deepEqual([answer.status, answer.body], [200, body]);
    assert.equal((await get(await loadBalancer(lab.host), hello)).status, 301);
    assert.equal(await pods(), podsBefore);
    assert.deepEqual(await changedNames(lab.stack), []);
    seen = answer.fingerprint;
  });

  it("needs no other certificate for another service, but for its own domain", async () => {
    const { ca } = await lab.outputs();
    await lab.configure({ ...byCa, services: { api: { ...api, domains: [] } } });
    await lab.up();
    answer = await lab.ask(`api.default.${domain}`, ca);
    assert.deepEqual([answer.body, answer.fingerprint], ["Hello World!\n", seen]);
    await lab.configure({ ...byCa, services: { api } });
    await lab.up();
    seen = await lab.eventuallyAnother(hello, ca, seen);
    assert.equal((await lab.ask(own, ca)).body, "Hello World!\n");
    assert.equal((await lab.outputs()).ca, ca);
  });

  it("is renewed by an up when a third of the time is left", async () => {
    const { ca } = await lab.outputs();
    await lab.makeDue();
    const { text } = await lab.run("preview");
    assert.match(
      text,
      /The gateway's certificate ends on \d{4}-\d\d-\d\d; `pulumi up` renews it\./,
    );
    const steps = await previewSteps(lab.stack);
    const changed = steps.map(({ op, urn }) => `${op} ${urn.split("::").pop()}`);
    assert.ok(changed.includes("replace certificate-gateway"), changed.join());
    assert.ok(!changed.some((step) => step.endsWith(" certificate-ca")), changed.join());
    await lab.up();
    seen = await lab.eventuallyAnother(hello, ca, seen);
    assert.deepEqual(await changedNames(lab.stack), []);
    // The one before is gone: one certificate, and the CA.
    assert.equal((await certificates()).trim().split("\n").length, 2);
  });

  it("comes back when its Secret was deleted by hand", async () => {
    const { ca } = await lab.outputs();
    const secret = (await certificates()).split("\n").find((name) => name.includes("gateway-"));
    await lab.kubectl(`-n knative-serving delete ${secret}`);
    const { code, text } = await lab.run("up", "--refresh", "--yes", "--skip-preview");
    assert.equal(code, 0, text);
    assert.equal((await certificates()).trim().split("\n").length, 2);
    assert.equal((await lab.outputs()).ca, ca);
    seen = (await lab.ask(hello, ca)).fingerprint;
  });

  it("is refused with a certificate that does not fit, and serves one that does, and a domain's own", async () => {
    const before = (await lab.outputs()).ca;
    const ca = await makeCa("tests");
    const names = [hello, `api.default.${domain}`];
    const [pair, short, ofDomain] = await Promise.all([
      issueByCa(ca, names),
      issueByCa(ca, names.slice(0, 1)),
      issueByCa(ca, [own]),
    ]);
    const tls = (certificate: string): StackConfig => ({
      domain,
      services: { api },
      tls: {
        issuer: "given",
        certificate,
        ca: ca.certificate,
        certificates: { [own]: { certificate: ofDomain.certificate } },
      },
    });
    // Ended a month ago.
    const old = await certificateFor(names, 395);
    await lab.configure(tls(old.certificate));
    await setKey("key", old);
    await setKey(`certificates["${own}"].key`, ofDomain);
    await lab.fails(/tls\.certificate: ended on \d{4}-\d\d-\d\d; renew it/);
    assert.equal((await lab.ask(hello, before)).body, body);
    await lab.configure(tls(short.certificate));
    await setKey("key", pair);
    await setKey(`certificates["${own}"].key`, ofDomain);
    const { code, text } = await lab.run("preview");
    assert.notEqual(code, 0);
    assert.match(text, new RegExp(`tls\\.certificate: is not for api\\.default\\.${domain}, but `));
    assert.match(text, /tls\.key: is not the certificate's/);
    await lab.configure(tls(pair.certificate));
    await setKey("key", pair);
    await setKey(`certificates["${own}"].key`, ofDomain);
    await lab.up();
    await eventually("the given certificate", 60, async () => {
      await lab.ask(hello, ca.certificate);
      return true;
    });
    const [ofHello, ofOwn] = [
      await lab.ask(hello, ca.certificate),
      await lab.ask(own, ca.certificate),
    ];
    assert.notEqual(ofHello.fingerprint, ofOwn.fingerprint);
    assert.equal(ofOwn.body, "Hello World!\n");
    // Without the redirect both answer.
    assert.equal((await get(await loadBalancer(lab.host), hello)).status, 200);
    assert.deepEqual(await changedNames(lab.stack), []);
    // A line of each key, and a part of what the Secrets have.
    const keys = [pair, ofDomain].flatMap(({ key }) => [
      key.split("\n")[1] ?? "",
      Buffer.from(key).toString("base64").slice(40, 120),
    ]);
    await lab.run("preview", "--diff", "--logtostderr", "--logflow", "-v=8");
    await lab.run("preview", "--json");
    assert.ok(!keys.some((part) => lab.printed.join().includes(part)));
    for (const folder of [dirs.state, dirs.project, dirs.pulumiHome])
      assert.deepEqual(filesWith(folder, keys, new Date(0)), []);
  });

  it("goes without a trace, and HTTP answers on", async () => {
    await lab.configure({ domain, tls: undefined, services: undefined });
    await lab.up();
    assert.equal((await get(await loadBalancer(lab.host), hello)).body, body);
    assert.equal(await certificates(), "");
    await assert.rejects(lab.ask(hello, ""));
    assert.deepEqual(await changedNames(lab.stack), []);
  });
});
