import assert from "node:assert/strict";
import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { load } from "js-yaml";
import { serviceDemand } from "../../../../components/knative/service/serviceDemand";
import { knativeService } from "../../../../components/knative/service/serviceObject";
import { serviceImages } from "../../../../components/knative/service/serviceImage";
import { parsePool } from "../../../../components/metallb/pool";
import { sshKeyPair } from "../../../support/sshKeys";
import { ConfigError, readConfig } from "../../../../stack/config";
import { readSchema, secretKeys } from "../../../../stack/config/schema";
import { hostKey, leastConfig, privateKey, project, testConfig } from "../../../support/config";

/** What is said about a configuration, in a project of the repository's name; empty when it is taken. */
function problems(changed: Record<string, string>, encrypted?: ReadonlySet<string>): string[] {
  try {
    readConfig({ ...leastConfig, ...changed }, encrypted);
    return [];
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    assert.ok(error.problems.every((problem) => error.message.includes(problem)));
    return error.problems.map((problem) => problem.replace(`${project}:`, "knative-edge:"));
  }
}

const openSsh = sshKeyPair();
const encryptedOpenSsh = sshKeyPair({
  passphrase: "open sesame",
  cipher: "aes256-ctr",
  rounds: 1,
});
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
const pem = {
  rsa: rsa.export({ type: "pkcs1", format: "pem" }).toString(),
  encryptedRsa: rsa
    .export({ type: "pkcs1", format: "pem", cipher: "aes-128-cbc", passphrase: "open sesame" })
    .toString(),
  pkcs8: rsa.export({ type: "pkcs8", format: "pem" }).toString(),
  pkcs8Ec: createPrivateKey(privateKey).export({ type: "pkcs8", format: "pem" }).toString(),
  pkcs8Ed25519: generateKeyPairSync("ed25519")
    .privateKey.export({ type: "pkcs8", format: "pem" })
    .toString(),
  encryptedPkcs8: rsa
    .export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "open sesame" })
    .toString(),
};

