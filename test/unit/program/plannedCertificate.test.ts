import assert from "node:assert/strict";
import { Graph, runProgram } from "../../../cli/recording/recorder";
import { acmeAccountKey } from "../../../components/tls/acmeAccount";
import { KeyPair, tlsData } from "../../../components/tls/keyPair";
import { caOf, certificateFor, testCa } from "../../support/certificates";
import { leastConfig } from "../../support/config";
import { manifestsDir } from "../../support/releases";

const domain = "edge.example.com";
const day = 86_400_000;

/** A preview of a stack with HTTPS. */
const preview = (tls: object, state?: object[], changed: Record<string, string> = {}) =>
  runProgram(
    { ...leastConfig, manifestsDir, domain, tls: JSON.stringify(tls), ...changed },
    {
      preview: true,
      state: Object.fromEntries(
        (state ?? []).map((outputs, index) => [
          `urn:${index}`,
          { type: "kubernetes:core/v1:Secret", outputs },
        ]),
      ),
    },
  );

const secret = (graph: Graph) => graph.find("certificate-gateway");
const nameOf = (graph: Graph) => (secret(graph).inputs.metadata as { name: string }).name;
const gateway = (graph: Graph) =>
  graph.find("kourier-kourier-system/3scale-kourier-gateway", "kubernetes:apps/v1:Deployment");
const settings = (graph: Graph) =>
  (graph.find("certificate-settings").inputs as { data: Record<string, string> }).data;

/** The data of a Secret; undefined where only `up` knows it. */
const dataOf = (graph: Graph, name: string) =>
  (graph.find(name).inputs.data as { secret?: object }).secret;

/** The Secrets of a stack whose certificate was issued by its own CA. */
const issued = async (renewIn = 30, names = `*.default.${domain}`): Promise<object[]> => [
  { metadata: { name: "knative-edge-ca" }, data: tlsData(await testCa) },
  {
    data: tlsData(await certificateFor([names])),
    metadata: {
      name: "gateway-certificate-0123456789",
      annotations: {
        "knative-edge/issuer": "ca",
        "knative-edge/names": names,
        "knative-edge/ends": "2099-01-02T00:00:00.000Z",
        "knative-edge/renew-from": new Date(Date.now() + renewIn * day).toISOString(),
      },
    },
  },
];

