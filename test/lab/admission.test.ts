// Whether a preview refuses exactly the Services that Knative's own code refuses (lab/go/serving/admit).
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import path from "node:path";
import { loadAll } from "js-yaml";
import { admitService } from "../../components/knative/admission/serviceAdmission";
import { KubernetesObject } from "../../components/cluster/kubernetesObject";
import { configMapProblems, exampleKey } from "../../components/knative/configMaps";
import { buildAll } from "../../lab/build";
import { manifestsDir } from "../../lab/manifests";
import { dirs } from "../../lab/paths";
import { say } from "../../lab/say";
import { knativeVersion } from "../../lab/versions";
import { admissionCases } from "../support/admissionCases";

interface Answer {
  errors: string[];
  warnings: string[];
}

before(() => buildAll({ binDir: dirs.bin, progress: say }, ["admit"]));

describe("the admission of services", () => {
  it("is at preview what Knative's webhook and the API server say", async () => {
    const asked = admissionCases.map(({ service, configMaps = {} }) => {
      const { problems, features } = admitService(service, configMaps);
      const flags = Object.fromEntries(features.map((feature) => [feature, "enabled"]));
      // As the program sets them.
      const config = {
        ...configMaps,
        "config-features": { ...flags, ...configMaps["config-features"] },
      };
      return { problems, one: { service, config } };
    });
    const answers = await admit(asked.map(({ one }) => one));
    const differences = admissionCases.flatMap(({ what }, index) => {
      const problems = asked[index]?.problems ?? [];
      const errors = answers[index]?.errors ?? ["no answer"];
      const [here, there] = [problems.length, errors.length].map((count) => count === 0);
      return here === there ? [] : [{ what, problems, errors }];
    });
    assert.deepEqual(differences, []);
    assert.equal(answers.length, admissionCases.length);
    // Neither side says one thing to all.
    const admitted = answers.filter(({ errors }) => errors.length === 0).length;
    assert.ok(admitted > 40 && admissionCases.length - admitted > 40, `${admitted} are admitted`);
  });

  it("turns on no feature that Knative does not ask for", async () => {
    const flagged = admissionCases.filter(
      ({ features, refused }) => features.length > 0 && refused.length === 0,
    );
    const answers = await admit(
      flagged.map(({ service, configMaps = {} }) => ({ service, config: configMaps })),
    );
    const admitted = flagged.filter((_, index) => answers[index]?.errors.length === 0);
    assert.deepEqual(
      admitted.map(({ what }) => what),
      [],
    );
    assert.ok(flagged.length > 10);
  });
});

describe("the values of Knative's settings", () => {
  it("are at preview none that Knative refuses", async () => {
    const own = await configMaps();
    const cases = own.flatMap(({ metadata: { name }, data = {} }) =>
      settingNames(data).flatMap((key) =>
        values.map((value) => ({
          name,
          key,
          value,
          configMap: {
            // Without it Knative refuses the ConfigMap whatever the other key is.
            ...(name === "config-deployment" && { "queue-sidecar-image": "queue" }),
            [key]: value,
          },
        })),
      ),
    );
    const answers = await admit(cases);
    const taken = cases.filter(({ name, key, value }, index) => {
      const problems = configMapProblems({ [name]: { [key]: value } }, own);
      return problems.length === 0 && answers[index]?.errors.length !== 0;
    });
    assert.deepEqual(
      taken.map(({ name, key, value }) => `${name} ${key} ${JSON.stringify(value)}`),
      [],
    );
    const refused = answers.filter(({ errors }) => errors.length > 0).length;
    assert.ok(refused > 1000 && cases.length - refused > 1000, `${refused} of ${cases.length}`);
  });
});

/** Values of every form that some setting takes, and of forms that none does. */
const values = [
  ...["", "a", "true", "false", "yes", "0", "1", "2", "-1", "100", "101", "0.5", "1.5", "many"],
  ...["enabled", "Enabled", "disabled", "allowed", "none", "http", "grpc", "prometheus", "info"],
  ...["30s", "0s", "5s", "61m", "1.5s", "-1s", "100m", "64Mi", "-5m", "{{.Name", "2147483648"],
  ...["{{.Name}}.{{.Namespace}}.{{.Domain}}", "[]", "- a", "http/protobuf", "selector:\n  app: b"],
];

/** Knative's ConfigMaps, each with its example. */
async function configMaps(): Promise<KubernetesObject[]> {
  const file = path.join(await manifestsDir(), `knative-${knativeVersion}/serving-core.yaml`);
  const objects = loadAll(readFileSync(file, "utf8")) as (KubernetesObject | null)[];
  return objects.filter(
    (object): object is KubernetesObject =>
      object?.kind === "ConfigMap" && exampleKey in (object.data ?? {}),
  );
}

/** The keys that a ConfigMap has, and that its example explains. */
function settingNames(data: Record<string, string>): string[] {
  const explained = (data[exampleKey] ?? "").matchAll(/^([\w.-]+):/gm);
  const names = [...Object.keys(data), ...[...explained].map(([, key = ""]) => key)];
  return [...new Set(names)].filter((key) => key !== exampleKey);
}

/** Knative's answers to these cases. */
async function admit(cases: object[]): Promise<Answer[]> {
  const file = path.join(await manifestsDir(), `knative-${knativeVersion}/serving-crds.yaml`);
  const definitions = loadAll(readFileSync(file, "utf8")) as {
    metadata: { name: string };
    spec: { versions: { schema: { openAPIV3Schema: object } }[] };
  }[];
  const services = definitions.find(
    ({ metadata }) => metadata.name === "services.serving.knative.dev",
  );
  const schema = services?.spec.versions[0]?.schema.openAPIV3Schema;
  assert.ok(schema, `${file} has no definition of Services`);
  const program = spawn(path.join(dirs.bin, "admit"), { stdio: ["pipe", "pipe", "inherit"] });
  program.stdin.end(JSON.stringify({ schema, cases }));
  return JSON.parse(await text(program.stdout)) as Answer[];
}
