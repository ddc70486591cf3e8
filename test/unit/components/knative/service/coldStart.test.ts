import assert from "node:assert/strict";
import { load } from "js-yaml";
import {
  allColdStartMeasures,
  coldStartMeasures,
  withColdStart,
} from "../../../../../components/knative/service/coldStart";
import { KubernetesObject } from "../../../../../components/cluster/kubernetesObject";
import { testConfig } from "../../../../support/config";

describe("the measures for a shorter cold start", () => {
  const service = (template: string): KubernetesObject =>
    load(
      `{kind: Service, metadata: {name: api}, spec: {template: ${template}}}`,
    ) as KubernetesObject;
  const tokenOf = (template: string, on = true): unknown => {
    const { spec } = withColdStart(service(template), allColdStartMeasures(on));
    return (spec as { template: { spec: object } }).template.spec;
  };
  const containers = [{ image: "a" }];

  it("leave out the token of the ServiceAccount", () => {
    assert.deepEqual(tokenOf("{spec: {containers: [{image: a}]}}"), {
      containers,
      automountServiceAccountToken: false,
    });
  });

  it("leave it where it is asked for: by a ServiceAccount that is named, or the switch", () => {
    const named = "{spec: {serviceAccountName: reader, containers: [{image: a}]}}";
    assert.deepEqual(tokenOf(named), { containers, serviceAccountName: "reader" });
    assert.deepEqual(tokenOf("{spec: {containers: [{image: a}]}}", false), { containers });
  });

  it("change no revision that has a name, because Knative refuses that", () => {
    const named = "{metadata: {name: api-1}, spec: {containers: [{image: a}]}}";
    assert.deepEqual(tokenOf(named), { containers });
  });

  it("are on by default, off with upstream, and each has its own switch", () => {
    assert.deepEqual(testConfig().coldStart, allColdStartMeasures(true));
    const upstream = { resourcePolicy: "upstream" };
    assert.deepEqual(testConfig(upstream).coldStart, allColdStartMeasures(false));
    for (const [name, { reason }] of Object.entries(coldStartMeasures)) {
      assert.match(reason, /^[A-Z].+\.$/s);
      const on = testConfig({ ...upstream, coldStart: JSON.stringify({ [name]: true }) });
      assert.deepEqual(on.coldStart, { ...allColdStartMeasures(false), [name]: true });
    }
  });
});
