import assert from "node:assert/strict";
import fc from "fast-check";
import { KubernetesObject } from "../../../components/cluster/kubernetesObject";
import { formatQuantity, parseDecimal, parseQuantity } from "../../../lib/quantity";
import { loadReleases } from "../../../stack/releases/releases";
import {
  parseFactor,
  resourceErrors,
  Resources,
  scaledBy,
  withOverrides,
} from "../../../lib/resources";
import { transformAll } from "../../../stack/render/transforms";
import { referenceSetUp, testConfig } from "../../support/config";
import { manifestsDir } from "../../support/releases";

const activator = { namespace: "knative-serving", workload: "activator", container: "activator" };
const half = scaledBy(parseDecimal("0.5"));

describe("resources", () => {
  it("halves the activator as the reference set-up does", () => {
    const given = {
      requests: { cpu: "300m", memory: "60Mi" },
      limits: { cpu: "1000m", memory: "600Mi" },
    };
    assert.deepEqual(half(activator, given), {
      requests: { cpu: "150m", memory: "30Mi" },
      limits: { cpu: "500m", memory: "300Mi" },
    });
  });

  it("leaves what is not CPU or memory, and what is not there", () => {
    const claims = [{ name: "gpu" }];
    assert.deepEqual(
      half(activator, { requests: { "ephemeral-storage": "1Gi" }, claims } as Resources),
      {
        requests: { "ephemeral-storage": "1Gi" },
        claims,
      },
    );
    assert.deepEqual(half(activator, {}), {});
  });

  it("never rounds to nothing", () => {
    assert.deepEqual(half(activator, { requests: { cpu: "1m", memory: "1Ki" } }), {
      requests: { cpu: "1m", memory: "1Mi" },
    });
  });

  it("leaves quantities as written at factor 1", () => {
    const given = { limits: { cpu: "1000m" } };
    assert.deepEqual(scaledBy(parseDecimal("1.0"))(activator, given), given);
  });

  it("keeps requests at or below limits", () => {
    const amount = fc.bigInt({ min: 1n, max: 10n ** 15n });
    const factor = fc
      .integer({ min: 1, max: 2000 })
      .map((thousandths) => String(thousandths / 1000));
    fc.assert(
      fc.property(amount, amount, factor, fc.constantFrom("cpu", "memory"), (a, b, text, name) => {
        // Parts of a byte are wrong in a release already, and stay as written at factor 1.
        const unit = parseQuantity(name === "memory" ? "1" : "1n");
        const [request, limit] = a < b ? [a * unit, b * unit] : [b * unit, a * unit];
        const given = {
          requests: { [name]: formatQuantity(request, "decimal") },
          limits: { [name]: formatQuantity(limit, "decimal") },
        };
        assert.deepEqual(resourceErrors(scaledBy(parseDecimal(text))(activator, given)), []);
      }),
    );
  });

  it("lets overrides replace single quantities", () => {
    const policy = withOverrides(half, { "activator/activator": { requests: { memory: "64Mi" } } });
    assert.deepEqual(policy(activator, { requests: { cpu: "300m", memory: "60Mi" } }), {
      requests: { cpu: "150m", memory: "64Mi" },
    });
  });

  it("tells MetalLB's controller from Knative's", () => {
    const override = { requests: { cpu: "7m" } };
    const knative = {
      namespace: "knative-serving",
      workload: "controller",
      container: "controller",
    };
    const metalLb = { ...knative, namespace: "metallb-system" };
    const short = withOverrides(half, { "controller/controller": override });
    assert.deepEqual(short(knative, {}), override);
    assert.deepEqual(short(metalLb, {}), {});
    const full = withOverrides(half, { "metallb-system/controller/controller": override });
    assert.deepEqual(full(metalLb, {}), override);
    assert.deepEqual(full(knative, {}), {});
  });

  it("names what is wrong with resources", () => {
    assert.deepEqual(resourceErrors({ requests: { cpu: "1" }, limits: { cpu: "1000m" } }), []);
    assert.match(
      resourceErrors({ requests: { cpu: "2" }, limits: { cpu: "1000m" } }).join(),
      /cpu 2 is above limits.cpu 1000m/,
    );
    assert.match(
      resourceErrors({ limits: { memory: "much" } }).join(),
      /limits.memory: "much" is not a/,
    );
    assert.match(resourceErrors({ limits: { memory: "-1Mi" } }).join(), /cannot be negative/);
  });

  it("refuses factors that cannot be", () => {
    for (const factor of ["0.5", "1", "0.001"]) {
      assert.deepEqual(parseFactor(factor, false), parseDecimal(factor));
    }
    assert.throws(() => parseFactor("0", false), /leaves containers nothing/);
    assert.throws(() => parseFactor("-1", true), /leaves containers nothing/);
    assert.throws(() => parseFactor("half", true), /not a decimal number/);
    assert.throws(() => parseFactor("1.5", false), /allowIncrease/);
    assert.deepEqual(parseFactor("1.5", true), parseDecimal("1.5"));
    assert.deepEqual(parseFactor("1000", true), parseDecimal("1000"));
    // Such quantities ended in a stack trace of the budget.
    assert.throws(() => parseFactor("99999999999999", true), /take a number up to 1000/);
  });
});

