import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { required } from "../../../cli/lib/command";
import { DigestResolver } from "../../../components/registry/digestResolver";
import { parseStackFile } from "../../../cli/lib/stackFile";
import { rewriteKubeconfig } from "../../../components/cluster/kubeconfig";
import { parseManifest } from "../../../components/cluster/manifests";
import { parseQuantity } from "../../../lib/quantity";
import { UserError } from "../../../lib/userError";
import { parseYaml } from "../../../lib/yaml";
import { computeBudget } from "../../../stack/budget/budget";
import { requireFit } from "../../../stack/budget/budgetAdvice";
import { loadReleases } from "../../../stack/releases/releases";
import { renderStack } from "../../../stack/render/renderStack";
import { project, testConfig } from "../../support/config";
import { manifestsDir } from "../../support/releases";

const root = path.join(__dirname, "../../..");

/** By class, what makes an error of it, and what it says. */
const kinds: Record<string, { make: () => unknown; says: RegExp }> = {
  UserError: { make: () => parseQuantity("1 GB"), says: /^"1 GB" is not a Kubernetes quantity; / },
  ConfigError: {
    make: () => testConfig({ host: "" }),
    says: new RegExp(`^The configuration has a problem:\n${project}:host: is not set; `),
  },
  ReleaseError: {
    make: () => loadReleases(testConfig({ manifestsDir: root })),
    says: /metallb-native\.yaml is not there; download it from /,
  },
  ManifestError: {
    make: () => parseManifest("kind: Pod", "a.yaml"),
    says: /^a\.yaml, document 1: apiVersion is missing or no text; /,
  },
  BudgetError: {
    make: async () => {
      const config = testConfig({ resourcePolicy: "upstream", manifestsDir });
      requireFit(computeBudget(config, renderStack(config, await loadReleases(config))));
    },
    says: /^The stack does not fit the host /,
  },
  KubeconfigError: {
    make: () => rewriteKubeconfig("clusters: []", "https://192.0.2.1:6443", "edge"),
    says: /^k0s printed a kubeconfig that does not have exactly one entry /,
  },
  RegistryError: {
    make: () => {
      const registries = { "127.0.0.1:1": { plainHttp: true } };
      return new DigestResolver(registries).resolve("127.0.0.1:1/app");
    },
    says: /^127\.0\.0\.1:1 cannot be reached /,
  },
  StackFileError: {
    make: () => parseStackFile("- a", "Pulumi.a.yaml"),
    says: /^Pulumi\.a\.yaml is no stack's file: /,
  },
  UsageError: { make: () => required("stack", undefined), says: /^--stack is missing\.$/ },
  YamlError: {
    make: () => parseYaml("a: 1\n---\nb: 2"),
    says: /^another document begins at line 2/,
  },
};

describe("an error for the user", () => {
  for (const [kind, { make, says }] of Object.entries(kinds)) {
    it(`of the kind ${kind} is a plain sentence, and Pulumi shows no stack trace with it`, async () => {
      await assert.rejects(
        async () => make(),
        (error: Error) => {
          assert.ok(error instanceof UserError, String(error));
          assert.equal(error.constructor.name, kind);
          assert.match(error.message, says);
          assert.doesNotMatch(error.message, /^\s+at /m);
          assert.ok(pulumi.RunError.isInstance(error));
          return true;
        },
      );
    });
  }

  it("keeps its words where it comes out of a resource's property", async () => {
    const property = pulumi.output(Promise.reject<string>(new UserError("mend it.")));
    await assert.rejects(pulumi.runtime.serializeProperties("a", { property }), {
      message: "mend it.",
    });
  });

  it("is of a kind that is tried here, and no kind derives from Error itself", () => {
    const found = ["lib", "components", "stack", "program", "cli"]
      .flatMap((folder) =>
        fs
          .readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
          .filter((file) => file.endsWith(".ts"))
          .map((file) => fs.readFileSync(path.join(root, folder, file), "utf8")),
      )
      .flatMap((text) => [...text.matchAll(/class (\w+) extends (\w*Error)\b/g)])
      .map(([, kind, base]) => `${kind} ${base}`);
    const expected = Object.keys(kinds).map((kind) =>
      kind === "UserError" ? "UserError Error" : `${kind} UserError`,
    );
    assert.deepEqual(found.sort(), expected.sort());
  });
});
