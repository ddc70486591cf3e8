import assert from "node:assert/strict";
import { Graph, runProgram } from "../../../../../cli/recording/recorder";
import { knativeService } from "../../../../../components/knative/service/serviceObject";
import { withSecrets } from "../../../../../components/knative/service/serviceSecrets";
import { ConfigError, readConfig } from "../../../../../stack/config";
import { leastConfig, project, testConfig } from "../../../../support/config";
import { manifestsDir } from "../../../../support/releases";

const token = "token-of-the-service";
const image = `registry.example/api@sha256:${"a".repeat(64)}`;

function withServices(api: object, secrets: object, more: Record<string, string> = {}) {
  return {
    sample: "false",
    services: JSON.stringify({ api: { image, ...api } }),
    serviceSecrets: JSON.stringify({ api: secrets }),
    ...more,
  };
}

describe("the secrets of a service", () => {
  const plain = knativeService("api", "shop", { image, env: { MODE: "edge" } });

  it("are variables and read-only files of a Secret", () => {
    const { object, secretData } = withSecrets(
      plain,
      { variables: { TOKEN: token }, files: { "/etc/api/key.bin": "AAEC" } },
      "key",
    );
    assert.deepEqual(secretData, { TOKEN: btoa(token), ".file-0": "AAEC" });
    const { template } = object.spec as unknown as {
      template: { metadata: { annotations: Record<string, string> }; spec: object };
    };
    assert.deepEqual(template.spec, {
      containers: [
        {
          image,
          env: [
            { name: "MODE", value: "edge" },
            { name: "TOKEN", valueFrom: { secretKeyRef: { name: "api-secrets", key: "TOKEN" } } },
          ],
          volumeMounts: [
            {
              name: "knative-edge-secrets",
              mountPath: "/etc/api/key.bin",
              subPath: "0-key.bin",
              readOnly: true,
            },
          ],
        },
      ],
      volumes: [
        {
          name: "knative-edge-secrets",
          secret: {
            secretName: "api-secrets",
            items: [{ key: ".file-0", path: "0-key.bin" }],
          },
        },
      ],
    });
    assert.match(
      template.metadata.annotations["knative-edge/secrets"] ?? "",
      /^\/etc\/api\/key\.bin=[0-9a-f]{16}, TOKEN=[0-9a-f]{16}$/,
    );
  });

  it("make a new revision when one changes, and show which by digests that need the key", () => {
    const digests = (values: Record<string, string>, key = "key"): string[] => {
      const { object } = withSecrets(plain, { variables: values, files: {} }, key);
      const { template } = object.spec as unknown as {
        template: { metadata: { annotations: Record<string, string> } };
      };
      return (template.metadata.annotations["knative-edge/secrets"] ?? "").split(", ");
    };
    const [a, b] = digests({ A: "1", B: "1" });
    assert.deepEqual(digests({ B: "1", A: "1" }), [a, b]);
    const [same, other] = digests({ A: "1", B: "2" });
    assert.equal(same, a);
    assert.notEqual(other, b);
    assert.notEqual(a?.split("=")[1], b?.split("=")[1]);
    assert.notEqual(digests({ A: "1" }, "another key")[0], a);
  });

  it("stand over what the service has under that name", () => {
    const { object } = withSecrets(plain, { variables: { MODE: "x" }, files: {} }, "key");
    const [container] = (object.spec as unknown as { template: { spec: { containers: object[] } } })
      .template.spec.containers;
    const valueFrom = { secretKeyRef: { name: "api-secrets", key: "MODE" } };
    assert.deepEqual(container, { image, env: [{ name: "MODE", valueFrom }] });
  });

  describe("as the program registers them", () => {
    let graph: Graph;
    before(async () => {
      const config = withServices({ namespace: "shop" }, { TOKEN: token });
      graph = await runProgram({ ...leastConfig, manifestsDir, ...config }, { preview: true });
    });

    it("are in a Secret of the service's namespace, which is there before the service", () => {
      const secret = graph.find("api-secrets");
      const { metadata, data } = secret.inputs as { metadata: object; data: { secret: object } };
      assert.deepEqual(metadata, { name: "api-secrets", namespace: "shop" });
      assert.deepEqual(data.secret, { TOKEN: btoa(token) });
      assert.ok(graph.waitsFor(graph.find("api-service"), secret));
      assert.ok(graph.waitsFor(secret, graph.find("namespace-shop")));
    });

    it("are nowhere else", () => {
      const open = JSON.stringify(graph, (_, value: unknown) =>
        typeof value === "object" && value !== null && "secret" in value ? undefined : value,
      );
      for (const form of [token, btoa(token).replace(/=+$/, "")]) {
        assert.ok(!open.includes(form), form);
      }
      assert.ok(JSON.stringify(graph).includes(btoa(token)));
    });
  });

  const wrong: [what: string, secrets: unknown, problem: RegExp, api?: object][] = [
    ["no mapping", "hush", /^serviceSecrets\.api: a mapping of variables and files/],
    ["a number", { TOKEN: 1234567 }, /^serviceSecrets\.api\.TOKEN: a text was expected; put/],
    [
      "a name that cannot be",
      { "A B": token },
      /api\.A B: is neither a variable's name nor a file/,
    ],
    ["a variable of Knative's", { PORT: token }, /api\.PORT: Knative itself sets this variable/],
    ["a NUL in a variable", { A: `${token}\0` }, /api\.A: has the character NUL/],
    ["a folder", { "/etc/api/": token }, /api\.\/etc\/api\/: is no absolute path of a file/],
    ["a way up", { "/etc/../key": token }, /api\.\/etc\/\.\.\/key: is no absolute path of a file/],
    [
      "bytes that are no base64",
      { "/key": { base64: "***" } },
      /api\.\/key: is neither a text nor \{base64: .*base64 -w0 <file> \| pulumi config set --secret/,
    ],
    [
      "more than a Secret holds",
      { "/key": "x".repeat(1_000_000) },
      /larger than a Kubernetes Secret/,
    ],
    [
      "a variable that is plain too",
      { MODE: token },
      /^serviceSecrets\.api\.MODE: services\.api\.env sets this variable too; remove one/,
      { env: { MODE: "edge" } },
    ],
  ];
  for (const [what, secrets, problem, api] of wrong) {
    it(`are refused with ${what}, and their values are not told`, () => {
      assert.throws(
        () => testConfig(withServices(api ?? {}, secrets as object)),
        (error: unknown) => {
          assert.ok(error instanceof ConfigError);
          const [first = "", ...others] = error.problems;
          assert.match(first.replace(`${project}:`, ""), problem);
          assert.deepEqual(others, []);
          assert.doesNotMatch(error.message, /token-of|1234567|hush|\*\*\*/);
          return true;
        },
      );
    });
  }

  it("are refused for a service that is not there", () => {
    const secrets = JSON.stringify({ apy: { TOKEN: token } });
    assert.throws(
      () => testConfig(withServices({}, {}, { serviceSecrets: secrets })),
      /serviceSecrets\.apy: there is no such service; did you mean "api"\?/,
    );
  });

  it("are refused in plain text", () => {
    const config = { ...leastConfig, ...withServices({}, { A: token }) };
    const read = (encrypted: string[]): unknown =>
      readConfig(config, new Set(["sshPrivateKey", ...encrypted]));
    assert.throws(
      () => read([]),
      /serviceSecrets: stands in plain text in the stack's file; set each with `pulumi config set --secret --path/,
    );
    read(["serviceSecrets"]);
  });
});
