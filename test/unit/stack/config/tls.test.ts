import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { KeyPair } from "../../../../components/tls/keyPair";
import { readConfig } from "../../../../stack/config";
import { certificateFor, testCa } from "../../../support/certificates";
import { leastConfig, project, testConfig } from "../../../support/config";
import { tls as selfSigned } from "../../../support/testTls";

const domain = "edge.example.com";
const services = {
  api: { image: "registry.example/api:1", domains: ["api.example.com"] },
  split: {
    image: "registry.example/split:2",
    namespace: "shop",
    traffic: [{ latestRevision: true, percent: 100, tag: "next" }],
  },
  local: {
    image: "registry.example/local:1",
    labels: { "networking.knative.dev/visibility": "cluster-local" },
  },
};
const names = [
  `hello.default.${domain}`,
  `api.default.${domain}`,
  `split.shop.${domain}`,
  `next-split.shop.${domain}`,
  "api.example.com",
];

/** The sentences about `tls`, without the key. */
function problems(
  tls: object,
  changed: Record<string, string> = {},
  encrypted?: ReadonlySet<string>,
): string[] {
  try {
    const config = { ...leastConfig, domain, services: JSON.stringify(services), ...changed };
    readConfig({ ...config, tls: JSON.stringify(tls) }, encrypted);
    return [];
  } catch (error) {
    const { problems: all } = error as { problems: string[] };
    return all.map((problem) => problem.replace(`${project}:tls`, ""));
  }
}

