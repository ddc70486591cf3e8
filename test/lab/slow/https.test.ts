// HTTPS on a cluster that is built anew, and by an ACME server that looks at the DNS.
import { strict as assert } from "node:assert";
import { blockedDomain, LabAcme } from "../../../lab/acme";
import { type StackConfig } from "../../../lab/engine";
import { HttpsStack } from "../../support/httpsStack";
import { changedNames, eventually } from "../../support/lab";

const lab = new HttpsStack("edge18");
const { domain, hello } = lab;
const own = "api.example.com";
const body = "Hello Edge!!\n";
const api = { image: "ghcr.io/knative/helloworld-go:latest", domains: [own] };

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
    given = (await lab.outputs()).ca;
  });
  after(async () => {
    await acme.remove();
    await lab.remove();
  });

  it("stays, with its CA, when the cluster is built anew", async () => {
    const ca = given;
    const seen = (await lab.ask(hello, ca)).fingerprint;
    await lab.configure({ ...byCa, services: { api }, hostGeneration: "2" });
    await lab.up();
    assert.equal((await lab.outputs()).ca, ca);
    await eventually("the same certificate", 60, async () => {
      return (await lab.ask(hello, ca)).fingerprint === seen;
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
      assert.equal((await lab.ask(hello, given)).body, body);
    }
    await lab.configure(config({}));
    await lab.up();
    let before = "";
    const root = await acme.root();
    await eventually("the certificate of the ACME server", 60, async () => {
      before = (await lab.ask(hello, root)).fingerprint;
      return true;
    });
    assert.equal((await lab.ask(own, root)).body, "Hello World!\n");
    assert.equal((await lab.outputs()).certificate.issuer, server);
    assert.deepEqual(await changedNames(lab.stack), []);
    await lab.makeDue();
    await lab.up();
    await lab.eventuallyAnother(hello, root, before);
  });
});