describe("resources of the releases", () => {
  // CPU and memory requests and limits of Knative Serving 1.23 with Kourier, without the Job.
  const golden: [factor: string, totals: string[]][] = [
    ["1", ["1000m", "5500m", "760Mi", "4400Mi"]],
    ["0.5", ["500m", "2750m", "380Mi", "2200Mi"]],
  ];
  for (const version of ["1.22.1", "1.23.0"]) {
    for (const [resourceFactor, totals] of golden) {
      it(`of ${version} add up at factor ${resourceFactor}`, async () => {
        const config = testConfig({
          ...referenceSetUp,
          resourceFactor,
          knativeVersion: version,
          kourierVersion: version,
          manifestsDir,
        });
        const { serving, kourier } = await loadReleases(config);
        const found = containersOf(transformAll([...serving, ...kourier], config));
        const sum = (list: keyof Resources, name: string, step: string): string => {
          const total = found.reduce(
            (amount, { resources }) => amount + parseQuantity(resources[list]?.[name] ?? "0"),
            0n,
          );
          return `${total / parseQuantity(`1${step}`)}${step}`;
        };
        assert.deepEqual(
          [
            sum("requests", "cpu", "m"),
            sum("limits", "cpu", "m"),
            sum("requests", "memory", "Mi"),
            sum("limits", "memory", "Mi"),
          ],
          totals,
        );
      });
    }
  }

  it("of 1.23 at half are those of the reference table", async () => {
    const config = testConfig({ ...referenceSetUp, manifestsDir });
    const { serving, kourier, defaultDomain } = await loadReleases(config);
    const rows = containersOf(transformAll([...serving, ...kourier, ...defaultDomain], config)).map(
      ({ name, resources: { requests = {}, limits = {} } }) =>
        `${name} ${requests.cpu} ${limits.cpu} ${requests.memory} ${limits.memory}`,
    );
    assert.deepEqual(rows.sort(), [
      "3scale-kourier-gateway/kourier-gateway 100m 500m 100Mi 400Mi",
      "activator/activator 150m 500m 30Mi 300Mi",
      "autoscaler/autoscaler 50m 500m 50Mi 500Mi",
      "controller/controller 50m 500m 50Mi 500Mi",
      "default-domain/default-domain 50m 500m 50Mi 500Mi",
      "net-kourier-controller/controller 100m 500m 100Mi 250Mi",
      "webhook/webhook 50m 250m 50Mi 250Mi",
    ]);
  });
});

interface PodTemplate {
  template?: { spec?: { containers: { name: string; resources: Resources }[] } };
}

function containersOf(objects: KubernetesObject[]): { name: string; resources: Resources }[] {
  return objects.flatMap(({ kind, metadata, spec }) =>
    kind === "CustomResourceDefinition"
      ? []
      : ((spec as PodTemplate | undefined)?.template?.spec?.containers ?? []).map(
          ({ name, resources }) => ({
            name: `${metadata.name}/${name}`,
            resources,
          }),
        ),
  );
}