describe("configuration", () => {
  it("lets a Knative on a Kubernetes that it was not released for be allowed by name", () => {
    const pair = { k0sVersion: "v1.33.4+k0s.0" };
    assert.throws(() => testConfig(pair), /k0sVersion: .* Knative Serving 1\.23\.0 runs on/);
    const allowed = testConfig({ ...pair, allow: '["knativeUnsupported"]' });
    assert.deepEqual(allowed.allow, ["knativeUnsupported"]);
    assert.throws(
      () => testConfig({ allow: '["cidrChanges"]' }),
      /allow: there is no "cidrChanges" to allow; .*cidrChange/,
    );
  });

  it("takes patch releases that are not in the table, on the Kubernetes of their minor", () => {
    const patch = { knativeVersion: "1.23.7", metallbVersion: "v0.15.9" };
    const { knative, loadBalancer } = testConfig(patch);
    assert.equal(knative.version, "1.23.7");
    assert.ok(loadBalancer.kind === "metallb" && loadBalancer.version === "v0.15.9");
    assert.throws(
      () => testConfig({ ...patch, k0sVersion: "v1.36.3+k0s.2" }),
      /Knative Serving 1.23.7 runs on 1.34 to 1.35, and .* MetalLB v0.15.9 runs on 1.25 to 1.35/,
    );
  });

  it("needs only four keys", () => {
    assert.deepEqual(testConfig(), {
      host: {
        address: "192.168.56.10",
        nodeAddress: "192.168.56.10",
        port: 22,
        user: "root",
        privateKey,
        privateKeyPassphrase: undefined,
        hostKey,
        jump: undefined,
      },
      apiEndpoint: "https://192.168.56.10:6443",
      hostSize: { cpus: "1", memoryMiB: 1536 },
      allow: [],
      hostGeneration: 1,
      abandonHost: false,
      allowOvercommit: false,
      k0s: {
        version: "v1.35.7+k0s.0",
        url: "https://github.com/k0sproject/k0s/releases/download/v1.35.7%2Bk0s.0/k0s-v1.35.7%2Bk0s.0-%arch%",
        sha256: undefined,
        sumsUrl:
          "https://github.com/k0sproject/k0s/releases/download/v1.35.7%2Bk0s.0/sha256sums.txt",
        disabledComponents: [
          "metrics-server",
          "autopilot",
          "update-prober",
          "helm",
          "windows-node",
        ],
        environment: { GOGC: "30", GOMEMLIMIT: "250MiB" },
        apiServerArgs: {},
        controllerManagerArgs: {},
        schedulerArgs: {},
        podCidr: "10.244.0.0/16",
        serviceCidr: "10.96.0.0/12",
        imageBundles: [],
        readyTimeoutSeconds: 600,
      },
      loadBalancer: {
        kind: "metallb",
        version: "v0.16.1",
        addresses: parsePool("192.168.56.200-192.168.56.209"),
      },
      knative: {
        version: "1.23.0",
        kourierVersion: "1.23.0",
        resources: { policy: "edge", factor: { numerator: 5n, denominator: 10n }, overrides: {} },
        configMaps: {},
        domain: undefined,
      },
      oneNode: {
        recreateRollouts: true,
        removeAutoscalers: true,
        removeDisruptionBudgets: true,
        shortenTermination: true,
        raisePriorities: true,
        trimDefinitions: true,
      },
      workers: [],
      drainTimeoutSeconds: 330,
      severalNodes: {
        replicate: false,
        keepOne: false,
        answerLocally: false,
        goStraightToPods: false,
        noticeLostNodes: false,
      },
      coldStart: { unmountServiceAccountToken: true },
      imageMirrors: {},
      registries: {},
      resolveDigests: true,
      manifestsDir: undefined,
      namespaces: {},
      services: {
        hello: {
          object: knativeService("hello", "default", {
            image: "ghcr.io/knative/helloworld-go:latest",
            env: { TARGET: "Edge!" },
            autoscaling: { minScale: 1 },
          }),
          probe: "/",
        },
      },
    });
  });

  it("takes empty values for unset ones, as the engine hands out the defaults of the schema", () => {
    const engine = Object.fromEntries(
      Object.entries(readSchema().keys).map(([key, { default: value }]) => [
        key,
        typeof value === "string" ? value : JSON.stringify(value),
      ]),
    );
    assert.deepEqual(readConfig({ ...engine, ...leastConfig }), testConfig());
  });

  it("takes an empty value of any key for its default, as docs/configuration.md says", () => {
    const empty = Object.fromEntries(Object.keys(readSchema().keys).map((key) => [key, ""]));
    assert.deepEqual(readConfig({ ...empty, ...leastConfig }), testConfig());
    assert.equal(testConfig({ sshUser: " ", resourcePolicy: "" }).host.user, "root");
  });

  it("tells all that is missing at once", () => {
    const missing = problems({ host: "", sshPrivateKey: "", sshHostKey: "", loadBalancerPool: "" });
    assert.deepEqual(
      missing.map((problem) => problem.split(": ")[0]),
      [
        "knative-edge:host",
        "knative-edge:sshPrivateKey",
        "knative-edge:sshHostKey",
        "knative-edge:loadBalancerPool",
      ],
    );
  });

  it("tells that Kourier does not go with Knative beside a k0s that is none", () => {
    assert.deepEqual(
      problems({ k0sVersion: "1.35.7", kourierVersion: "1.22.1" }).map(
        (text) => text.split(": ")[0],
      ),
      ["knative-edge:k0sVersion", "knative-edge:kourierVersion"],
    );
  });

  it("is read in full", () => {
    const config = testConfig({
      host: "edge.example.com",
      nodeAddress: "10.1.2.3",
      sshPort: "2222",
      sshUser: "edge",
      sshHostKey: `[edge.example.com]:2222 ${hostKey} comment`,
      jumpHost: "gate.example.com",
      jumpPort: "2022",
      jumpUser: "gate",
      jumpHostKey: hostKey,
      jumpPrivateKey: encryptedOpenSsh.private,
      jumpPrivateKeyPassphrase: "open sesame",
      apiEndpoint: "https://edge.example.com:7443",
      k0sVersion: "v1.34.2+k0s.0",
      k0sUrl: "http://10.1.2.1:8087/k0s",
      k0sSha256: "AB".repeat(32),
      k0sDisabledComponents: '["metrics-server"]',
      imageBundles: JSON.stringify([
        { url: "http://10.1.2.1/images.tar", sha256: "0c".repeat(32) },
      ]),
      loadBalancerPool: "10.1.2.100/30, 10.1.3.7",
      hostSubnet: "10.1.0.0/16",
      domain: "apps.example.com",
      manifestsDir: __dirname,
      resourcePolicy: "scale",
      resourceFactor: "0.25",
      resourceOverrides: JSON.stringify({ "activator/activator": { limits: { memory: "200Mi" } } }),
      knativeConfig: JSON.stringify({ "config-gc": { "max-non-active-revisions": "2" } }),
      imageMirrors: JSON.stringify({ "gcr.io": "registry.lab/gcr" }),
      sample: "false",
      services: JSON.stringify({ hello: { image: "gcr.io/hello" } }),
    });
    assert.equal(config.host.hostKey, hostKey);
    assert.deepEqual(config.host.jump, {
      address: "gate.example.com",
      port: 2022,
      user: "gate",
      privateKey: encryptedOpenSsh.private,
      privateKeyPassphrase: "open sesame",
      hostKey,
    });
    assert.equal(config.apiEndpoint, "https://edge.example.com:7443");
    assert.equal(config.k0s.sha256, "ab".repeat(32));
    assert.equal(config.k0s.sumsUrl, "http://10.1.2.1:8087/sha256sums.txt");
    assert.deepEqual(config.loadBalancer, {
      kind: "metallb",
      version: "v0.16.1",
      addresses: parsePool("10.1.2.100-10.1.2.103,10.1.3.7"),
    });
    assert.equal(config.knative.domain, "apps.example.com");
    assert.deepEqual(Object.keys(config.services), ["hello"]);
    assert.deepEqual(serviceImages(config.services.hello?.object ?? {}), [
      { image: "gcr.io/hello", byTag: undefined },
    ]);
  });

  it("needs no pool where the node's own address is the load balancer's, and knows the domain", () => {
    const nodeIp = { loadBalancer: "nodeIp", loadBalancerPool: "" };
    const config = testConfig(nodeIp);
    assert.deepEqual(config.loadBalancer, { kind: "nodeIp" });
    assert.equal(config.knative.domain, "192.168.56.10.sslip.io");
    assert.equal(testConfig({ ...nodeIp, domain: "example.com" }).knative.domain, "example.com");
    const behind = { host: "203.0.113.7", nodeAddress: "10.0.0.4" };
    assert.equal(testConfig({ ...nodeIp, ...behind }).knative.domain, "10.0.0.4.sslip.io");
    const newer = { k0sVersion: "v1.39.0+k0s.0", allow: '["knativeUnsupported"]' };
    assert.equal(testConfig({ ...nodeIp, ...newer }).loadBalancer.kind, "nodeIp");
  });

  it("takes quantities that are numbers, as `pulumi config set --path` and YAML write them", () => {
    const config = testConfig({
      resourceOverrides: '{"activator/activator":{"requests":{"cpu":0.05},"limits":{"cpu":2}}}',
      services: '{"a":{"image":"app","requests":{"cpu":1e-3,"memory":33554432}}}',
    });
    assert.deepEqual(config.knative.resources.overrides["activator/activator"], {
      requests: { cpu: "0.05" },
      limits: { cpu: "2" },
    });
    const { object } = config.services.a ?? assert.fail("there is no service a");
    assert.deepEqual(serviceDemand(object).containers[0]?.resources, {
      requests: { cpu: "0.001", memory: "33554432" },
    });
  });

  it("uses the host's key and passphrase for the jump host unless it has its own", () => {
    const { host } = testConfig({
      sshPrivateKey: encryptedOpenSsh.private,
      sshPrivateKeyPassphrase: "open sesame",
      jumpHost: "10.9.9.9",
      jumpHostKey: hostKey,
    });
    assert.equal(host.jump?.privateKey, encryptedOpenSsh.private);
    assert.equal(host.jump?.privateKeyPassphrase, "open sesame");
  });

  const keys: [
    what: string,
    sshPrivateKey: string,
    sshPrivateKeyPassphrase: string,
    problem?: RegExp,
  ][] = [
    ["OpenSSH", openSsh.private, ""],
    ["OpenSSH with its passphrase", encryptedOpenSsh.private, "open sesame"],
    ["PEM RSA", pem.rsa, ""],
    ["PEM RSA with its passphrase", pem.encryptedRsa, "open sesame"],
    ["PEM EC", privateKey, ""],
    ["PKCS#8", pem.pkcs8, ""],
    ["PKCS#8 EC", pem.pkcs8Ec, ""],
    [
      "PKCS#8 Ed25519, which only pulumi-command reads",
      pem.pkcs8Ed25519,
      "",
      /PKCS#8 key of type ed25519, of which only rsa and ec .*ssh-keygen -p .* OpenSSH 9\.6/,
    ],
    [
      "OpenSSH without its passphrase",
      encryptedOpenSsh.private,
      "",
      /^knative-edge:sshPrivateKey: has a passphrase and none is given; set sshPrivateKeyPassphrase\.$/,
    ],
    [
      "OpenSSH with a wrong passphrase",
      encryptedOpenSsh.private,
      "open barley",
      /sshPrivateKey: does not open with the passphrase in sshPrivateKeyPassphrase/,
    ],
    ["PEM RSA without its passphrase", pem.encryptedRsa, "", /has a passphrase and none is given/],
    [
      "PEM RSA with a wrong passphrase",
      pem.encryptedRsa,
      "open barley",
      /does not open with the passphrase/,
    ],
    [
      "encrypted PKCS#8",
      pem.encryptedPkcs8,
      "open sesame",
      /encrypted PKCS#8 key, which the SSH library cannot read; .*ssh-keygen -p/,
    ],
    [
      "a passphrase without need",
      openSsh.private,
      "open sesame",
      /has no passphrase, but sshPrivateKeyPassphrase is set/,
    ],
    ["a passphrase without need on PKCS#8", pem.pkcs8, "open sesame", /has no passphrase, but/],
    ["a public key", openSsh.public, "", /is a public key; give the private key/],
    ["a file name", "~/.ssh/id_ed25519", "", /is not a private key; give the whole text/],
    ["a key on one line", pem.rsa.replaceAll("\n", " "), "", /is a damaged private key/],
    [
      "half a key",
      `${openSsh.private.slice(0, 150)}\n-----END OPENSSH PRIVATE KEY-----\n`,
      "",
      /is a damaged private key/,
    ],
    [
      "half a PKCS#8 key",
      `${pem.pkcs8.slice(0, 300)}\n-----END PRIVATE KEY-----\n`,
      "",
      /is a damaged private key/,
    ],
  ];
  for (const [what, sshPrivateKey, sshPrivateKeyPassphrase, problem] of keys) {
    it(`${problem ? "refuses" : "takes"} as private key: ${what}`, () => {
      const found = problems({ sshPrivateKey, sshPrivateKeyPassphrase });
      assert.equal(found.length, problem ? 1 : 0, found.join("\n"));
      assert.match(found[0] ?? "", problem ?? /^$/);
    });
  }

  // Made for tests; no host has it.
  const ecdsaHostKey =
    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBGwvYaBpSxK5w895VLWzEaw4LmGSmSAnTVaIX5XaKPaTtcs9PfxFFjMFA48wZPaGyaXqUqdUm6FbV7sHLto3vQM=";
  const hostKeys: [what: string, sshHostKey: string, good: boolean][] = [
    ["type and key", hostKey, true],
    ["with a comment", `${hostKey} root@edge`, true],
    ["a known_hosts line", `192.168.56.10 ${hostKey}\n`, true],
    [
      "a hashed known_hosts line",
      `|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= ${hostKey}`,
      true,
    ],
    ["a fingerprint", "SHA256:uNiVztksCsDhcc0u9e8BrY4L0ok2XcBwGUCKqPtZdKs", false],
    ["a key cut short", hostKey.slice(0, -8), false],
    ["another type than the key's", hostKey.replace("ssh-ed25519", "ssh-rsa"), false],
    ["a line twice", `${hostKey}\n${hostKey}\r\n`, true],
    [
      "what ssh-keyscan prints",
      `# edge:22 SSH-2.0-OpenSSH_9.6\nedge ${ecdsaHostKey}\n# edge:22 SSH-2.0-OpenSSH_9.6\nedge ${hostKey}\n`,
      true,
    ],
    ["comments alone", "# edge:22 SSH-2.0-OpenSSH_9.6\n", false],
    ["a host key and something else", `${hostKey}\nx`, false],
    ["a revoked key", `@revoked * ${hostKey}`, false],
    ["a private key", openSsh.private, false],
  ];
  for (const [what, sshHostKey, good] of hostKeys) {
    it(`${good ? "takes" : "refuses"} as host key: ${what}`, () => {
      if (good) {
        assert.equal(testConfig({ sshHostKey }).host.hostKey, hostKey);
      } else {
        assert.match(
          problems({ sshHostKey }).join("\n"),
          /^knative-edge:sshHostKey: is not an SSH host key; run `ssh-keyscan/,
        );
      }
    });
  }

  it("refuses host keys of which none is the right one for sure", () => {
    for (const [other, number] of [
      [sshKeyPair().public.trim(), 2],
      [`${sshKeyPair().public.trim()}\n${ecdsaHostKey}`, 2],
    ] as const) {
      assert.match(
        problems({ sshHostKey: `${hostKey}\n${other}` }).join("\n"),
        new RegExp(`^knative-edge:sshHostKey: has ${number} keys, of which .* line alone\\.$`),
      );
    }
  });

  it("needs a host key unless it may be unknown", () => {
    assert.match(
      problems({ sshHostKey: "" }).join("\n"),
      /^knative-edge:sshHostKey: is not set; .*acceptUnknownHostKey/,
    );
    assert.equal(
      testConfig({ sshHostKey: "", acceptUnknownHostKey: "true" }).host.hostKey,
      undefined,
    );
    assert.match(
      problems({ jumpHost: "10.0.0.1" }).join("\n"),
      /^knative-edge:jumpHostKey: is not set;/,
    );
  });

  const wrong: [changed: Record<string, string>, problem: RegExp][] = [
    [{ host: "10.0.0.300" }, /^knative-edge:host: "10.0.0.300" is not an IP address or DNS name/],
    [{ host: "root@edge" }, /^knative-edge:host: "root@edge" is not an IP address/],
    [
      { nodeAddress: "192.168.56.0" },
      /^knative-edge:nodeAddress: 192.168.56.0 is the network address of 192/,
    ],
    [
      { host: "192.168.56.255" },
      /^knative-edge:host: 192.168.56.255 is the broadcast address of 192.168.56.0\/24, .* hostSubnet/,
    ],
    [
      { nodeAddress: "169.254.1.1" },
      /^knative-edge:nodeAddress: 169.254.1.1 is a link-local address/,
    ],
    [
      { jumpHost: "224.0.0.1", jumpHostKey: hostKey },
      /^knative-edge:jumpHost: 224.0.0.1 is not the address of one host/,
    ],
    [
      { host: "edge.example.com" },
      /^knative-edge:nodeAddress: is needed, since host is no IPv4 address/,
    ],
    [{ nodeAddress: "edge" }, /^knative-edge:nodeAddress: "edge" is not an IPv4 address/],
    [{ host: "127.0.0.1" }, /^knative-edge:nodeAddress: 127.0.0.1 is a loopback address/],
    [{ sshPort: "0" }, /^knative-edge:sshPort: 0 is not a whole number from 1 to 65535/],
    [{ sshPort: "22.5" }, /^knative-edge:sshPort: "22.5"/],
    [{ sshUser: "a b" }, /^knative-edge:sshUser: "a b" is not a user name/],
    [
      { acceptUnknownHostKey: "yes" },
      /^knative-edge:acceptUnknownHostKey: "yes" is neither true nor false/,
    ],
    [{ jumpUser: "gate" }, /^knative-edge:jumpUser: does nothing without jumpHost/],
    [{ apiEndpoint: "edge:6443" }, /^knative-edge:apiEndpoint: "edge:6443" is not an https URL/],
    [{ apiEndpoint: "http://edge:6443" }, /^knative-edge:apiEndpoint:/],
    [{ apiEndpoint: "https://edge:6443 " }, /^knative-edge:apiEndpoint: "https:\/\/edge:6443 " is/],
    [
      { apiEndpoint: "https://me:hunter2@edge:6443" },
      /^knative-edge:apiEndpoint: this is not an https URL of a host alone; (?!.*hunter2)/,
    ],
    [
      { apiEndpoint: "https://edge/k8s" },
      /^knative-edge:apiEndpoint: .* is not an https URL of a host alone; write it like https:/,
    ],
    [
      { k0sVersion: "1.35.7" },
      /^knative-edge:k0sVersion: "1.35.7" is not a release of k0s; write it like/,
    ],
    [
      { k0sVersion: "v1.35.07+k0s.0" },
      /^knative-edge:k0sVersion: "v1.35.07\+k0s.0" is not a release/,
    ],
    [
      { knativeVersion: "1.23.00" },
      /^knative-edge:knativeVersion: Knative Serving "1.23.00" is not a/,
    ],
    [
      { k0sVersion: "v1.33.4+k0s.0" },
      /k0sVersion: v1.33.4\+k0s.0 is Kubernetes 1.33, but Knative Serving 1.23.0 runs on 1.34 to 1.35, .*; take a k0s of such a version, or add knativeUnsupported to allow\.$/,
    ],
    [
      { k0sVersion: "v1.36.3+k0s.2", metallbVersion: "v0.15.3" },
      /k0sVersion: .* MetalLB v0.15.3 runs on 1.25 to 1.35; take a k0s of such a version\.$/,
    ],
    [
      { k0sUrl: "ftp://x/k0s" },
      /^knative-edge:k0sUrl: "ftp:\/\/x\/k0s" is not an http or https URL/,
    ],
    [{ k0sUrl: "https://x/k 0s" }, /^knative-edge:k0sUrl: "https:\/\/x\/k 0s" is not an http/],
    [
      { k0sUrl: "https://me:hunter2@x/k0s" },
      /^knative-edge:k0sUrl: has a user name in it, which (?!.*hunter2).*; serve the file without/,
    ],
    [
      { imageBundles: `[{"url":"https://me@x/a","sha256":"${"0c".repeat(32)}"}]` },
      /^knative-edge:imageBundles\[0\].url: has a user name in it/,
    ],
    [{ k0sSha256: "abc" }, /^knative-edge:k0sSha256: "abc" is not a SHA-256/],
    [
      { k0sDisabledComponents: '["metric-server"]' },
      /k0s has no component "metric-server"; did you mean "metrics-server"\?/,
    ],
    [
      { k0sDisabledComponents: '["coredns"]' },
      /^knative-edge:k0sDisabledComponents: coredns cannot be switched off/,
    ],
    [{ k0sDisabledComponents: "helm" }, /^knative-edge:k0sDisabledComponents: is not a list/],
    [
      { podCidr: "127.0.0.0/16" },
      /^knative-edge:podCidr: 127.0.0.0\/16 has loopback addresses, which/,
    ],
    [
      { serviceCidr: "224.0.0.0/12" },
      /^knative-edge:serviceCidr: .* has multicast addresses, .* like 10.96/,
    ],
    [{ podCidr: "10.244.0.0" }, /^knative-edge:podCidr: "10.244.0.0" is not an IPv4 network/],
    [
      { podCidr: "10.100.0.0/16" },
      /^knative-edge:podCidr: 10.100.0.0\/16 overlaps serviceCidr 10.96.0.0\/12/,
    ],
    [
      { podCidr: "10.244.0.0/25" },
      /^knative-edge:podCidr: 10.244.0.0\/25 is too small, for the node .*; write a \/24 or larger/,
    ],
    [
      { serviceCidr: "10.96.0.0/28" },
      /^knative-edge:serviceCidr: 10.96.0.0\/28 is too small, for Services .* like 10.96.0.0\/12/,
    ],
    [
      { serviceCidr: "192.168.56.0/24" },
      /^knative-edge:serviceCidr: .* overlaps the host's subnet 192.168.56.0\/24/,
    ],
    [
      { imageBundles: '[{"url":"http://a/b"}]' },
      /^knative-edge:imageBundles\[0\]: a mapping of url and sha256/,
    ],
    [
      { imageBundles: '[{"url":"a","sha256":"b"}]' },
      /^knative-edge:imageBundles\[0\].url: "a" is not an http/,
    ],
    [
      { readyTimeoutSeconds: "1" },
      /^knative-edge:readyTimeoutSeconds: 1 is not a whole number from 30 to 7200/,
    ],
    [
      { metallbVersion: "0.16.1" },
      /^knative-edge:metallbVersion: MetalLB "0.16.1" is not a release this program knows; take v0.15.3 or v0.16.1, or another patch release of theirs\.$/,
    ],
    [
      { loadBalancerPool: "192.168.56.1-x" },
      /^knative-edge:loadBalancerPool: .* is no range of IPv4 addresses/,
    ],
    [
      { loadBalancerPool: "192.168.56.9-192.168.56.12" },
      /^knative-edge:loadBalancerPool: .* holds the host's own address/,
    ],
    [
      { loadBalancerPool: "172.16.0.1" },
      /^knative-edge:loadBalancerPool: .* is not inside the host's subnet/,
    ],
    ...["127.0.0.5", "224.0.0.0/24", "240.1.0.0/16"].map(
      (pool): [Record<string, string>, RegExp] => [
        { loadBalancerPool: pool, poolRouted: "true" },
        /^knative-edge:loadBalancerPool: .* has (loopback|multicast|reserved) addresses, which no load/,
      ],
    ),
    [
      { hostSubnet: "10.0.0.0/8" },
      /^knative-edge:hostSubnet: 10.0.0.0\/8 does not hold the host's address 192.168.56.10/,
    ],
    [{ hostSubnet: "x" }, /^knative-edge:hostSubnet: "x" is not an IPv4 network/],
    [
      { knativeVersion: "1.23" },
      /knativeVersion: Knative Serving "1.23" is not a release this program knows/,
    ],
    [
      { knativeVersion: "1.99.0" },
      /knativeVersion: Knative Serving "1.99.0" is not a release this program knows; take 1.22.1 or 1.23.0, or another patch release of theirs, or add unknownRelease to the list allow\./,
    ],
    [
      { kourierVersion: "1.22.1" },
      /^knative-edge:kourierVersion: 1.22.1 does not go with Knative Serving 1.23.0/,
    ],
    [
      { manifestsDir: `${__filename}/below` },
      /^knative-edge:manifestsDir: .*\/below is not a directory/,
    ],
    [{ manifestsDir: "/no/such" }, /^knative-edge:manifestsDir: \/no\/such is not a directory/],
    [
      { resourcePolicy: "upstream", resourceFactor: "0.3" },
      /^knative-edge:resourceFactor: does nothing with resourcePolicy upstream; unset it/,
    ],
    [
      { resourcePolicy: "edge", allowIncrease: "true" },
      /^knative-edge:allowIncrease: does nothing with resourcePolicy edge; unset it/,
    ],
    [{ resourceFactor: "0" }, /^knative-edge:resourceFactor: 0 leaves containers nothing/],
    [{ resourceFactor: "2" }, /^knative-edge:resourceFactor: 2 is above 1/],
    [{ resourceFactor: "50%" }, /^knative-edge:resourceFactor: "50%" is not a decimal number/],
    [
      { resourceOverrides: '{"activator":{"limits":{"cpu":"1"}}}' },
      /^knative-edge:resourceOverrides.activator: the name is not of the form/,
    ],
    [
      { resourceOverrides: '{"a/b":{"limits":{"cpu":true}}}' },
      /^knative-edge:resourceOverrides.a\/b: requests or limits with quantities were expected/,
    ],
    [
      { resourceOverrides: '{"a/b":{"limits":{"memroy":"64Mi"}}}' },
      /^knative-edge:resourceOverrides.a\/b: Kubernetes has no resource memroy; did you mean "memory"\?/,
    ],
    [
      { resourceOverrides: '{"a/b":{"limits":{"memory":"64m"}}}' },
      /^knative-edge:resourceOverrides.a\/b: limits.memory is 64m, parts of a byte; write it like 100Mi/,
    ],
    [
      { resourceOverrides: '{"a/b":{"requests":{"cpu":-0.5}}}' },
      /^knative-edge:resourceOverrides.a\/b: requests.cpu is -0.5; a quantity here cannot be negative/,
    ],
    [
      { resourceOverrides: '{"a/b":{"limit":{"cpu":"1"}}}' },
      /^knative-edge:resourceOverrides.a\/b: requests or limits/,
    ],
    [
      { resourceOverrides: '{"a/b":{"limits":{"cpu":"1x"}}}' },
      /^knative-edge:resourceOverrides.a\/b: limits.cpu: "1x" is not a Kubernetes quantity/,
    ],
    [{ hostCpus: "0" }, /^knative-edge:hostCpus: 0 is no host; write .* like 1, 2 or 500m/],
    [{ hostCpus: "one" }, /^knative-edge:hostCpus: "one" is no number of CPUs; write it like 1/],
    [{ hostCpus: "1Gi" }, /^knative-edge:hostCpus: "1Gi" is no number of CPUs; write it like 1/],
    [
      { hostMemoryMiB: "1279" },
      /^knative-edge:hostMemoryMiB: 1279 is not a whole number from 1280/,
    ],
    [
      { resourcePolicy: "toString" },
      /^knative-edge:resourcePolicy: there is no policy "toString"; there are scale, edge/,
    ],
    [
      { resourcePolicy: "edgy" },
      /^knative-edge:resourcePolicy: there is no policy "edgy"; did you mean "edge"\? There are scale, edge/,
    ],
    [
      { oneNode: '{"recreateRollout":true}' },
      /^knative-edge:oneNode.recreateRollout: there is no such measure; did you mean "recreateRollouts"\?/,
    ],
    [
      { oneNode: '{"recreateRollouts":"yes"}' },
      /^knative-edge:oneNode.recreateRollouts: "yes" is neither true nor false/,
    ],
    [
      { lowMemory: '{"collectGarbages":true}' },
      /^knative-edge:lowMemory.collectGarbages: there is no such measure; did you mean "collectGarbage"\?/,
    ],
    [
      { lowMemory: '{"collectGarbage":1}' },
      /^knative-edge:lowMemory.collectGarbage: 1 is neither true nor false/,
    ],
    [
      { k0sEnvironment: '{"KUBE-APISERVER_GOGC":"50"}' },
      /^knative-edge:k0sEnvironment.KUBE-APISERVER_GOGC: systemd takes only letters, digits and _/,
    ],
    [{ k0sEnvironment: '{"GOGC":50}' }, /^knative-edge:k0sEnvironment.GOGC: a text was expected/],
    [
      { k0sEnvironment: '{"KINE_GOGC":"fifty"}' },
      /^knative-edge:k0sEnvironment.KINE_GOGC: "fifty" is no percentage .* write it like 50, or off/,
    ],
    [
      { k0sEnvironment: '{"GOMEMLIMIT":"300MB"}' },
      /^knative-edge:k0sEnvironment.GOMEMLIMIT: "300MB" is no limit .* write it like 300MiB, or off/,
    ],
    ...["http://me:hunter2@proxy:3128", "http://hunter2@proxy", "me:hunter2%21@proxy:3128"].map(
      (proxy): [Record<string, string>, RegExp] => [
        { k0sEnvironment: JSON.stringify({ HTTPS_PROXY: proxy }) },
        /^knative-edge:k0sEnvironment.HTTPS_PROXY: has a user name in its URL, (?!.*hunter2)/,
      ],
    ),
    [
      { apiServerArgs: '{"etcd-servers":"https://me:hunter2@etcd:2379"}' },
      /^knative-edge:apiServerArgs.etcd-servers: has a user name in its URL, (?!.*hunter2)/,
    ],
    [
      { knativeConfig: '{"config-observability":{"tracing-endpoint":"http://me:hunter2@otel"}}' },
      /^knative-edge:knativeConfig.config-observability.tracing-endpoint: has a user name (?!.*hunter2)/,
    ],
    [
      { k0sEnvironment: '{"NO_PROXY":"a b"}' },
      /^knative-edge:k0sEnvironment.NO_PROXY: "a b" has blanks, quotes or other signs/,
    ],
    [
      { apiServerArgs: '{"--event-ttl":"15m"}' },
      /^knative-edge:apiServerArgs.--event-ttl: this is not the name of a flag; write it without dashes/,
    ],
    [
      { apiServerArgs: '{"max-requests-inflight":50}' },
      /^knative-edge:apiServerArgs.max-requests-inflight: a text of one line was expected; put numbers/,
    ],
    [
      { controllerManagerArgs: '{"cluster-cidr":"10.1.0.0/16"}' },
      /^knative-edge:controllerManagerArgs.cluster-cidr: podCidr decides this; set that/,
    ],
    [{ schedulerArgs: '["v=2"]' }, /^knative-edge:schedulerArgs: is not a mapping/],
    [{ resourceOverrides: "[]" }, /^knative-edge:resourceOverrides: is not a mapping/],
    [
      { knativeConfig: '{"config-gc":{"a":1}}' },
      /^knative-edge:knativeConfig.config-gc: a mapping of keys to texts/,
    ],
    [
      { knativeConfig: '{"config-gc":{"_example":"x"}}' },
      /^knative-edge:knativeConfig.config-gc._example: this key cannot be set/,
    ],
    [
      { imageMirrors: '{"https://gcr.io":"a"}' },
      /^knative-edge:imageMirrors.https:\/\/gcr.io: both sides must be image names/,
    ],
    [
      { imageMirrors: '{"gcr.io":"registry.lab/"}' },
      /^knative-edge:imageMirrors.gcr.io: both sides/,
    ],
    [{ domain: "Edge.example.com" }, /^knative-edge:domain: "Edge.example.com" is not a domain/],
    [{ domain: "*.example.com" }, /^knative-edge:domain:/],
    ...["192.168.56.50", "42", "edge.1"].map((domain): [Record<string, string>, RegExp] => [
      { domain },
      /^knative-edge:domain: .* is an address or a number, below which there are no names/,
    ]),
    ...["localhost", "svc.cluster.local", "cluster.local"].map(
      (domain): [Record<string, string>, RegExp] => [
        { domain },
        /^knative-edge:domain: .* is a name inside of one machine or cluster/,
      ],
    ),
    [{ domain: `${"a".repeat(64)}.com` }, /^knative-edge:domain: .* is not a domain/],
    // hello.default. has 14 characters.
    [
      { domain: `${"abcdefg.".repeat(30)}com` },
      /^knative-edge:domain: hello\.default\..* has 257 characters of 253; shorten the domain/,
    ],
    [
      {
        services: JSON.stringify({
          [`s${"a".repeat(60)}`]: {
            image: "app",
            traffic: [{ latestRevision: true, percent: 100, tag: "new" }],
          },
        }),
      },
      /^knative-edge:services.sa*.traffic: new-sa* would be a name .* has 65 characters of 63/,
    ],
    [
      { services: JSON.stringify({ a: { image: "app", env: { A: "x\0y" } } }) },
      /^knative-edge:services.a.env.A: has the character NUL/,
    ],
    [
      { services: JSON.stringify({ a: { image: "app", env: { A: "\ud800" } } }) },
      /^knative-edge:services.a.env.A: is not a text of whole Unicode characters/,
    ],
    [
      { services: JSON.stringify({ a: { image: "app", env: { A: "x".repeat(131070) } } }) },
      /^knative-edge:services.a.env.A: has 131073 bytes with its name, and Linux starts no program/,
    ],
    [
      { services: '{"hello":{"image":"app"}}' },
      /^knative-edge:services.hello: the sample has this name/,
    ],
    [
      { services: '{"a":{"image":"app","port":0}}' },
      /^knative-edge:services.a.port: 0 is not a whole number/,
    ],
    [
      { services: '{"a":null}' },
      /^knative-edge:services.a: a mapping with image or from was expected/,
    ],
    [{ services: '{"a"' }, /^knative-edge:services: is not a mapping/],
    [{ loadBalancer: "kube-vip" }, /^knative-edge:loadBalancer: "kube-vip" is neither metallb nor/],
    [
      { loadBalancer: "nodeIp" },
      /^knative-edge:loadBalancerPool: does nothing with loadBalancer nodeIp; unset it/,
    ],
    [
      { loadBalancer: "nodeIp", loadBalancerPool: "", metallbVersion: "v0.15.3" },
      /^knative-edge:metallbVersion: does nothing with loadBalancer nodeIp/,
    ],
    [
      { loadBalancer: "nodeIp", loadBalancerPool: "", poolRouted: "true" },
      /^knative-edge:poolRouted: does nothing with loadBalancer nodeIp/,
    ],
    [
      { loadBalancer: "nodeIp", loadBalancerPool: "", podCidr: "192.168.0.0/16" },
      /^knative-edge:podCidr: .* overlaps the host's subnet 192.168.56.0\/24/,
    ],
    [
      {
        loadBalancer: "nodeIp",
        loadBalancerPool: "",
        k0sVersion: "v1.40.0+k0s.0",
        allow: '["knativeUnsupported"]',
      },
      /^knative-edge:loadBalancer: nodeIp works up to Kubernetes 1.39, .* v1.40.0\+k0s.0 is 1.40; set it to metallb/,
    ],
    [
      { loadBalancerPol: "x" },
      /^knative-edge:loadBalancerPol: there is no such key; did you mean "loadBalancerPool"\?/,
    ],
  ];
  for (const [changed, problem] of wrong) {
    it(`refuses ${JSON.stringify(changed).slice(0, 200)}`, () => {
      const found = problems(changed);
      assert.ok(
        found.some((text) => problem.test(text)),
        `${found.join("\n")}\nhas none like ${problem}`,
      );
      const [key] = Object.keys(changed);
      // A wrong value may clash with others too, but nothing else may be blamed for it.
      assert.ok(found.length <= 2, `${key}:\n${found.join("\n")}`);
    });
  }

  it("blames nothing else for a bad host or address", () => {
    const bad = ["10.0.0.300", "root@edge", "0.0.0.0", "224.0.0.1", "255.255.255.255", "::"];
    for (const host of bad) {
      const found = problems({ host });
      assert.equal(found.length, 1, found.join("\n"));
      assert.match(
        found[0] ?? "",
        /^knative-edge:host: .* (is not an IP|is not the address of one)/,
      );
    }
    for (const nodeAddress of ["edge", "0.0.0.0", "127.0.0.1", "192.168.56.0", "192.168.56.255"]) {
      const found = problems({ nodeAddress });
      assert.equal(found.length, 1, found.join("\n"));
      assert.match(found[0] ?? "", /^knative-edge:nodeAddress: /);
    }
    assert.deepEqual(
      problems({
        nodeAddress: "10.0.1.0",
        hostSubnet: "10.0.0.0/16",
        loadBalancerPool: "10.0.2.7",
      }),
      [],
    );
  });

  it("guesses only what is near, and lists what there is otherwise", () => {
    assert.deepEqual(problems({ foo: "1" }), [
      "knative-edge:foo: there is no such key; all keys are in docs/configuration.md.",
    ]);
    assert.match(
      problems({ allow: '["everything"]' }).join(),
      /^knative-edge:allow: there is no "everything" to allow; there are k0sDowngrade, .*\.$/,
    );
  });

  it("lets a service have the longest name that there can be", () => {
    const service = { image: "app", env: { A: "x".repeat(131069) } };
    const services = JSON.stringify({ [`s${"a".repeat(62)}`]: service });
    assert.deepEqual(problems({ services }), []);
  });

  it("tells of many problems at once", () => {
    const keysBlamed = problems({
      host: "a b",
      sshPort: "x",
      podCidr: "x",
      domain: "x y",
      sample: "maybe",
      extra: "1",
    }).map((problem) => problem.split(": ")[0]);
    for (const key of ["host", "sshPort", "podCidr", "domain", "sample", "extra"]) {
      assert.ok(keysBlamed.includes(`knative-edge:${key}`), key);
    }
  });

  it("never echoes a secret", () => {
    const secrets = {
      sshPrivateKey: "hunter2 key",
      sshPrivateKeyPassphrase: "hunter2 phrase",
      jumpPrivateKey: "hunter2 jump",
      jumpPrivateKeyPassphrase: "hunter2 other",
    };
    for (const changed of [{ ...secrets, jumpHost: "10.0.0.1" }, secrets]) {
      const found = problems({ ...changed }, new Set());
      assert.ok(found.length >= 3);
      assert.ok(!found.join("\n").includes("hunter2"), found.join("\n"));
    }
  });

  it("refuses secrets in plain text, where it is told which keys are encrypted", () => {
    assert.deepEqual(problems({}, new Set(["sshPrivateKey"])), []);
    assert.match(
      problems({}, new Set()).join("\n"),
      /^knative-edge:sshPrivateKey: stands in plain text .* --secret sshPrivateKey/,
    );
  });

  it("refuses what is encrypted and yet would be shown, such as a service's token", () => {
    const services = { services: '{"a":{"image":"app","env":{"TOKEN":"s3cret"}}}' };
    const found = problems(services, new Set(["sshPrivateKey", "services"])).join("\n");
    assert.match(
      found,
      /^knative-edge:services: is encrypted .* plain text in previews and in the/,
    );
    assert.doesNotMatch(found, /s3cret/);
  });

  it("can be checked key by key: every key of the schema changes something or is refused", () => {
    // A value for each key that differs from its default; the keys of a jump host need one.
    const changes: Record<string, string> = {
      host: "192.168.56.11",
      nodeAddress: "192.168.56.12",
      sshPort: "23",
      sshUser: "edge",
      sshPrivateKey: openSsh.private,
      sshPrivateKeyPassphrase: "x",
      sshHostKey: "x",
      acceptUnknownHostKey: "x",
      jumpHost: "10.9.9.9",
      jumpPort: "23",
      jumpUser: "edge",
      jumpHostKey: "x",
      jumpPrivateKey: openSsh.private,
      jumpPrivateKeyPassphrase: "x",
      apiEndpoint: "https://a:1",
      hostCpus: "2",
      hostMemoryMiB: "2048",
      hostGeneration: "2",
      workers: '[{"name":"w","host":"192.168.56.11"}]',
      drainTimeoutSeconds: "60",
      allow: '["hostChange"]',
      abandonHost: "true",
      allowOvercommit: "true",
      k0sVersion: "v1.34.2+k0s.0",
      k0sUrl: "http://a/k0s",
      k0sSha256: "a".repeat(64),
      k0sDisabledComponents: "[]",
      k0sEnvironment: '{"GOGC":"50"}',
      apiServerArgs: '{"event-ttl":"15m"}',
      controllerManagerArgs: '{"v":"2"}',
      schedulerArgs: '{"v":"2"}',
      lowMemory: '{"collectGarbage":false}',
      podCidr: "10.1.0.0/16",
      serviceCidr: "10.2.0.0/16",
      imageBundles: "x",
      readyTimeoutSeconds: "60",
      loadBalancer: "nodeIp",
      metallbVersion: "v0.15.3",
      loadBalancerPool: "192.168.56.7",
      hostSubnet: "192.168.56.0/25",
      poolRouted: "x",
      knativeVersion: "1.22.1",
      kourierVersion: "1.22.1",
      manifestsDir: __dirname,
      resourcePolicy: "scale",
      resourceFactor: "0.4",
      allowIncrease: "x",
      resourceOverrides: '{"a/b":{"limits":{"cpu":"1"}}}',
      oneNode: '{"removeAutoscalers":false}',
      severalNodes: '{"keepOne":false}',
      coldStart: '{"unmountServiceAccountToken":false}',
      knativeConfig: '{"a":{"b":"c"}}',
      imageMirrors: '{"a":"b"}',
      registries: '{"ghcr.io":{"plainHttp":true}}',
      resolveDigests: "false",
      domain: "example.com",
      tls: '{"issuer":"x"}',
      sample: "false",
      services: '{"a":{"image":"app"}}',
      namespaces: '{"default":{"priority":1}}',
      serviceSecrets: '{"hello":{"TOKEN":"x"}}',
    };
    assert.deepEqual(Object.keys(changes), Object.keys(readSchema().keys));
    for (const [key, value] of Object.entries(changes)) {
      let outcome: unknown;
      try {
        outcome = testConfig({ [key]: value });
      } catch (error) {
        outcome = error;
      }
      assert.notDeepEqual(outcome, testConfig(), key);
    }
  });
});

describe("the configuration schema", () => {
  const { keys } = readSchema();

  it("gives every key a type, a description and a default of that type", () => {
    const typeOf = (value: unknown): string =>
      Array.isArray(value) ? "array" : Number.isInteger(value) ? "integer" : typeof value;
    for (const [key, { type, description, default: value }] of Object.entries(keys)) {
      assert.equal(typeOf(value), type, key);
      assert.match(description, /^[A-Z].*\.$/, key);
    }
  });

  it("has what pulumi new asks for, and a stack dev begins without settings", function () {
    const read = (file: string): unknown =>
      load(fs.readFileSync(path.join(__dirname, "../../../..", file), "utf8"));
    const { template } = read("Pulumi.yaml") as { template?: { config: Record<string, object> } };
    // A project that `pulumi new` made: it has the answers in Pulumi.dev.yaml, and no template any more.
    if (template === undefined) this.skip();
    assert.deepEqual(Object.keys(template.config), ["host", "sshHostKey", "loadBalancerPool"]);
    for (const key of Object.keys(template.config)) {
      assert.ok(keys[key], key);
    }
    assert.deepEqual(read("Pulumi.dev.yaml"), { config: null });
  });

  it("leaves out keys that are not the program's, such as the one that pulumi new adds", () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "knative-edge-schema-"));
    const file = path.join(folder, "Pulumi.yaml");
    const host = { type: "string", description: "A host.", default: "" };
    const tags = { value: { "pulumi:template": "a-repository" } };
    fs.writeFileSync(file, JSON.stringify({ name: "mine", config: { host, "pulumi:tags": tags } }));
    assert.deepEqual(readSchema(file), { project: "mine", keys: { host } });
    fs.rmSync(folder, { recursive: true });
  });

  it("has the secret keys, without defaults", () => {
    for (const key of secretKeys) {
      assert.equal(keys[key]?.default, "", key);
    }
  });
});

describe("package.json", () => {
  it("pins @pulumi/command, whose `latest` on npm is an old SDK without host keys", () => {
    const text = fs.readFileSync(path.join(__dirname, "../../../../package.json"), "utf8");
    const { dependencies } = JSON.parse(text) as { dependencies: Record<string, string> };
    assert.equal(dependencies["@pulumi/command"], "1.2.1");
  });
});
