import assert from "node:assert/strict";
import { load } from "js-yaml";
import {
  access,
  expiryWarning,
  KubeconfigError,
  rewriteKubeconfig,
} from "../../../../components/cluster/kubeconfig";

// Self-signed for tests: openssl req -x509 -newkey ed25519 -days 36500 -subj /CN=test
const certificate =
  "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUJORENCNTZBREFnRUNBaFIvakZaaVc3VGk1bHhpSEVybnBrK21BaHlPRlRBRkJnTXJaWEF3RHpFTk1Bc0cKQTFVRUF3d0VkR1Z6ZERBZ0Z3MHlOakV4TWpFd09UVXlORE5hR0E4eU1USTJNVEF5T0RBNU5USTBNMW93RHpFTgpNQXNHQTFVRUF3d0VkR1Z6ZERBcU1BVUdBeXRsY0FNaEFJRjQ3dG42RERsWmRQUGppd0UvMXl1RzRTRXk0Z2xmCkJEWkJaNFplalVkdW8xTXdVVEFkQmdOVkhRNEVGZ1FVeWNXOU9LZysySktXRlorSjRIV3NzUUZSbW9Jd0h3WUQKVlIwakJCZ3dGb0FVeWNXOU9LZysySktXRlorSjRIV3NzUUZSbW9Jd0R3WURWUjBUQVFIL0JBVXdBd0VCL3pBRgpCZ01yWlhBRFFRRE8xa09zRHF1dVZKaEJ4U3V2S2Foemt3TlFNRGFwR3RSSmtwWkg1U2g0OWwwM253QWRQaHU2ClByQXlhUEd2bW9rS1VUTnNjWW01RmhJSU9jR0tjaWtCCi0tLS0tRU5EIENFUlRJRklDQVRFLS0tLS0K";

const kubeconfig = `apiVersion: v1
clusters:
- cluster:
    server: https://192.168.56.10:6443
    certificate-authority-data: Y2E=
  name: local
contexts:
- context:
    cluster: local
    namespace: default
    user: user
  name: Default
current-context: Default
kind: Config
preferences: {}
users:
- name: user
  user:
    client-certificate-data: ${certificate}
    client-key-data: c2VjcmV0
`;

describe("kubeconfig", () => {
  it("points to the runner's endpoint under the stack's name", () => {
    const rewritten = rewriteKubeconfig(kubeconfig, "https://edge.example.com:7443", "dev");
    assert.deepEqual(load(rewritten), {
      apiVersion: "v1",
      kind: "Config",
      preferences: {},
      "current-context": "dev",
      clusters: [
        {
          name: "dev",
          cluster: {
            server: "https://edge.example.com:7443",
            "certificate-authority-data": "Y2E=",
          },
        },
      ],
      contexts: [{ name: "dev", context: { cluster: "dev", user: "dev" } }],
      users: [
        {
          name: "dev",
          user: { "client-certificate-data": certificate, "client-key-data": "c2VjcmV0" },
        },
      ],
    });
  });

  it("tells a TLS client what it needs, and is no good without a client certificate", () => {
    assert.deepEqual(access(kubeconfig), {
      server: "https://192.168.56.10:6443",
      ca: "ca",
      cert: Buffer.from(certificate, "base64").toString(),
      key: "secret",
    });
    const withToken = kubeconfig.replace(/client-key-data: .*/, "token: c2VjcmV0");
    assert.throws(() => access(withToken), KubeconfigError);
  });

  it("is parsed, not searched: the address may stand elsewhere and the name mean something to YAML", () => {
    const odd = kubeconfig
      .replace("name: local", "name: https://192.168.56.10:6443")
      .replace("cluster: local", "cluster: https://192.168.56.10:6443");
    const rewritten = rewriteKubeconfig(odd, "https://[fd00::1]:6443", "1e3: # x");
    assert.equal((load(rewritten) as { "current-context": string })["current-context"], "1e3: # x");
    assert.ok(!rewritten.includes("192.168.56.10"));
  });

  it("is warned of from 60 days before its certificate ends, on 28 October 2126", () => {
    const on = (day: string) => expiryWarning(kubeconfig, new Date(`${day}T12:00:00Z`));
    assert.equal(on("2126-08-28"), undefined);
    assert.match(on("2126-08-29") ?? "", /kubeconfig ends on 2126-10-28, in 59 days: renew it as/);
    assert.match(on("2126-10-27") ?? "", /kubeconfig ends on 2126-10-28, in 0 days/);
    assert.match(on("2126-10-28") ?? "", /kubeconfig has ended, on 2126-10-28.*: renew it as/);
  });

  it("has no end that is known without a certificate", () => {
    const text = kubeconfig.replace(/ *client-certificate-data.*\n/, "");
    assert.equal(expiryWarning(text, new Date()), undefined);
  });

  const broken: [what: string, text: string][] = [
    ["no YAML", `secret: [${"c2VjcmV0"}`],
    ["no kubeconfig", "c2VjcmV0"],
    ["nothing", ""],
    ["an error of k0s", 'Error: admin config "/var/lib/k0s/pki/admin.conf" not found, c2VjcmV0'],
    ["two users", kubeconfig.replace("users:", "users:\n- name: b\n  user: {}")],
  ];
  for (const [what, text] of broken) {
    it(`refuses ${what} without quoting it`, () => {
      for (const use of [
        () => rewriteKubeconfig(text, "https://a:1", "dev"),
        () => expiryWarning(text, new Date()),
      ]) {
        assert.throws(
          use,
          (error) => error instanceof KubeconfigError && !String(error.stack).includes("c2VjcmV0"),
        );
      }
    });
  }

  it("refuses a client certificate that is none", () => {
    assert.throws(
      () => expiryWarning(kubeconfig.replace(certificate, "c2VjcmV0"), new Date()),
      /certificate cannot be read/,
    );
  });
});
