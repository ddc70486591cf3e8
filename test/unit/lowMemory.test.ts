import assert from "node:assert/strict";
import { allMemoryMeasures, memoryMeasures, withMeasures } from "../../edge/lowMemory";
import { noSettings } from "../../edge/k0sSettings";
import { testConfig } from "../support/config";

describe("measures for little memory", () => {
  it("are on with the policy edge alone, and each has its own switch", () => {
    const none = testConfig().k0s;
    const all = testConfig({ resourcePolicy: "edge" }).k0s;
    for (const policy of ["upstream", "guaranteed", "scale"]) {
      assert.deepEqual(testConfig({ resourcePolicy: policy }).k0s, none, policy);
    }
    assert.notDeepEqual(all, none);
    for (const name of Object.keys(memoryMeasures)) {
      const on = testConfig({ lowMemory: JSON.stringify({ [name]: true }) }).k0s;
      const off = testConfig({
        resourcePolicy: "edge",
        lowMemory: JSON.stringify({ [name]: false }),
      }).k0s;
      assert.notDeepEqual(on, none, name);
      assert.notDeepEqual(off, all, name);
    }
  });

  it("set nothing when they are off", () => {
    assert.deepEqual(withMeasures(allMemoryMeasures(false), noSettings), noSettings);
  });

  it("give way to what the operator sets, key by key", () => {
    const { environment, disabledComponents } = testConfig({
      resourcePolicy: "edge",
      k0sDisabledComponents: '["helm","metrics-server"]',
      k0sEnvironment: '{"GOGC":"off","HTTP_PROXY":"http://proxy:3128"}',
    }).k0s;
    assert.equal(environment.GOGC, "off");
    assert.equal(environment.HTTP_PROXY, "http://proxy:3128");
    assert.notEqual(environment.GOMEMLIMIT, undefined);
    // Each component is named once.
    assert.deepEqual([...new Set(disabledComponents)], disabledComponents);
  });

  it("have a reason each", () => {
    for (const { reason } of Object.values(memoryMeasures)) {
      assert.match(reason, /^[A-Z].+\.$/s);
    }
  });
});
