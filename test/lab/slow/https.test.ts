// HTTPS on a cluster that is built anew, and by an ACME server that looks at the DNS.
import { strict as assert } from "node:assert";
import { blockedDomain, LabAcme } from "../../../lab/acme";
import { stackOutputs, type StackConfig } from "../../../lab/engine";
import { hostPool } from "../../../lab/paths";
import { eventuallyAnother, getHttps, HttpsAnswer, makeDue } from "../../support/https";
import { changedNames, eventually, loadBalancer } from "../../support/lab";
import { LabStack } from "../../support/labStack";

const lab = new LabStack("edge18");
const domain = `${hostPool(lab.host).split("-")[0]}.sslip.io`;
const hello = `hello.default.${domain}`;
const own = "api.example.com";
const body = "Hello Edge!!\n";
const api = { image: "ghcr.io/knative/helloworld-go:latest", domains: [own] };

const outputs = async () =>
  (await stackOutputs(lab.host)) as { ca: string; certificate: { issuer: string } };

/** What a client sees that trusts one CA. */
async function ask(name: string, ca: string): Promise<HttpsAnswer> {
  return getHttps(await loadBalancer(lab.host), name, ca);
}

describe("HTTPS that outlives the cluster, and by DNS", () => {
  const byCa: StackConfig = { domain, tls: { issuer: "ca", redirect: true } };
  let acme: LabAcme;
  /** The stack's own CA. */
  let given = "";

  before(async () => {
    await lab.create();
    acme = await LabAcme.create();
    await lab.configure({ ...byCa, services: { api } });
    await lab.up();
    given = (await outputs()).ca;
  });
  after(async () => {
    await acme.remove();
    await lab.remove();
  });

  it("stays, with its CA, when the cluster is built anew", async () => {
    const ca = given;
    const seen = (await ask(hello, ca)).fingerprint;
    await lab.configure({ ...byCa, services: { api }, hostGeneration: "2" });
    await lab.up();
    assert.equal((await outputs()).ca, ca);
    await eventually("the same certificate", 60, async () => {
      return (await ask(hello, ca)).fingerprint === seen;
    });
    assert.deepEqual(await changedNames(lab.stack), []);
  });

  it("comes from an ACME server, which is told apart from what it refuses", async () => {
    const { serverCa, directory: server, dnsCommand } = acme;
    const byAcme = { issuer: "acme", server, serverCa, dnsCommand, ca: await acme.root() };
    const config = (changed: object, domains = [own]): StackConfig => ({
      domain,
      hostGeneration: "2",
      services: { api: { ...api, domains } },
      tls: { ...byAcme, ...changed },
    });
    for (const [changed, domains, says] of [
      [{ serverCa: undefined }, [own], /shows a certificate that this machine does not trust/],
      [{ server: "https://127.0.0.1:1/dir" }, [own], /cannot be reached \(.*ECONNREFUSED/],
      [{}, [blockedDomain], new RegExp(`issued no certificate for .*${blockedDomain}: `)],
      [
        { dnsCommand: "echo no access; exit 3" },
        [own],
        /did not add .* \(exit code 3\): no access/,
      ],
      [{ dnsCommand: "true" }, [own], /issued no certificate for .*: .*TXT/],
    ] as [object, string[], RegExp][]) {
      await lab.configure(config(changed, domains));
      await lab.fails(says);
      // The certificate before is served on.
      assert.equal((await ask(hello, given)).body, body);
    }
    await lab.configure(config({}));
    await lab.up();
    let before = "";
    const root = await acme.root();
    await eventually("the certificate of the ACME server", 60, async () => {
      before = (await ask(hello, root)).fingerprint;
      return true;
    });
    assert.equal((await ask(own, root)).body, "Hello World!\n");
    assert.equal((await outputs()).certificate.issuer, server);
    assert.deepEqual(await changedNames(lab.stack), []);
    await makeDue(lab.stack);
    await lab.up();
    await eventuallyAnother(() => ask(hello, root), before);
  });
});