describe("the key tls", () => {
  let pair: KeyPair;
  let ca: string;

  before(async () => {
    pair = await certificateFor(names);
    ca = (await testCa).certificate;
  });

  const given = (changed: object = {}): object => ({ issuer: "given", ...pair, ca, ...changed });

  it("is off where it is not set", () => {
    assert.equal(testConfig({ tls: "{}" }).tls, undefined);
  });

  it("asks a CA for one name a namespace, and for services' own domains", () => {
    const config = { domain, services: JSON.stringify(services) };
    const { tls } = testConfig({ ...config, tls: '{"issuer":"ca","redirect":true}' });
    assert.deepEqual(tls, {
      issuer: { kind: "ca" },
      names: [`*.default.${domain}`, `*.shop.${domain}`, "api.example.com"],
      ca: undefined,
      redirect: true,
      certificates: {},
    });
  });

  it("asks an ACME server for each name alone where the gateway proves it, and for wildcards by DNS", () => {
    const config = { domain, services: JSON.stringify(services) };
    const asked = (tls: object) => testConfig({ ...config, tls: JSON.stringify(tls) }).tls?.names;
    assert.deepEqual(asked({ issuer: "acme" }), names);
    assert.deepEqual(asked({ issuer: "acme", dnsCommand: "sh dns.sh" }), [
      `*.default.${domain}`,
      `*.shop.${domain}`,
      "api.example.com",
    ]);
  });

  it("has the gateway prove nothing where no service answers outside", () => {
    const inside = { services: JSON.stringify({ local: services.local }), sample: "false" };
    assert.match(
      problems({ issuer: "acme" }, inside).join(),
      /^: has no name to prove, because no service answers outside; add one, or set tls\.dnsCommand/,
    );
    assert.deepEqual(problems({ issuer: "acme", dnsCommand: "sh dns.sh" }, inside), []);
  });

  it("does not have Let's Encrypt ask for a private address", () => {
    const at = (address: string) => ({ domain: `${address}.sslip.io` });
    assert.match(
      problems({ issuer: "acme" }, at("192.168.56.200")).join(),
      /^: asks Let's Encrypt to reach hello\.default\.192\.168\.56\.200\.sslip\.io, which leads to a private address; set domain /,
    );
    assert.deepEqual(problems({ issuer: "acme" }, at("203.0.114.7")), []);
    const server = "https://acme.example.com/directory";
    assert.deepEqual(problems({ issuer: "acme", server }, at("192.168.56.200")), []);
  });

  it("takes a certificate that covers every name, by itself or by a wildcard", async () => {
    assert.deepEqual(problems(given()), []);
    const wild = [`*.default.${domain}`, `*.shop.${domain}`, "api.example.com"];
    assert.deepEqual(problems(given(await certificateFor(wild))), []);
  });

  it("refuses one that lacks a name, and says which it has", async () => {
    const some = names.filter((name) => !name.startsWith("split"));
    const [problem] = problems(given(await certificateFor(some)));
    assert.ok(
      problem?.startsWith(`.certificate: is not for split.shop.${domain}, but for hello.default.`),
      problem,
    );
    // A wildcard is for one label only.
    const [short] = problems(given(await certificateFor([`*.${domain}`])));
    assert.match(short ?? "", /is not for hello\.default\.edge\.example\.com, /);
  });

  it("needs no name in it for a domain that has a certificate of its own", async () => {
    const rest = await certificateFor(names.slice(0, -1));
    const certificates = { "api.example.com": await certificateFor(["api.example.com"]) };
    assert.deepEqual(problems(given({ ...rest, certificates })), []);
  });

  it("refuses one that ended, one that nobody trusts, and another's key", async () => {
    assert.match(
      problems(given(await certificateFor(names, 400)))[0] ?? "",
      /^\.certificate: ended on \d{4}-\d\d-\d\d; renew it\.$/,
    );
    assert.match(
      problems(given({ ca: undefined }))[0] ?? "",
      /^\.certificate: comes from "CN=knative-edge tests [0-9a-f]{8}", which this machine does not trust; .* set tls\.ca /,
    );
    const { key } = await certificateFor(names);
    assert.deepEqual(problems(given({ key })), [
      ".key: is not the certificate's; take the one with which the certificate was asked for.",
    ]);
  });

  it("refuses keys that are none, that have a passphrase, and that Envoy does not serve", () => {
    const cipher = { cipher: "aes-256-cbc", passphrase: "hush" };
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const locked = privateKey.export({ type: "pkcs8", format: "pem", ...cipher });
    for (const [key, message] of [
      ["none", /^\.key: is no private key in PEM; /],
      [locked, /^\.key: has a passphrase, .* `openssl pkey`\.$/],
    ] as const) {
      assert.match(problems(given({ key })).join(), message);
    }
    const ed25519 = { certificate: selfSigned.cert, key: selfSigned.key, ca: selfSigned.cert };
    assert.match(problems(given(ed25519)).join(), /key: is of a kind that Envoy does not serve; /);
  });

  it("needs a domain and URLs that are known beforehand", () => {
    const tls = { issuer: "ca" };
    assert.match(problems(tls, { domain: "" }).join(), /needs a domain .*; set domain, /);
    const nodeIp = { domain: "", loadBalancer: "nodeIp", loadBalancerPool: "" };
    assert.deepEqual(problems(tls, nodeIp), []);
    const knativeConfig = '{"config-network":{"domain-template":"{{.Name}}.{{.Domain}}"}}';
    assert.match(problems(tls, { knativeConfig }).join(), /needs URLs that are known beforehand/);
  });

  it("is the only certificate of the gateway", () => {
    const knativeConfig = '{"config-kourier":{"certs-secret-name":"mine"}}';
    assert.deepEqual(problems({ issuer: "ca" }, { knativeConfig }), [
      `${project}:knativeConfig.config-kourier.certs-secret-name: names a certificate beside that of tls; unset it.`,
    ]);
  });

  it("has its private keys encrypted", () => {
    const certificates = { "api.example.com": pair };
    const plain = problems(given({ certificates }), {}, new Set(["sshPrivateKey"]));
    assert.deepEqual(
      plain.map((problem) => problem.split(":")[0]),
      [".key", '.certificates["api.example.com"].key'],
    );
    assert.match(plain[1] ?? "", /`pulumi config set --secret --path 'tls\.certificates\["api\.e/);
    const encrypted = new Set(["sshPrivateKey", "tls"]);
    assert.deepEqual(problems(given({ certificates }), {}, encrypted), []);
  });

  it("shows a private key in no sentence", () => {
    const secret = pair.key.split("\n")[1] ?? "";
    const wrong = [{ key: `${pair.key}x` }, { certificate: pair.key }, { issuer: pair.key }];
    for (const changed of wrong) {
      const text = problems(given(changed)).join();
      assert.ok(!text.includes(secret), text);
    }
  });

  for (const [what, tls, message] of [
    ["no issuer", { redirect: true }, ".issuer: is not set; set it to one of given, ca, acme."],
    ["another issuer", { issuer: "acm" }, '.issuer: there is no such issuer; did you mean "acme"?'],
    [
      "an unknown field",
      { issuer: "ca", redirct: true },
      '.redirct: there is no such field; did you mean "redirect"?',
    ],
    [
      "a redirect that is none",
      { issuer: "ca", redirect: "yes" },
      '.redirect: "yes" is neither true nor false.',
    ],
    [
      "a field of another issuer",
      { issuer: "ca", email: "a@example.com" },
      ".email: does nothing with the issuer ca; unset it.",
    ],
    [
      "no certificate",
      { issuer: "given", key: "k" },
      ".certificate: is not set; a certificate needs certificate and key.",
    ],
    [
      "no key",
      { issuer: "given", certificate: selfSigned.cert },
      ".key: is not set; a certificate needs certificate and key.",
    ],
    [
      "a domain of no service",
      { issuer: "ca", certificates: { "ap.example.com": {} } },
      '.certificates["ap.example.com"]: is the domain of no service; did you mean "api.example.com"?',
    ],
    [
      "a server that is none",
      { issuer: "acme", dnsCommand: "x", server: "acme.example.com" },
      '.server: "acme.example.com" is not an http or https URL; write it like https://files.example.com/k0s.',
    ],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.ok(problems(tls).includes(message), problems(tls).join("\n"));
    });
  }
});
