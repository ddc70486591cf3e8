import assert from "node:assert/strict";
import {
  ManifestError,
  parseManifest,
  withoutDuplicates,
} from "../../../../components/cluster/manifests";
import { ignoredFields } from "../../../../components/cluster/fieldRules";
import { tiers } from "../../../../components/cluster/tiers";
import { describe as nameOf } from "../../../../components/cluster/kubernetesObject";
import { find, fixture } from "../../../support/fixtures";

const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: n}\n";

describe("manifests", () => {
  it("are parsed document by document, without the empty ones", () => {
    const objects = parseManifest(
      `# licence\n---\n${configMap}---\n---\n# nothing\n---\n${configMap}`,
      "f.yaml",
    );
    assert.deepEqual(objects.map(nameOf), ["v1 ConfigMap n/a", "v1 ConfigMap n/a"]);
  });

  it("keep dashes inside a text, and dates as texts", () => {
    const [object] = parseManifest(
      `${configMap}data:\n  k: |\n    ---\n    x\n  day: 2026-01-01\n`,
      "f.yaml",
    );
    assert.deepEqual(object?.data, { k: "---\nx\n", day: "2026-01-01" });
  });

  const broken: [what: string, document: string, message: RegExp][] = [
    ["broken YAML", "a: [", /^f.yaml, document 2: not YAML: .* at line 3 of it\.$/],
    [
      "another document after a document's end",
      `${configMap}...\n${configMap}`,
      /^f.yaml, document 2: not YAML: another document begins at line \d+ of it\.$/,
    ],
    [
      "an alias of itself",
      `${configMap}data: &a { b: *a }`,
      /^f.yaml, document 2: not YAML: an alias in it stands for what it is itself a part of\.$/,
    ],
    [
      "a duplicated key",
      `${configMap}kind: Secret`,
      /^f.yaml, document 2: not YAML: duplicated mapping key/,
    ],
    ["a list", "- a", /^f.yaml, document 2: a Kubernetes object was expected, not a list/],
    ["a text", "a", /not a string/],
    ["no kind", "apiVersion: v1\nmetadata: {name: a}", /document 2: kind is missing/],
    ["no apiVersion", "kind: Secret\nmetadata: {name: a}", /document 2: apiVersion is missing/],
    [
      "no name",
      "apiVersion: v1\nkind: Job\nmetadata: {generateName: a-}",
      /document 2: Job has no metadata.name/,
    ],
    [
      "no metadata",
      "apiVersion: v1\nkind: List\nitems: []",
      /document 2: List has no metadata.name/,
    ],
  ];
  for (const [what, document, message] of broken) {
    it(`with ${what} are refused by file and document`, () => {
      assert.throws(
        () => parseManifest(`${configMap}---\n${document}\n`, "f.yaml"),
        (error) => error instanceof ManifestError && message.test(error.message),
      );
    });
  }

  it("have each object once", () => {
    const objects = parseManifest(`${configMap}---\n${configMap}`, "f.yaml");
    assert.equal(withoutDuplicates(objects).length, 1);
    const changed = parseManifest(`${configMap}---\n${configMap}data: {k: v}`, "f.yaml");
    assert.throws(
      () => withoutDuplicates(changed),
      /ConfigMap n\/a is there twice with different contents/,
    );
  });

  it("fall into tiers, each object in one", () => {
    const objects = fixture("serving.yaml");
    const kinds = tiers(objects).map((tier) => [...new Set(tier.map(({ kind }) => kind))].sort());
    assert.deepEqual(kinds, [
      ["Namespace"],
      ["CustomResourceDefinition"],
      ["ClusterRole", "ConfigMap", "Secret", "ServiceAccount"],
      ["Deployment", "MutatingWebhookConfiguration", "Service"],
      ["Image"],
    ]);
    assert.equal(tiers(objects).flat().length, objects.length);
    assert.deepEqual(tiers([]), []);
  });

  it("take a Knative Service for a custom resource", () => {
    const service = "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: a}\n";
    const core = "apiVersion: v1\nkind: Service\nmetadata: {name: b}\n";
    const names = tiers(parseManifest(`${service}---\n${core}`, "f.yaml")).map((tier) =>
      tier.map(nameOf),
    );
    assert.deepEqual(names, [["v1 Service b"], ["serving.knative.dev/v1 Service a"]]);
  });

  it("have fields that controllers fill", () => {
    const serving = fixture("serving.yaml");
    const webhook = ["webhooks[*].clientConfig.caBundle"];
    assert.deepEqual(
      ignoredFields(find(serving, "MutatingWebhookConfiguration", "webhook.serving.knative.dev")),
      [...webhook, "webhooks[*].rules"],
    );
    assert.deepEqual(
      ignoredFields(
        find(
          fixture("metallb.yaml"),
          "ValidatingWebhookConfiguration",
          "metallb-webhook-configuration",
        ),
      ),
      webhook,
    );
    assert.deepEqual(ignoredFields(find(serving, "Secret", "webhook-certs")), ["data"]);
    assert.deepEqual(ignoredFields(find(serving, "ClusterRole", "knative-serving-admin")), [
      "rules",
    ]);
    assert.deepEqual(ignoredFields(find(serving, "Deployment", "activator")), []);
  });
});
