import assert from "node:assert/strict";
import {
  allMemoryMeasures,
  memoryMeasures,
  withMeasures,
} from "../../../../components/host/lowMemory";
import { noSettings } from "../../../../components/host/k0sSettings";
import { policies } from "../../../../stack/resources/policies";
import { testConfig } from "../../../support/config";

describe("measures for little memory", () => {
  it("are on below 2 GiB whatever the policy, off from there on, and each has its own switch", () => {
    const small = (more: Record<string, string> = {}) =>
      testConfig({ hostMemoryMiB: "2047", ...more }).k0s;
    const large = (more: Record<string, string> = {}) =>
      testConfig({ hostMemoryMiB: "2048", ...more }).k0s;
    assert.deepEqual(small(), testConfig().k0s);
    assert.notDeepEqual(small(), large());
    for (const resourcePolicy of Object.keys(policies)) {
      assert.deepEqual(small({ resourcePolicy }), small(), resourcePolicy);
      assert.deepEqual(large({ resourcePolicy }), large(), resourcePolicy);
    }
    for (const name of Object.keys(memoryMeasures)) {
      const only = (on: boolean) => ({ lowMemory: JSON.stringify({ [name]: on }) });
      assert.notDeepEqual(large(only(true)), large(), name);
      assert.notDeepEqual(small(only(false)), small(), name);
    }
  });

  it("set nothing when they are off", () => {
    assert.deepEqual(withMeasures(allMemoryMeasures(false), noSettings), noSettings);
  });

  it("give way to what the operator sets, key by key", () => {
    const { environment, disabledComponents } = testConfig({
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