describe("the gateway's certificate", () => {
  it("is issued where there is none, and the gateway is told of it once both are there", async () => {
    const graph = await preview({ issuer: "ca" });
    assert.equal(settings(graph)["certs-secret-name"], nameOf(graph));
    const told = graph.find("certificate-settings");
    assert.ok(graph.waitsFor(told, secret(graph)));
    assert.ok(graph.waitsFor(told, gateway(graph)));
    assert.ok(!graph.waitsFor(secret(graph), gateway(graph)));
    assert.ok(graph.waitsFor(graph.find("hello-probe-request"), told));
    assert.deepEqual(graph.warnings, []);
  });

  it("comes from an ACME server once the gateway answers, by the account for which it answers", async () => {
    const account = acmeAccountKey();
    const { thumbprint } = account;
    const data = { "account.key": Buffer.from(account.key).toString("base64") };
    const state = [{ metadata: { name: "knative-edge-acme" }, data }];
    const graph = await preview({ issuer: "acme" }, state);
    assert.deepEqual(dataOf(graph, "certificate-account"), data);
    const bootstrap = graph.find("kourier-kourier-system/kourier-bootstrap").inputs;
    assert.ok(JSON.stringify(bootstrap).includes(`.${thumbprint}`));
    assert.ok(JSON.stringify(gateway(graph).inputs).includes(thumbprint));
    assert.ok(graph.waitsFor(secret(graph), gateway(graph)));
    // Another gateway pod, and another order, only where the account is another.
    const first = await preview({ issuer: "acme" });
    assert.ok(!JSON.stringify(gateway(first).inputs).includes(thumbprint));
    const byDns = await preview({ issuer: "acme", dnsCommand: "sh dns.sh" }, state);
    assert.ok(!JSON.stringify(byDns.registrations).includes(thumbprint));
    assert.throws(() => byDns.find("certificate-account"));
  });

  it("has no key in the state but as a secret, in whatever form the cluster tells of it", async () => {
    const [byCa, byAcme] = [await preview({ issuer: "ca" }), await preview({ issuer: "acme" })];
    for (const made of [
      secret(byCa),
      byCa.find("certificate-ca"),
      secret(byAcme),
      byAcme.find("certificate-account"),
    ])
      assert.deepEqual(made.additionalSecretOutputs, ["data"], made.name);
  });

  it("stays as the state has it while it is what is asked for", async () => {
    const state = await issued();
    const graph = await preview({ issuer: "ca" }, state);
    assert.equal(nameOf(graph), "gateway-certificate-0123456789");
    const [ca, gateway] = state as { data: object }[];
    assert.deepEqual(dataOf(graph, "certificate-ca"), ca?.data);
    assert.deepEqual(dataOf(graph, "certificate-gateway"), gateway?.data);
  });

  it("is another one, by the same CA, when a third of its time is left, and the preview warns of it", async () => {
    const graph = await preview({ issuer: "ca" }, await issued(-1));
    assert.notEqual(nameOf(graph), "gateway-certificate-0123456789");
    assert.equal(dataOf(graph, "certificate-gateway"), undefined);
    assert.deepEqual(dataOf(graph, "certificate-ca"), tlsData(await testCa));
    assert.deepEqual(graph.warnings, [
      "The gateway's certificate ends on 2099-01-02; `pulumi up` renews it.",
    ]);
    assert.equal(nameOf(await preview({ issuer: "ca" }, await issued(-1))), nameOf(graph));
  });

  it("is another one for other names, and where its CA is gone", async () => {
    const other = await issued(30, "*.shop.edge.example.com");
    for (const state of [other, (await issued()).slice(1)]) {
      const graph = await preview({ issuer: "ca" }, state);
      assert.notEqual(nameOf(graph), "gateway-certificate-0123456789");
      assert.deepEqual(graph.warnings, []);
    }
  });

  it("is another one, by another CA, when its CA would end before it, and the preview warns of that", async () => {
    const [, gateway] = (await issued()) as [object, object];
    const stateOf = (ca: KeyPair) => [
      { metadata: { name: "knative-edge-ca" }, data: tlsData(ca) },
      gateway,
    ];
    const young = await preview({ issuer: "ca" }, stateOf(await caOf(3284)));
    assert.equal(nameOf(young), "gateway-certificate-0123456789");
    const old = await preview({ issuer: "ca" }, stateOf(await caOf(3286)));
    assert.notEqual(nameOf(old), "gateway-certificate-0123456789");
    assert.equal(dataOf(old, "certificate-ca"), undefined);
    assert.match(
      old.warnings.join(),
      /^The stack's own CA ends on .* clients must be told to trust/,
    );
  });

  it("that is given has another Secret when it is another, and is warned of a month before its end", async () => {
    const ca = (await testCa).certificate;
    const names = [`hello.default.${domain}`];
    const [fresh, old] = [await certificateFor(names), await certificateFor(names, 340)];
    const [first, second] = [
      await preview({ issuer: "given", ca, ...fresh }),
      await preview({ issuer: "given", ca, ...old }),
    ];
    assert.notEqual(nameOf(first), nameOf(second));
    assert.deepEqual(first.warnings, []);
    assert.match(second.warnings.join(), /^The certificate in tls\.certificate ends on .*; renew /);
    const { data } = secret(first).inputs as { data: { secret: Record<string, string> } };
    assert.equal(data.secret["tls.crt"], Buffer.from(fresh.certificate).toString("base64"));
  });

  it("has URLs say https, and is verified by the probe", async () => {
    const ca = (await testCa).certificate;
    const pair = await certificateFor([`hello.default.${domain}`]);
    const graph = await preview({ issuer: "given", ca, ...pair });
    const { environment } = graph.find("hello-probe-request").inputs as {
      environment: Record<string, string>;
    };
    assert.equal(environment.PROBE_URL, `https://hello.default.${domain}/`);
    assert.equal(environment.PROBE_CA, ca);
  });

  it("of a service's own domain is a Secret beside the service, which its mapping names", async () => {
    const ca = (await testCa).certificate;
    const own = await certificateFor(["api.example.com"]);
    const services = JSON.stringify({
      api: { image: "registry.example/api:1", namespace: "shop", domains: ["api.example.com"] },
    });
    const pair = await certificateFor([`hello.default.${domain}`, `api.shop.${domain}`]);
    const tls = { issuer: "given", ca, ...pair, certificates: { "api.example.com": own } };
    const graph = await preview(tls, [], { services });
    const mapping = graph.find("api.example.com-mapping@test@192.168.56.10#1");
    assert.deepEqual((mapping.inputs.spec as { tls: object }).tls, {
      secretName: "api.example.com-certificate",
    });
    assert.ok(graph.waitsFor(mapping, graph.find("api.example.com-certificate")));
  });
});
